-- The audit log: who did what to which object. The time of an entry is that of its id. It is written by hand and by seldom
-- events only, so each of its filters has an index.

CREATE TABLE audit_entries (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	key_id BLOB, -- null = the server itself
	project_id BLOB,
	action TEXT NOT NULL,
	object_id TEXT NOT NULL,
	fields TEXT NOT NULL, -- JSON array
	request_id TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_entries_by_key ON audit_entries (key_id, id);
CREATE INDEX audit_entries_by_project ON audit_entries (project_id, id);
CREATE INDEX audit_entries_by_object ON audit_entries (object_id, id);
CREATE INDEX audit_entries_by_action ON audit_entries (action, id);
