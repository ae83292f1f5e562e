-- Ids are the 16 bytes of their UUID: half the size of hex text, and UUIDv7 keeps them in the order of their making.
-- Times are milliseconds since the epoch. Statuses, triggers and scopes are small integers, named in rows.ts.

CREATE TABLE workspace (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	tier TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	master_key_fingerprint TEXT NOT NULL
) STRICT;

CREATE TABLE projects (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	workspace_id BLOB NOT NULL,
	name TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	delete_date INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL,
	scope INTEGER NOT NULL,
	project_id BLOB REFERENCES projects (id),
	hint TEXT NOT NULL,
	digest BLOB NOT NULL UNIQUE,
	create_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	project_id BLOB NOT NULL REFERENCES projects (id),
	name TEXT NOT NULL,
	description TEXT,
	endpoint TEXT NOT NULL,
	max_retries INTEGER NOT NULL,
	max_backoff_ms INTEGER NOT NULL,
	event_types TEXT, -- JSON array; null = every type
	timeout_ms INTEGER NOT NULL,
	metadata TEXT NOT NULL, -- JSON object
	status INTEGER NOT NULL,
	disabled_reason TEXT,
	header_names TEXT NOT NULL, -- JSON array
	sealed_headers BLOB,
	secret_hint TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	update_date INTEGER NOT NULL,
	delete_date INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_by_project ON webhooks (project_id, id) WHERE delete_date IS NULL;

CREATE TABLE webhook_secrets (
	webhook_id BLOB NOT NULL REFERENCES webhooks (id),
	number INTEGER NOT NULL,
	sealed BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	expire_date INTEGER,
	PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;

-- With a rowid: a table without one holds at most a quarter of a page in place, and whole rows in its inner pages.
CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	id BLOB NOT NULL CHECK (length(id) = 16),
	project_id BLOB NOT NULL,
	type TEXT NOT NULL,
	timestamp INTEGER NOT NULL,
	create_date INTEGER NOT NULL,
	delivery_count INTEGER NOT NULL,
	body BLOB NOT NULL,
	UNIQUE (project_id, id)
) STRICT;

CREATE INDEX events_by_type ON events (project_id, type, id);

CREATE TABLE idempotency_keys (
	project_id BLOB NOT NULL,
	key TEXT NOT NULL,
	fingerprint BLOB NOT NULL,
	event_id BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	PRIMARY KEY (project_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (create_date);

-- The date of its making is the time in its id. Events, deliveries and attempts name their parents without foreign keys: the
-- parent is written or read in the same transaction anyway, and the four checks cost 5 of 45 µs a cycle.
CREATE TABLE deliveries (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	project_id BLOB NOT NULL,
	webhook_id BLOB NOT NULL REFERENCES webhooks (id),
	event_id BLOB NOT NULL,
	event_type TEXT NOT NULL,
	status INTEGER NOT NULL,
	reason TEXT,
	attempt_count INTEGER NOT NULL,
	auto_attempt_count INTEGER NOT NULL,
	next_attempt_at INTEGER,
	lease_until INTEGER,
	trigger INTEGER NOT NULL,
	schedule_resumes_at INTEGER,
	response_code INTEGER,
	update_date INTEGER NOT NULL,
	due_at INTEGER -- what core's dueAt says of the row; null unless Pending
) STRICT, WITHOUT ROWID;

-- Who is due when. The lease is in it so that a start finds the leased ones without reading the rows.
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at, id, lease_until) WHERE due_at IS NOT NULL;
-- The log, by each of its filters. Each index costs 1–2 of 45 µs a cycle, by_webhook 5 (it writes to as many pages as webhooks
-- are busy); without one of them, a page that matches nothing reads the whole log: 300 ms at 1,000,000 rows, 1 µs a row.
-- What follows the id is there to be compared without reading the row: 0.15 µs instead of 1 µs for one that doesn't match.
CREATE INDEX deliveries_by_project ON deliveries (project_id, id);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, id);
CREATE INDEX deliveries_by_event ON deliveries (event_id, id);
CREATE INDEX deliveries_by_type ON deliveries (project_id, event_type, id, webhook_id);
CREATE INDEX deliveries_by_code ON deliveries (project_id, response_code, id, status, webhook_id)
WHERE response_code IS NOT NULL;
-- Without Succeeded: it is the rule, so looking through the project finds it soon.
CREATE INDEX deliveries_by_status ON deliveries (project_id, status, id, webhook_id) WHERE status <> 1;
-- What a webhook has that did not go well; also what is held for it.
CREATE INDEX deliveries_by_webhook_status ON deliveries (webhook_id, status, id) WHERE status > 1;

CREATE TABLE attempts (
	delivery_id BLOB NOT NULL,
	number INTEGER NOT NULL,
	id BLOB NOT NULL CHECK (length(id) = 16),
	trigger INTEGER NOT NULL,
	start_date INTEGER NOT NULL,
	duration_ms INTEGER NOT NULL,
	response_code INTEGER NOT NULL,
	error TEXT,
	reason TEXT,
	request_headers TEXT NOT NULL, -- JSON object
	response_headers TEXT, -- JSON object; null = no response
	response_body TEXT,
	response_body_truncated INTEGER,
	PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- Written only to see whether writing works.
CREATE TABLE probe (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	at INTEGER NOT NULL
) STRICT;
