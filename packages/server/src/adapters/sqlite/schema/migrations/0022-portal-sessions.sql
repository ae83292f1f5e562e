-- Portal sessions: see core/access/portal-session.ts. Each row goes when its session is revoked, or soon after it has expired.
CREATE TABLE portal_sessions (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	project_id BLOB NOT NULL,
	customer_id TEXT NOT NULL,
	key_id BLOB,
	capabilities TEXT NOT NULL, -- JSON array
	actor TEXT,
	return_url TEXT,
	theme TEXT, -- JSON object
	locale TEXT,
	digest BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	expire_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_sessions_by_project ON portal_sessions (project_id, id);
CREATE INDEX portal_sessions_by_customer ON portal_sessions (project_id, customer_id, id);
CREATE INDEX portal_sessions_by_expiry ON portal_sessions (expire_date);

-- The portal session whose token made the change.
ALTER TABLE audit_entries ADD COLUMN portal_session_id BLOB;
