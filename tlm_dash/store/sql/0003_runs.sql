-- Runs over datasets: which rows they take, in which grid they belong together, and how they went on.

CREATE TABLE run_plan (
    run_id VARCHAR NOT NULL,
    grid_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    lead_run_id VARCHAR NOT NULL,
    source_run_id VARCHAR,
    n_items BIGINT NOT NULL,
    last_item_no BIGINT NOT NULL,
    sample_seed BIGINT,
    sample_cut VARCHAR,
    pilot_cut VARCHAR,
    grid_hash VARCHAR NOT NULL
);
COMMENT ON TABLE run_plan IS 'Which items a run takes, and which runs it is interleaved with; never changed';
COMMENT ON COLUMN run_plan.run_id IS 'Run';
COMMENT ON COLUMN run_plan.grid_id IS 'Runs that were started together have the same one';
COMMENT ON COLUMN run_plan.position IS 'Place in the grid, from 0 upwards';
COMMENT ON COLUMN run_plan.lead_run_id IS 'Run that asks for the response: runs with the same one score the same response';
COMMENT ON COLUMN run_plan.source_run_id IS 'Run whose responses are scored; NULL where responses are generated';
COMMENT ON COLUMN run_plan.n_items IS 'Items that the run takes';
COMMENT ON COLUMN run_plan.last_item_no IS 'Highest item number that it takes: what is added to the dataset later stays out';
COMMENT ON COLUMN run_plan.sample_seed IS 'Seed of the random choice of items; NULL where none is made';
COMMENT ON COLUMN run_plan.sample_cut IS 'Items are taken whose hash with the seed is not above this; NULL = all';
COMMENT ON COLUMN run_plan.pilot_cut IS 'As sample_cut, for the pilot that forecasts the run; NULL where it has none';
COMMENT ON COLUMN run_plan.grid_hash IS 'SHA-256 in hexadecimal of the frozen configuration of the whole grid';

CREATE TABLE run_event (
    run_id VARCHAR NOT NULL,
    event_no BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    detail VARCHAR,
    is_pilot BOOLEAN NOT NULL,
    retries_errors BOOLEAN NOT NULL,
    operational VARCHAR NOT NULL,
    counts VARCHAR,
    written_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE run_event IS 'What became of a run: the row of the highest event_no is its status';
COMMENT ON COLUMN run_event.run_id IS 'Run';
COMMENT ON COLUMN run_event.event_no IS 'Number of the event of this run, from 1 upwards';
COMMENT ON COLUMN run_event.status IS 'queued, running, paused, done, cancelled, failed or deleted';
COMMENT ON COLUMN run_event.detail IS 'Why, for a person; NULL where the status says it all';
COMMENT ON COLUMN run_event.is_pilot IS 'True while only the pilot of a forecast is wanted';
COMMENT ON COLUMN run_event.retries_errors IS 'True where items that had failed before this event are to be tried again';
COMMENT ON COLUMN run_event.operational IS 'JSON object of what may change on resume: limits, caps, prices';
COMMENT ON COLUMN run_event.counts IS 'JSON object of the counts at this moment; NULL where they were not taken';
COMMENT ON COLUMN run_event.written_at IS 'When it happened, UTC';
