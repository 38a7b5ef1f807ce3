-- Append-only tables without keys or indexes: the same statements run on an embedded file and on a shared
-- engine. Identity is kept by the writer (tables.py names the key columns). JSON is text.

CREATE TABLE schema_migration (
    version INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    applied_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE schema_migration IS 'One row per change of the tables that was applied to this database';
COMMENT ON COLUMN schema_migration.version IS 'Number of the change, from 1 upwards without gaps';
COMMENT ON COLUMN schema_migration.name IS 'What the change does, as in its file name';
COMMENT ON COLUMN schema_migration.applied_at IS 'When it was applied, UTC';

CREATE TABLE dataset (
    dataset_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE dataset IS 'A list of items that belong together: an uploaded file, or all playground prompts';
COMMENT ON COLUMN dataset.dataset_id IS 'Opaque id';
COMMENT ON COLUMN dataset.name IS 'Name that people see';
COMMENT ON COLUMN dataset.kind IS 'playground or uploaded';
COMMENT ON COLUMN dataset.created_at IS 'When it was made, UTC';

CREATE TABLE item (
    dataset_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    prompt VARCHAR NOT NULL,
    messages VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    reference VARCHAR,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE item IS 'One prompt of a dataset';
COMMENT ON COLUMN item.dataset_id IS 'Dataset that it belongs to';
COMMENT ON COLUMN item.item_no IS 'Number inside the dataset, unique there';
COMMENT ON COLUMN item.prompt IS 'Text of the last user message';
COMMENT ON COLUMN item.messages IS 'JSON list of chat messages, as sent';
COMMENT ON COLUMN item.prompt_hash IS 'SHA-256 in hexadecimal of the identity of the messages: line ends and outer white space do not count';
COMMENT ON COLUMN item.reference IS 'Ground truth where the dataset has one; NULL where it has none';
COMMENT ON COLUMN item.created_at IS 'When it was added, UTC';

CREATE TABLE run (
    run_id VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    answered_by VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    provider VARCHAR,
    model VARCHAR,
    quality_preset VARCHAR NOT NULL,
    scorer_model VARCHAR,
    settings VARCHAR NOT NULL,
    settings_hash VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE run IS 'One dataset with one frozen configuration';
COMMENT ON COLUMN run.run_id IS 'Opaque id';
COMMENT ON COLUMN run.dataset_id IS 'Dataset that is run';
COMMENT ON COLUMN run.name IS 'Name that people see';
COMMENT ON COLUMN run.mode IS 'generate, score or generate-then-score';
COMMENT ON COLUMN run.answered_by IS 'Who gave the responses: endpoint, provider, or given (they came with the items)';
COMMENT ON COLUMN run.endpoint IS 'Base URL of the endpoint that scores, without secrets';
COMMENT ON COLUMN run.provider IS 'Base URL of the other provider that answers, without secrets; NULL where the endpoint answers or responses were given';
COMMENT ON COLUMN run.model IS 'Model asked for an answer; NULL where it is not known';
COMMENT ON COLUMN run.quality_preset IS 'Quality preset of the score';
COMMENT ON COLUMN run.scorer_model IS 'Model asked to score; NULL where it is the model that answers';
COMMENT ON COLUMN run.settings IS 'JSON object of the frozen parameters and options';
COMMENT ON COLUMN run.settings_hash IS 'SHA-256 in hexadecimal of the whole frozen configuration';
COMMENT ON COLUMN run.created_at IS 'When it was made, UTC';

CREATE TABLE attempt (
    attempt_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    attempt_no INTEGER NOT NULL,
    call VARCHAR NOT NULL,
    content_hash VARCHAR NOT NULL,
    sent_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE attempt IS 'Ledger of requests: a row is committed before its request leaves';
COMMENT ON COLUMN attempt.attempt_id IS 'Opaque id of one request';
COMMENT ON COLUMN attempt.run_id IS 'Run that it was sent for';
COMMENT ON COLUMN attempt.item_no IS 'Item that it was sent for';
COMMENT ON COLUMN attempt.attempt_no IS 'Which try at this item of this run it belongs to, from 1 upwards';
COMMENT ON COLUMN attempt.call IS 'generate or score';
COMMENT ON COLUMN attempt.content_hash IS 'SHA-256 in hexadecimal of what was sent';
COMMENT ON COLUMN attempt.sent_at IS 'When it was about to leave, UTC';

CREATE TABLE attempt_end (
    attempt_id VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    error_kind VARCHAR,
    error_message VARCHAR,
    http_status INTEGER,
    request_id VARCHAR,
    latency_ms DOUBLE,
    ended_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE attempt_end IS 'How a request of the ledger ended; no row while it is under way';
COMMENT ON COLUMN attempt_end.attempt_id IS 'Request of the ledger';
COMMENT ON COLUMN attempt_end.outcome IS 'ok, error, cancelled, or interrupted (the process ended first; what became of it is not known)';
COMMENT ON COLUMN attempt_end.error_kind IS 'Kind of the failure; NULL where there was none';
COMMENT ON COLUMN attempt_end.error_message IS 'What happened, for a person; NULL where nothing failed';
COMMENT ON COLUMN attempt_end.http_status IS 'HTTP status of the answer; NULL where none arrived';
COMMENT ON COLUMN attempt_end.request_id IS 'Id that the endpoint gave the request; NULL where it gave none';
COMMENT ON COLUMN attempt_end.latency_ms IS 'Time from sending to the end, in milliseconds; NULL where it is not known';
COMMENT ON COLUMN attempt_end.ended_at IS 'When it ended, or was found interrupted, UTC';

CREATE TABLE completion (
    completion_id VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    response_hash VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    answered_by VARCHAR NOT NULL,
    model VARCHAR,
    resolved_model VARCHAR,
    finish_reason VARCHAR,
    input_tokens BIGINT,
    output_tokens BIGINT,
    latency_ms DOUBLE,
    first_token_ms DOUBLE,
    is_complete BOOLEAN NOT NULL,
    extra VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE completion IS 'One response to one item, generated or given; several runs may score it';
COMMENT ON COLUMN completion.completion_id IS 'Opaque id';
COMMENT ON COLUMN completion.dataset_id IS 'Dataset of the item';
COMMENT ON COLUMN completion.item_no IS 'Item that was answered';
COMMENT ON COLUMN completion.response_hash IS 'SHA-256 in hexadecimal of prompt and response: what an annotation belongs to';
COMMENT ON COLUMN completion.response IS 'Text of the response, verbatim';
COMMENT ON COLUMN completion.answered_by IS 'endpoint, provider or given';
COMMENT ON COLUMN completion.model IS 'Model asked for; NULL where it is not known';
COMMENT ON COLUMN completion.resolved_model IS 'Model that answered, as reported; NULL where it was not';
COMMENT ON COLUMN completion.finish_reason IS 'Why the answer ended, as reported; NULL where it was not';
COMMENT ON COLUMN completion.input_tokens IS 'Tokens of the prompt, as reported; NULL where they were not';
COMMENT ON COLUMN completion.output_tokens IS 'Tokens of the response, as reported, without what scoring used; NULL where they were not';
COMMENT ON COLUMN completion.latency_ms IS 'Time from sending to the last token, in milliseconds; NULL where it was given';
COMMENT ON COLUMN completion.first_token_ms IS 'Time from sending to the first token, in milliseconds; NULL where it was not streamed';
COMMENT ON COLUMN completion.is_complete IS 'False where the stream was cut or stopped before its end';
COMMENT ON COLUMN completion.extra IS 'JSON object of response fields that have no column';
COMMENT ON COLUMN completion.created_at IS 'When it arrived, UTC';

CREATE TABLE run_item (
    run_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    attempt_no INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    completion_id VARCHAR,
    response_hash VARCHAR,
    trustworthiness_score DOUBLE,
    unscored_reason VARCHAR,
    error_kind VARCHAR,
    error_message VARCHAR,
    error_hint VARCHAR,
    score_latency_ms DOUBLE,
    written_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE run_item IS 'Result of a run for an item: the row of the latest attempt_no and written_at counts; no row means pending';
COMMENT ON COLUMN run_item.run_id IS 'Run that it belongs to';
COMMENT ON COLUMN run_item.item_no IS 'Item that it belongs to';
COMMENT ON COLUMN run_item.attempt_no IS 'Which try at this item of this run, from 1 upwards';
COMMENT ON COLUMN run_item.status IS 'pending, done or error';
COMMENT ON COLUMN run_item.completion_id IS 'Response that was scored or is to be; NULL where there is none yet';
COMMENT ON COLUMN run_item.response_hash IS 'Same as in completion; NULL where there is none yet';
COMMENT ON COLUMN run_item.trustworthiness_score IS 'Score from 0 to 1; NULL = unscored, never 0 in its place';
COMMENT ON COLUMN run_item.unscored_reason IS 'Why a done item has no score; NULL where it has one';
COMMENT ON COLUMN run_item.error_kind IS 'Kind of the failure; NULL where nothing failed';
COMMENT ON COLUMN run_item.error_message IS 'What happened, for a person; NULL where nothing failed';
COMMENT ON COLUMN run_item.error_hint IS 'What to do next, for a person; NULL where nothing failed';
COMMENT ON COLUMN run_item.score_latency_ms IS 'Time of the scoring call alone, in milliseconds; NULL where the score came with the answer or there is none';
COMMENT ON COLUMN run_item.written_at IS 'When this row was made, UTC';

CREATE TABLE run_item_text (
    run_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    attempt_no INTEGER NOT NULL,
    explanation VARCHAR,
    log VARCHAR NOT NULL
);
COMMENT ON TABLE run_item_text IS 'Long texts that come with a score, apart from run_item to keep that narrow';
COMMENT ON COLUMN run_item_text.run_id IS 'Run that it belongs to';
COMMENT ON COLUMN run_item_text.item_no IS 'Item that it belongs to';
COMMENT ON COLUMN run_item_text.attempt_no IS 'Try of run_item that it came with';
COMMENT ON COLUMN run_item_text.explanation IS 'Why the score is as it is, in the scorer''s words; NULL where none was asked for';
COMMENT ON COLUMN run_item_text.log IS 'JSON object that the scorer sent along';

CREATE TABLE playground_entry (
    entry_id VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    request VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE playground_entry IS 'One submission of the playground page';
COMMENT ON COLUMN playground_entry.entry_id IS 'Opaque id, also in the page''s URL';
COMMENT ON COLUMN playground_entry.dataset_id IS 'The playground dataset';
COMMENT ON COLUMN playground_entry.item_no IS 'Item that the submission added';
COMMENT ON COLUMN playground_entry.request IS 'JSON object of what the person set on the page';
COMMENT ON COLUMN playground_entry.created_at IS 'When it was submitted, UTC';

CREATE TABLE playground_cell (
    entry_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    run_id VARCHAR NOT NULL
);
COMMENT ON TABLE playground_cell IS 'One card of a submission: the run that answers or scores it';
COMMENT ON COLUMN playground_cell.entry_id IS 'Submission that it belongs to';
COMMENT ON COLUMN playground_cell.position IS 'Place among the cards, from 0 upwards';
COMMENT ON COLUMN playground_cell.run_id IS 'Run, that is configuration, of the card';
