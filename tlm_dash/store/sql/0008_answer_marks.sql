-- Marks of answers that are not whole, and a place for labels that cannot be told apart.

ALTER TABLE completion ADD COLUMN is_refusal BOOLEAN;
COMMENT ON COLUMN completion.is_refusal IS 'True where the model refused, in a field of its own or by its finish reason; NULL where nothing was looked for';
COMMENT ON COLUMN completion.is_complete IS 'False where the stream was cut or stopped before its end, or the answer ended at a limit or in a filter';
COMMENT ON COLUMN completion.response IS 'Text of the response, verbatim; after it the tool calls, one a line, as people read them';
COMMENT ON COLUMN completion.response_hash IS 'SHA-256 in hexadecimal of prompt and response: what an annotation belongs to. Of a call or refusal: of what it says';

CREATE TABLE label_set_aside (
    label_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    run_id VARCHAR,
    item_no BIGINT NOT NULL,
    response_hash VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    set_aside_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE label_set_aside IS 'A label of which nobody can tell any more which of several responses it was given to: it counts nowhere';
COMMENT ON COLUMN label_set_aside.label_id IS 'Opaque id';
COMMENT ON COLUMN label_set_aside.source IS 'person, imported, column or matcher';
COMMENT ON COLUMN label_set_aside.dataset_id IS 'Dataset of the item it was given at';
COMMENT ON COLUMN label_set_aside.run_id IS 'Run in which it was given; NULL where that is not known';
COMMENT ON COLUMN label_set_aside.item_no IS 'Item it was given at';
COMMENT ON COLUMN label_set_aside.response_hash IS 'Identity that those responses shared';
COMMENT ON COLUMN label_set_aside.content IS 'JSON object of the row as it was in its table';
COMMENT ON COLUMN label_set_aside.set_aside_at IS 'When it was set aside, UTC';
