-- Sessions of the page and sign-in links: see core/access/session.ts. Each row goes with its key, when somebody signs out or uses the link, or
-- soon after it has expired.
CREATE TABLE sessions (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	key_id BLOB NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
	secret_digest BLOB NOT NULL,
	digest BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	expire_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_key ON sessions (key_id);
CREATE INDEX sessions_by_expiry ON sessions (expire_date);

CREATE TABLE sign_in_links (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	key_id BLOB NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
	secret_digest BLOB NOT NULL,
	digest BLOB NOT NULL,
	session_id BLOB, -- the session that has made it; null if none has
	create_date INTEGER NOT NULL,
	expire_date INTEGER NOT NULL,
	session_expire_date INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_links_by_key ON sign_in_links (key_id);
CREATE INDEX sign_in_links_by_session ON sign_in_links (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX sign_in_links_by_expiry ON sign_in_links (expire_date);

-- The session in which the change was made.
ALTER TABLE audit_entries ADD COLUMN session_id BLOB;
