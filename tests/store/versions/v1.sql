-- Rows as version 1 of the tables held them; nothing here is ever changed after version 2 exists.
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
