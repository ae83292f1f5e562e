-- Keys can expire, and be rolled: `older_secrets` is a JSON array of [digest in hex, time at which it ends], newest first. An update
-- compares the revision, as with other records: the version that the last change has given the project, or the workspace.
ALTER TABLE keys ADD COLUMN older_secrets TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN expire_date INTEGER;
ALTER TABLE keys ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

-- When each key was used last, to the minute. Apart from `keys`, since it is written without a new revision.
CREATE TABLE key_uses (
	key_id BLOB PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
	use_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
