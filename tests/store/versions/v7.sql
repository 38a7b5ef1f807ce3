-- Rows as version 7 of the tables held them; nothing here is ever changed after version 8 exists.
INSERT INTO dataset VALUES ('playground', 'Playground', 'playground', TIMESTAMP '2026-11-23 10:00:00');
INSERT INTO item VALUES ('playground', 1, 'Why is the sky blue?',
    '[{"content":"Why is the sky blue?","role":"user"}]', 'hash of the prompt', NULL, TIMESTAMP '2026-11-23 10:00:01');
INSERT INTO run VALUES ('run-1', 'playground', 'small, low', 'generate', 'endpoint', 'embedded', NULL, 'small', 'low',
    NULL, '{"params":{}}', 'hash of the settings', TIMESTAMP '2026-11-23 10:00:01');
INSERT INTO playground_entry VALUES ('entry-1', 'playground', 1, '{"prompt":"Why is the sky blue?"}',
    TIMESTAMP '2026-11-23 10:00:01');
INSERT INTO playground_cell VALUES ('entry-1', 0, 'run-1');
INSERT INTO attempt VALUES ('attempt-1', 'run-1', 1, 1, 'generate', 'hash of the content', TIMESTAMP '2026-11-23 10:00:02');
INSERT INTO attempt_end VALUES ('attempt-1', 'ok', NULL, NULL, 200, 'request-1', 812.5, TIMESTAMP '2026-11-23 10:00:03');
INSERT INTO completion VALUES ('completion-1', 'playground', 1, 'hash of both', 'Rayleigh scattering.', 'endpoint',
    'small', 'small-2026', 'stop', 14, 5, 812.5, 120.0, true, '{}', TIMESTAMP '2026-11-23 10:00:03');
INSERT INTO run_item VALUES ('run-1', 1, 1, 'done', 'completion-1', 'hash of both', 0.875, NULL, NULL, NULL, NULL, NULL,
    TIMESTAMP '2026-11-23 10:00:03.000250');
INSERT INTO run_item_text VALUES ('run-1', 1, 1, 'A known fact.', '{"explanation":"A known fact."}');
INSERT INTO dataset VALUES ('dataset-1', 'Questions', 'uploaded', TIMESTAMP '2026-11-23 11:00:00');
INSERT INTO dataset_import VALUES ('dataset-1', 'questions.csv', 'csv', 'utf-8', ',', NULL, 'hash of the file', 64, 2, 1, 1,
    '{"prompt":"question","response":"answer"}', '{"duplicate_prompts":0}', '[]', TIMESTAMP '2026-11-23 11:00:00');
INSERT INTO dataset_reject VALUES ('dataset-1', 2, 'The prompt is empty.', ',4');
INSERT INTO item VALUES ('dataset-1', 1, 'What is 2 + 2?',
    '[{"content":"What is 2 + 2?","role":"user"}]', 'hash of the prompt', '4', TIMESTAMP '2026-11-23 11:00:00');
INSERT INTO item_extra VALUES ('dataset-1', 1, 'q1', '{"topic":"sums"}', '{}');
INSERT INTO run VALUES ('run-2', 'dataset-1', 'Questions · answer', 'score', 'given', 'imported', NULL, NULL, 'imported',
    'imported', '{}', 'hash of the settings', TIMESTAMP '2026-11-23 11:00:00');
INSERT INTO imported_run VALUES ('run-2', 'dataset-1', 'answer', NULL, 'correct', 1);
INSERT INTO imported_label VALUES ('run-2', 1, 'hash of both', 'yes');
INSERT INTO dataset_deletion VALUES ('dataset-0', 'Old questions', 7, TIMESTAMP '2026-11-23 11:30:00');
INSERT INTO run_plan VALUES ('run-3', 'grid-1', 0, 'run-3', 'run-2', 1, 1, NULL, NULL, NULL, 'hash of the grid');
INSERT INTO run VALUES ('run-3', 'dataset-1', 'Questions · answer · low', 'score', 'given', 'embedded', NULL, NULL, 'low',
    'small', '{"params":{}}', 'hash of the settings', TIMESTAMP '2026-11-23 12:00:00');
INSERT INTO run_event VALUES ('run-3', 1, 'queued', NULL, false, false, '{}', NULL, TIMESTAMP '2026-11-23 12:00:00');
INSERT INTO annotation VALUES ('annotation-1', 'dataset-1', 1, 'hash of both', 'verdict', 'correct', 'sure', 'Ada', 'person',
    'run-2', 'plan-1', 0.5, false, TIMESTAMP '2026-11-23 13:00:00');
INSERT INTO label_spelling VALUES ('dataset-1', 'correct', 'yes', 'correct', 'Ada', TIMESTAMP '2026-11-23 13:00:00');
INSERT INTO label_precedence VALUES ('dataset-1', '["person","imported","column","matcher"]', 'Ada',
    TIMESTAMP '2026-11-23 13:00:00');
INSERT INTO label_basis VALUES ('run-2', 'column', true, 'Ada', 'drawn by lot', TIMESTAMP '2026-11-23 13:00:00');
INSERT INTO matcher_application VALUES ('application-1', 'run-2', 'exact', 1, 0, 0, 'Ada', TIMESTAMP '2026-11-23 13:00:00');
INSERT INTO matcher_label VALUES ('application-1', 'run-2', 1, 'hash of both', 1);
INSERT INTO label_plan VALUES ('plan-1', 'run-2', 'dataset-1', 'uniform', '{}', 0, 1, 1, 0.1, true, 'Ada',
    TIMESTAMP '2026-11-23 13:00:00');
INSERT INTO label_plan_item VALUES ('plan-1', 0, 1, 'hash of both', NULL, 1.0, 1);
INSERT INTO decision VALUES ('decision-1', 'threshold', '["run-2"]', 'Which responses may pass?', 'Those from 0.8 on.',
    'Ada', 'Good enough.', '{"n_labelled":1}', 'hash of the record', TIMESTAMP '2026-11-23 14:00:00');
INSERT INTO price VALUES ('price-1', 'model', 'small', 0.1, 0.4, NULL, false, TIMESTAMP '2026-11-23 14:00:00');
INSERT INTO item VALUES ('dataset-1', 2, 'What is 3 + 3?', NULL, 'hash of another prompt', '6',
    TIMESTAMP '2026-11-23 14:30:00');
