-- What people (and files, and matchers) say of responses, the plans they followed, and how spellings are read.

CREATE TABLE annotation (
    annotation_id VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    response_hash VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    verdict VARCHAR,
    note VARCHAR,
    annotator VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    run_id VARCHAR,
    plan_id VARCHAR,
    inclusion_probability DOUBLE,
    score_visible BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE annotation IS 'What somebody said of a prompt and response: the latest row of an annotator counts; rows are never changed';
COMMENT ON COLUMN annotation.annotation_id IS 'Opaque id';
COMMENT ON COLUMN annotation.dataset_id IS 'Dataset of the item it was given at';
COMMENT ON COLUMN annotation.item_no IS 'Item it was given at';
COMMENT ON COLUMN annotation.response_hash IS 'Prompt and response it belongs to, whichever run holds them';
COMMENT ON COLUMN annotation.kind IS 'verdict, resolution (settles a disagreement), skip, note, or retraction (takes back what this annotator said before)';
COMMENT ON COLUMN annotation.verdict IS 'correct, incorrect or unsure; NULL for a skip, a note or a retraction';
COMMENT ON COLUMN annotation.note IS 'What the annotator wrote; NULL where nothing was';
COMMENT ON COLUMN annotation.annotator IS 'Name of the person';
COMMENT ON COLUMN annotation.source IS 'person, or imported where it came with a file of labels';
COMMENT ON COLUMN annotation.run_id IS 'Run in which it was seen; NULL where that is not known';
COMMENT ON COLUMN annotation.plan_id IS 'Plan that brought the item up; NULL where a person chose it';
COMMENT ON COLUMN annotation.inclusion_probability IS 'Chance that the plan had of taking this item; NULL where there is none';
COMMENT ON COLUMN annotation.score_visible IS 'True where the score was on the screen before the verdict';
COMMENT ON COLUMN annotation.created_at IS 'When it was given, UTC';

CREATE TABLE label_spelling (
    dataset_id VARCHAR NOT NULL,
    label_column VARCHAR NOT NULL,
    spelling VARCHAR NOT NULL,
    meaning VARCHAR NOT NULL,
    decided_by VARCHAR,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE label_spelling IS 'What a spelling of an uploaded label column means, as a person decided: the latest row counts';
COMMENT ON COLUMN label_spelling.dataset_id IS 'Dataset of the column';
COMMENT ON COLUMN label_spelling.label_column IS 'Column of the file';
COMMENT ON COLUMN label_spelling.spelling IS 'Text of the cell without outer white space';
COMMENT ON COLUMN label_spelling.meaning IS 'correct, incorrect, unsure or ignored';
COMMENT ON COLUMN label_spelling.decided_by IS 'Name of the person; NULL where it is not known';
COMMENT ON COLUMN label_spelling.created_at IS 'When it was decided, UTC';

CREATE TABLE label_precedence (
    dataset_id VARCHAR NOT NULL,
    sources VARCHAR NOT NULL,
    decided_by VARCHAR,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE label_precedence IS 'Which source of labels comes first in a dataset: the latest row counts';
COMMENT ON COLUMN label_precedence.dataset_id IS 'Dataset';
COMMENT ON COLUMN label_precedence.sources IS 'JSON list of person, imported, column and matcher, the first one wins; a source that is absent is not used';
COMMENT ON COLUMN label_precedence.decided_by IS 'Name of the person; NULL where it is not known';
COMMENT ON COLUMN label_precedence.created_at IS 'When it was decided, UTC';

CREATE TABLE label_basis (
    run_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    is_uniform BOOLEAN NOT NULL,
    decided_by VARCHAR,
    note VARCHAR,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE label_basis IS 'A person said whether the labels of a source are a uniform sample of a run: the latest row counts';
COMMENT ON COLUMN label_basis.run_id IS 'Run';
COMMENT ON COLUMN label_basis.source IS 'imported, column or matcher';
COMMENT ON COLUMN label_basis.is_uniform IS 'True where every row of the run had the same chance of a label from this source';
COMMENT ON COLUMN label_basis.decided_by IS 'Name of the person; NULL where it is not known';
COMMENT ON COLUMN label_basis.note IS 'How it is known; NULL where nothing was written';
COMMENT ON COLUMN label_basis.created_at IS 'When it was said, UTC';

CREATE TABLE matcher_application (
    application_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    matcher VARCHAR NOT NULL,
    n_hits BIGINT NOT NULL,
    n_misses BIGINT NOT NULL,
    n_without_reference BIGINT NOT NULL,
    applied_by VARCHAR,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE matcher_application IS 'A matcher that was applied to the responses of a run: the latest row counts';
COMMENT ON COLUMN matcher_application.application_id IS 'Opaque id';
COMMENT ON COLUMN matcher_application.run_id IS 'Run';
COMMENT ON COLUMN matcher_application.matcher IS 'exact, normalized, contains, number or aliases; none where its labels were taken back';
COMMENT ON COLUMN matcher_application.n_hits IS 'Responses that agree with their reference';
COMMENT ON COLUMN matcher_application.n_misses IS 'Responses that do not';
COMMENT ON COLUMN matcher_application.n_without_reference IS 'Rows that could not be compared';
COMMENT ON COLUMN matcher_application.applied_by IS 'Name of the person; NULL where it is not known';
COMMENT ON COLUMN matcher_application.created_at IS 'When it was applied, UTC';

CREATE TABLE matcher_label (
    application_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    item_no BIGINT NOT NULL,
    response_hash VARCHAR NOT NULL,
    label INTEGER NOT NULL
);
COMMENT ON TABLE matcher_label IS 'What a matcher found for a response';
COMMENT ON COLUMN matcher_label.application_id IS 'Application that found it';
COMMENT ON COLUMN matcher_label.run_id IS 'Run of the response';
COMMENT ON COLUMN matcher_label.item_no IS 'Item that was answered';
COMMENT ON COLUMN matcher_label.response_hash IS 'Same as in completion';
COMMENT ON COLUMN matcher_label.label IS '1 where the response agrees with its reference, else 0';

CREATE TABLE label_plan (
    plan_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    dataset_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    n_items BIGINT NOT NULL,
    n_population BIGINT NOT NULL,
    double_share DOUBLE NOT NULL,
    is_score_blind BOOLEAN NOT NULL,
    created_by VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE label_plan IS 'Which rows of a run are to be labelled, in which order; never changed';
COMMENT ON COLUMN label_plan.plan_id IS 'Opaque id';
COMMENT ON COLUMN label_plan.run_id IS 'Run whose rows are labelled';
COMMENT ON COLUMN label_plan.dataset_id IS 'Dataset of the run';
COMMENT ON COLUMN label_plan.kind IS 'uniform or stratified (their labels feed estimates); lowest, around or disagree (for reading and fixing)';
COMMENT ON COLUMN label_plan.settings IS 'JSON object of what the kind needs: strata with their bounds, sizes and rates; a threshold; another run';
COMMENT ON COLUMN label_plan.seed IS 'Seed of the choice and of the order';
COMMENT ON COLUMN label_plan.n_items IS 'Rows that it takes';
COMMENT ON COLUMN label_plan.n_population IS 'Rows that it could have taken';
COMMENT ON COLUMN label_plan.double_share IS 'Share of its rows that two people label';
COMMENT ON COLUMN label_plan.is_score_blind IS 'True where scores stay hidden until the verdict';
COMMENT ON COLUMN label_plan.created_by IS 'Name of the person';
COMMENT ON COLUMN label_plan.created_at IS 'When it was made, UTC';

CREATE TABLE label_plan_item (
    plan_id VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    item_no BIGINT NOT NULL,
    response_hash VARCHAR NOT NULL,
    stratum INTEGER,
    inclusion_probability DOUBLE,
    n_annotators INTEGER NOT NULL
);
COMMENT ON TABLE label_plan_item IS 'A row of a plan';
COMMENT ON COLUMN label_plan_item.plan_id IS 'Plan';
COMMENT ON COLUMN label_plan_item.position IS 'Place in its order, from 0 upwards';
COMMENT ON COLUMN label_plan_item.item_no IS 'Item';
COMMENT ON COLUMN label_plan_item.response_hash IS 'Response that is labelled';
COMMENT ON COLUMN label_plan_item.stratum IS 'Stratum it was drawn from; NULL where the plan has none';
COMMENT ON COLUMN label_plan_item.inclusion_probability IS 'Chance that the plan had of taking it; NULL where it was not drawn at random';
COMMENT ON COLUMN label_plan_item.n_annotators IS 'How many people are to label it: 1 or 2';
