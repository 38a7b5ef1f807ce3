-- What was asked of the labels of runs, so that a second target is known as one by everybody.

CREATE TABLE question (
    question_id VARCHAR NOT NULL,
    choice_id VARCHAR,
    position INTEGER NOT NULL,
    dataset_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    basis VARCHAR NOT NULL,
    scorer VARCHAR,
    max_risk DOUBLE,
    review_budget DOUBLE,
    daily_volume DOUBLE,
    review_share DOUBLE,
    confidence DOUBLE NOT NULL,
    rows_are_requests BOOLEAN NOT NULL,
    is_first BOOLEAN NOT NULL,
    n_settings INTEGER NOT NULL,
    n_labelled BIGINT NOT NULL,
    item_ranges VARCHAR NOT NULL,
    open_ranges VARCHAR NOT NULL,
    asked_by VARCHAR,
    asked_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE question IS 'A target that somebody asked of the labels of a run: the first one of a run and its sample is answered by the full test';
COMMENT ON COLUMN question.question_id IS 'Opaque id';
COMMENT ON COLUMN question.choice_id IS 'The same in all rows of settings that were compared together; NULL where one run was asked alone';
COMMENT ON COLUMN question.position IS 'Place among the settings compared, from 0 upwards';
COMMENT ON COLUMN question.dataset_id IS 'Dataset of the run';
COMMENT ON COLUMN question.run_id IS 'Run: a setting (model, preset, scorer) over the dataset';
COMMENT ON COLUMN question.basis IS 'Sample of its labels that answers: census, imported, column, matcher or a plan_id';
COMMENT ON COLUMN question.scorer IS 'Score that was asked about; NULL where it is the trustworthiness score of the run';
COMMENT ON COLUMN question.max_risk IS 'Most wrong among the accepted, a fraction; NULL where people''s reading was asked about';
COMMENT ON COLUMN question.review_budget IS 'Rows that people can read a day; NULL where that was not asked';
COMMENT ON COLUMN question.daily_volume IS 'Rows a day that go with it; NULL where the run is one day';
COMMENT ON COLUMN question.review_share IS 'Share that people can read, a fraction; NULL where that was not asked';
COMMENT ON COLUMN question.confidence IS 'Confidence of all answers together, a fraction';
COMMENT ON COLUMN question.rows_are_requests IS 'True where it was said beforehand that rows are separate requests, repeated prompts too';
COMMENT ON COLUMN question.is_first IS 'True where no target was asked of these labels before: the full test answers it';
COMMENT ON COLUMN question.n_settings IS 'How many settings share what the confidence leaves: every one tried on this data, 1 for a run alone';
COMMENT ON COLUMN question.n_labelled IS 'Labelled rows of the sample when it was asked';
COMMENT ON COLUMN question.item_ranges IS 'JSON list of [first, last] item_no: the rows of the sample when it was asked, which the promise stays with';
COMMENT ON COLUMN question.open_ranges IS 'JSON list of [first, last] item_no: those of them that had no usable label or score then, which stay open';
COMMENT ON COLUMN question.asked_by IS 'Name of the person; NULL where it is not known';
COMMENT ON COLUMN question.asked_at IS 'When it was asked, UTC';
