-- works with: 1
-- What keys were called that are revoked, or gone with their project. Each row goes with the last audit entry that names its key. Processes of
-- schema 3 and earlier revoke keys without keeping their names.
CREATE TABLE revoked_keys (
	id uuid PRIMARY KEY,
	project_id uuid, -- null: a key of the workspace; it may be deleted
	name text NOT NULL
);
