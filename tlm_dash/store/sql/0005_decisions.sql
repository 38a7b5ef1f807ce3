-- Decisions that people took, with everything that they stood on.

CREATE TABLE decision (
    decision_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    run_ids VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    decided_by VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    record VARCHAR NOT NULL,
    record_hash VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE decision IS 'A decision with its record; never changed, and kept when its runs are deleted';
COMMENT ON COLUMN decision.decision_id IS 'Opaque id';
COMMENT ON COLUMN decision.kind IS 'threshold or comparison';
COMMENT ON COLUMN decision.run_ids IS 'JSON list of the runs it is about';
COMMENT ON COLUMN decision.question IS 'What was asked, in a sentence';
COMMENT ON COLUMN decision.verdict IS 'What was decided, in a sentence';
COMMENT ON COLUMN decision.decided_by IS 'Name of the person';
COMMENT ON COLUMN decision.reason IS 'Why, in the words of the person';
COMMENT ON COLUMN decision.record IS 'JSON object of data, settings, labels, method, figures and versions; holds no prompt or response';
COMMENT ON COLUMN decision.record_hash IS 'SHA-256 in hexadecimal of the record';
COMMENT ON COLUMN decision.created_at IS 'When it was saved, UTC';
