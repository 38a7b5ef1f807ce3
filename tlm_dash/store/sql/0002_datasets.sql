-- What came along with an uploaded dataset: the facts of its file, rows that could not be used, values without
-- a column of their own, and which column of the file a run was made from.

CREATE TABLE dataset_import (
    dataset_id VARCHAR NOT NULL,
    file_name VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    encoding VARCHAR,
    delimiter VARCHAR,
    sheet VARCHAR,
    content_hash VARCHAR NOT NULL,
    size_bytes BIGINT NOT NULL,
    n_rows_in BIGINT NOT NULL,
    n_items BIGINT NOT NULL,
    n_rejected BIGINT NOT NULL,
    mapping VARCHAR NOT NULL,
    hygiene VARCHAR NOT NULL,
    warnings VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE dataset_import IS 'The file that a dataset was made from, and what was understood of it';
COMMENT ON COLUMN dataset_import.dataset_id IS 'Dataset that it became';
COMMENT ON COLUMN dataset_import.file_name IS 'Name of the file, several joined by a comma, without folders';
COMMENT ON COLUMN dataset_import.format IS 'csv, tsv, jsonl, json, parquet, xlsx, openai-batch or text';
COMMENT ON COLUMN dataset_import.encoding IS 'Encoding that the text was read in; NULL where the format fixes it';
COMMENT ON COLUMN dataset_import.delimiter IS 'Character between cells; NULL where the format has none';
COMMENT ON COLUMN dataset_import.sheet IS 'Sheet of a workbook, or key that held the rows; NULL where there is none';
COMMENT ON COLUMN dataset_import.content_hash IS 'SHA-256 in hexadecimal of the bytes of the file';
COMMENT ON COLUMN dataset_import.size_bytes IS 'Size of the file';
COMMENT ON COLUMN dataset_import.n_rows_in IS 'Rows that the file has: items and rejects together';
COMMENT ON COLUMN dataset_import.n_items IS 'Rows that became items';
COMMENT ON COLUMN dataset_import.n_rejected IS 'Rows that could not be used';
COMMENT ON COLUMN dataset_import.mapping IS 'JSON object of roles and the columns that had them';
COMMENT ON COLUMN dataset_import.hygiene IS 'JSON object of counts: duplicate prompts, empty, truncated and very long texts';
COMMENT ON COLUMN dataset_import.warnings IS 'JSON list of sentences for a person';
COMMENT ON COLUMN dataset_import.created_at IS 'When it was imported, UTC';

CREATE TABLE dataset_reject (
    dataset_id VARCHAR NOT NULL,
    row_no BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    content VARCHAR NOT NULL
);
COMMENT ON TABLE dataset_reject IS 'A row of the file that did not become an item';
COMMENT ON COLUMN dataset_reject.dataset_id IS 'Dataset whose file it was in';
COMMENT ON COLUMN dataset_reject.row_no IS 'Number of the row in the file, from 1 upwards, header not counted';
COMMENT ON COLUMN dataset_reject.reason IS 'Why it could not be used, for a person';
COMMENT ON COLUMN dataset_reject.content IS 'What the row held, cut after some thousand characters';

CREATE TABLE item_extra (
    dataset_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    source_id VARCHAR,
    tags VARCHAR NOT NULL,
    extra VARCHAR NOT NULL
);
COMMENT ON TABLE item_extra IS 'Values of the file that belong to an item and have no column of their own';
COMMENT ON COLUMN item_extra.dataset_id IS 'Dataset of the item';
COMMENT ON COLUMN item_extra.item_no IS 'Item that they belong to';
COMMENT ON COLUMN item_extra.source_id IS 'Id that the file gave the row; NULL where it gave none';
COMMENT ON COLUMN item_extra.tags IS 'JSON object of the columns to filter by, values as text';
COMMENT ON COLUMN item_extra.extra IS 'JSON object of all other columns, values as text';

CREATE TABLE imported_run (
    run_id VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    response_column VARCHAR NOT NULL,
    score_column VARCHAR,
    label_column VARCHAR,
    n_items BIGINT NOT NULL
);
COMMENT ON TABLE imported_run IS 'A run that came with a file: which columns it was made from';
COMMENT ON COLUMN imported_run.run_id IS 'Run';
COMMENT ON COLUMN imported_run.dataset_id IS 'Dataset that came from the same file';
COMMENT ON COLUMN imported_run.response_column IS 'Column of the responses';
COMMENT ON COLUMN imported_run.score_column IS 'Column of the scores; NULL where there is none';
COMMENT ON COLUMN imported_run.label_column IS 'Column of the labels; NULL where there is none';
COMMENT ON COLUMN imported_run.n_items IS 'Items that belong to the run: a file in long form has a run per model';

CREATE TABLE imported_label (
    run_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    response_hash VARCHAR,
    label VARCHAR NOT NULL
);
COMMENT ON TABLE imported_label IS 'Verdict on a response that came with the file, spelled as it was there';
COMMENT ON COLUMN imported_label.run_id IS 'Run of the response';
COMMENT ON COLUMN imported_label.item_no IS 'Item that was answered';
COMMENT ON COLUMN imported_label.response_hash IS 'Same as in completion; NULL where the file has no response';
COMMENT ON COLUMN imported_label.label IS 'Text of the cell, verbatim';

CREATE TABLE dataset_deletion (
    dataset_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    n_items BIGINT NOT NULL,
    deleted_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE dataset_deletion IS 'A dataset that a person deleted, with its runs; what it held is gone';
COMMENT ON COLUMN dataset_deletion.dataset_id IS 'Id that it had';
COMMENT ON COLUMN dataset_deletion.name IS 'Name that it had';
COMMENT ON COLUMN dataset_deletion.n_items IS 'Items that it had';
COMMENT ON COLUMN dataset_deletion.deleted_at IS 'When it was deleted, UTC';
