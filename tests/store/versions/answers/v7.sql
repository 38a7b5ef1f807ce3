-- Answers as version 7 stored them: calls and refusals that share an identity, cut and empty ones, and labels
-- of every kind on them. Nothing here is ever changed: test_answers_anew.py reads it with every later version.
INSERT INTO dataset VALUES ('d', 'Cities', 'uploaded', TIMESTAMP '2026-11-24 10:00:00');
INSERT INTO dataset_import VALUES ('d', 'cities.csv', 'csv', 'utf-8', ',', NULL, 'hash of the file', 64, 9, 9, 0,
    '{"prompt":"question"}', '{"duplicate_prompts":0}', '[]', TIMESTAMP '2026-11-24 10:00:00');
INSERT INTO item SELECT 'd', n, 'Weather in city ' || n || '?', NULL, 'prompt ' || n, 'Paris', TIMESTAMP '2026-11-24 10:00:00'
    FROM range(1, 10) AS t(n);
-- Two models answered each item: run a and run b.
INSERT INTO run SELECT name, 'd', 'Cities · ' || name, 'generate', 'endpoint', 'http://127.0.0.1:9/api', NULL, name, 'low', NULL,
    '{"params":{}}', 'settings of ' || name, TIMESTAMP '2026-11-24 10:00:01' FROM (VALUES ('a'), ('b')) AS t(name);
INSERT INTO run_plan SELECT name, 'grid ' || name, 0, name, NULL, 9, 9, NULL, NULL, NULL, 'hash of the grid'
    FROM (VALUES ('a'), ('b')) AS t(name);
INSERT INTO run_event SELECT name, 1, 'done', NULL, false, false, '{}',
    '{"errors":{},"input_tokens":null,"n_answered":9,"n_done":9,"n_error":0,"n_maybe_paid_twice":0,"n_sent":9,"n_unknown":0}',
    TIMESTAMP '2026-11-24 10:05:00' FROM (VALUES ('a'), ('b')) AS t(name);
INSERT INTO completion SELECT run || '-' || n, 'd', n, hash || ' ' || n, response, 'endpoint', run, NULL, finish, 5, 5, 100.0, NULL,
    true, extra, TIMESTAMP '2026-11-24 10:00:02'
FROM (VALUES
    -- 1: different calls, once one identity.
    ('a', 1, 'shared', '', 'tool_calls', '{"message":{"tool_calls":[{"id":"x","type":"function","function":{"name":"get_weather","arguments":"{\"city\": \"Paris\"}"}}]}}'),
    ('b', 1, 'shared', '', 'tool_calls', '{"message":{"tool_calls":[{"id":"y","type":"function","function":{"name":"get_weather","arguments":"{\"city\": \"Lyon\"}"}}]}}'),
    -- 2: the same call, with another id and other spaces; streamed in pieces in run b.
    ('a', 2, 'shared', '', 'tool_calls', '{"message":{"tool_calls":[{"id":"x","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Nice\"}"}}]}}'),
    ('b', 2, 'shared', '', 'tool_calls', '{"message":{"tool_calls":[{"index":0,"id":"z","function":{"name":"get_weather","arguments":""}},{"index":0,"function":{"arguments":"{ \"city\": \"Nice\" }"}}]}}'),
    -- 3: a refusal, and the same words as text.
    ('a', 3, 'refused', 'I cannot.', 'stop', '{"message":{"refusal":"I cannot."}}'),
    ('b', 3, 'refused', 'I cannot.', 'stop', '{}'),
    -- 4: plain text, as most are.
    ('a', 4, 'plain', 'Sunny.', 'stop', '{}'),
    ('b', 4, 'plain', 'Sunny.', 'stop', '{"id":"c1"}'),
    -- 5: cut off; 6: an old call beside text.
    ('a', 5, 'cut', 'The wea', 'MAX_TOKENS', '{}'),
    ('b', 5, 'whole', 'The weather.', 'stop', '{}'),
    ('a', 6, 'called', 'Let me look.', 'function_call', '{"message":{"function_call":{"name":"look","arguments":"{}"}}}'),
    ('b', 6, 'plain 6', 'Rain.', 'stop', '{}'),
    -- 7: empty; 8: reasoning alone; 9: withheld.
    ('a', 7, 'shared', '', 'stop', '{}'),
    ('b', 7, 'plain 7', 'Fog.', 'stop', '{}'),
    ('a', 8, 'shared', '', 'length', '{"message":{"reasoning_content":"First"}}'),
    ('b', 8, 'plain 8', 'Wind.', 'stop', '{}'),
    ('a', 9, 'shared', '', 'content_filter', '{}'),
    ('b', 9, 'plain 9', 'Snow.', 'stop', '{}')
) AS t(run, n, hash, response, finish, extra);
INSERT INTO run_item SELECT split_part(completion_id, '-', 1), item_no, 1, 'done', completion_id, response_hash, 0.5 + item_no / 20,
    NULL, NULL, NULL, NULL, NULL, TIMESTAMP '2026-11-24 10:00:03' FROM completion;
-- People: on the shared calls in run a, in run b, and nobody knows where; one verdict that was taken back.
INSERT INTO annotation VALUES
    ('n1', 'd', 1, 'shared 1', 'verdict', 'correct', NULL, 'Ada', 'person', 'a', NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:00'),
    ('n2', 'd', 1, 'shared 1', 'verdict', 'incorrect', NULL, 'Bea', 'person', 'b', NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:01'),
    ('n3', 'd', 1, 'shared 1', 'verdict', 'incorrect', 'Which?', 'Cid', 'person', NULL, NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:02'),
    ('n4', 'd', 1, 'shared 1', 'verdict', 'correct', NULL, 'Dan', 'person', 'a', NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:03'),
    ('n5', 'd', 1, 'shared 1', 'retraction', NULL, NULL, 'Dan', 'person', 'b', NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:04'),
    ('n6', 'd', 2, 'shared 2', 'verdict', 'correct', NULL, 'Ada', 'person', NULL, NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:05'),
    ('n7', 'd', 3, 'refused 3', 'verdict', 'incorrect', NULL, 'Ada', 'person', 'a', NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:06'),
    ('n8', 'd', 3, 'refused 3', 'verdict', 'correct', NULL, 'Ada', 'imported', 'b', NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:07'),
    ('n9', 'd', 4, 'plain 4', 'verdict', 'correct', NULL, 'Ada', 'person', NULL, NULL, NULL, false, TIMESTAMP '2026-11-24 11:00:08');
INSERT INTO imported_run VALUES ('b', 'd', 'answer', NULL, 'ok', 9);
INSERT INTO imported_label VALUES ('b', 1, 'shared 1', 'no'), ('b', 4, 'plain 4', 'yes');
INSERT INTO matcher_application VALUES ('m', 'a', 'exact', 1, 1, 0, NULL, TIMESTAMP '2026-11-24 11:30:00'),
    ('gone', 'deleted', 'exact', 1, 0, 0, NULL, TIMESTAMP '2026-11-24 11:20:00');
INSERT INTO matcher_label VALUES ('m', 'a', 1, 'shared 1', 0), ('m', 'a', 6, 'called 6', 1), ('gone', 'deleted', 1, 'shared 1', 1);
INSERT INTO run SELECT 'deleted', 'd', 'Cities · deleted', 'generate', 'endpoint', 'http://127.0.0.1:9/api', NULL, 'x', 'low', NULL,
    '{}', 'settings of x', TIMESTAMP '2026-11-24 10:00:01';
INSERT INTO label_plan VALUES ('p', 'b', 'd', 'uniform', '{}', 0, 2, 9, 0.0, true, 'Ada', TIMESTAMP '2026-11-24 10:30:00');
INSERT INTO label_plan_item VALUES ('p', 0, 1, 'shared 1', NULL, 0.5, 1), ('p', 1, 4, 'plain 4', NULL, 0.5, 1);
INSERT INTO decision VALUES ('dec', 'threshold', '["b"]', 'Which threshold?', 'None.', 'Ada', 'Why not.', '{"method":"exact"}',
    'hash of the record', TIMESTAMP '2026-11-24 12:00:00');
