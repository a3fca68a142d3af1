-- What version 1 wrote: two runs, the second one canceled, with what belongs to them.
INSERT INTO workspaces VALUES ('default', '{"conda":"refuse"}', 0, 1);
INSERT INTO experiments VALUES ('default', 'diabetes', 2, 0);
INSERT INTO runs VALUES (1, '0000000000000001', 'default', 'diabetes', 'local', 'train-1', NULL, 1, 0, 'Queued', 0, 0, NULL, NULL, NULL, NULL, NULL, '{"k":"v"}');
INSERT INTO runs VALUES (2, '0000000000000002', 'default', 'diabetes', 'local', 'train-2', NULL, 1, 0, 'Canceled', 1, 0, NULL, 0, NULL, NULL, NULL, '{}');
INSERT INTO run_tags VALUES (1, 'k', 'v');
INSERT INTO run_submissions VALUES (1, 1, '{"id":"0000000000000001","name":"train-1","workspace":"default","experiment":"diabetes","target":"local","tags":{},"parent":null,"spec":{"command":{"kind":"script","script":"train.py","arguments":["--alpha","0.5"]},"snapshot":{"tree":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","files":20,"bytes":34567,"source":"/home/someone/project"},"environment":{"interpreter":{"kind":"managed"},"pip":["package-0==1.0.0"],"index_options":[],"conda":[],"channels":[],"variables":{}},"variables":{}}}');
INSERT INTO run_submissions VALUES (2, 1, '{"id":"0000000000000002","name":"train-2","workspace":"default","experiment":"diabetes","target":"local","tags":{},"parent":null,"spec":{"command":{"kind":"script","script":"train.py","arguments":["--alpha","0.5"]},"snapshot":{"tree":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","files":20,"bytes":34567,"source":"/home/someone/project"},"environment":{"interpreter":{"kind":"managed"},"pip":["package-0==1.0.0"],"index_options":[],"conda":[],"channels":[],"variables":{}},"variables":{}}}');
INSERT INTO run_records VALUES (1, 1, '{"id":"0000000000000001","name":"train-1","state":"Queued","target":"local","experiment":"diabetes","workspace":"default","created_at":"1970-01-01T00:00:00Z","state_since":"1970-01-01T00:00:00Z","started_at":null,"ended_at":null,"ran_ms":null,"attempt":0,"tags":{"k":"v"},"waiting":null,"contact_lost":null,"cancel":null,"exit":null,"failure":null,"environment_id":null,"native_id":null,"parent":null,"spec":null,"version":3}');
INSERT INTO run_records VALUES (2, 1, '{"id":"0000000000000002","name":"train-2","state":"Canceled","target":"local","experiment":"diabetes","workspace":"default","created_at":"1970-01-01T00:00:00Z","state_since":"1970-01-01T00:00:00Z","started_at":null,"ended_at":"1970-01-01T00:00:00Z","ran_ms":null,"attempt":0,"tags":{},"waiting":null,"contact_lost":null,"cancel":null,"exit":null,"failure":null,"environment_id":null,"native_id":null,"parent":null,"spec":null,"version":2}');
INSERT INTO events VALUES (1, 1, 0, 1, '{"kind":"submitted"}');
INSERT INTO events VALUES (1, 2, 0, 1, '{"kind":"queued"}');
INSERT INTO events VALUES (1, 3, 0, 1, '{"kind":"tagged","tags":{"k":"v"}}');
INSERT INTO events VALUES (2, 1, 0, 1, '{"kind":"submitted"}');
INSERT INTO events VALUES (2, 2, 0, 1, '{"kind":"canceled"}');
INSERT INTO metrics VALUES (1, 1, 'a', 'scalar', '1', NULL, 0.0);
INSERT INTO metric_marks VALUES (1, 9);
INSERT INTO outputs VALUES (2, 'outputs/m', 3, 'h');
INSERT INTO environments VALUES ('default', 'e', 1, 1, '{"interpreter":{"kind":"managed"},"pip":[],"index_options":[],"conda":[],"channels":[],"variables":{}}', 0);
