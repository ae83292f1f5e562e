-- Limits of each customer of a project. Null: the server's setting.
ALTER TABLE projects ADD COLUMN max_webhooks_per_customer INTEGER;
ALTER TABLE projects ADD COLUMN max_replays_per_customer INTEGER;
ALTER TABLE projects ADD COLUMN max_streams_per_customer INTEGER;
ALTER TABLE projects ADD COLUMN max_tests_per_customer INTEGER;
