-- What keys were called that are revoked, or gone with their project. Each row goes with the last audit entry that names its key.
CREATE TABLE revoked_keys (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	project_id BLOB, -- null: a key of the workspace
	name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
