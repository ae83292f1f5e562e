-- The caller's own id of a webhook. A deleted webhook no longer takes its key.
ALTER TABLE webhooks ADD COLUMN key TEXT;
CREATE UNIQUE INDEX webhooks_by_key ON webhooks (project_id, key) WHERE key IS NOT NULL AND delete_date IS NULL;
