-- Versions tell a copy in memory that it is stale. Each change of a project, of its webhooks, keys or event types raises the version of
-- the project, in the change's transaction. A changed row gets the new version as its revision: what has changed since a version is found
-- by it, and a change that was made on an older revision is refused. The workspace's version covers its list of projects and the keys
-- that open all of them.

ALTER TABLE workspace ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE projects ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE projects ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE webhooks ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE event_types ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

CREATE INDEX webhooks_by_revision ON webhooks (project_id, revision);
CREATE INDEX keys_by_project ON keys (project_id, id);
