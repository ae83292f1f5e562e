-- Generated from migrations/ by migrate.test.ts, for reading and to show the changes of a migration.

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

CREATE TABLE audit_entries (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	key_id BLOB, -- null = the server itself
	project_id BLOB,
	action TEXT NOT NULL,
	object_id TEXT NOT NULL,
	fields TEXT NOT NULL, -- JSON array
	request_id TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_entries_by_action ON audit_entries (action, id);

CREATE INDEX audit_entries_by_key ON audit_entries (key_id, id);

CREATE INDEX audit_entries_by_object ON audit_entries (object_id, id);

CREATE INDEX audit_entries_by_project ON audit_entries (project_id, id);

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

CREATE INDEX deliveries_by_code ON deliveries (project_id, response_code, id, status, webhook_id)
WHERE response_code IS NOT NULL;

CREATE INDEX deliveries_by_event ON deliveries (event_id, webhook_id, id);

CREATE INDEX deliveries_by_project ON deliveries (project_id, id);

CREATE INDEX deliveries_by_status ON deliveries (project_id, status, id, webhook_id, response_code) WHERE status <> 1;

CREATE INDEX deliveries_by_type ON deliveries (project_id, event_type, id, webhook_id);

CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, id);

CREATE INDEX deliveries_by_webhook_status ON deliveries (webhook_id, status, id) WHERE status > 1;

CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at, id, lease_until) WHERE due_at IS NOT NULL;

CREATE TABLE event_types (
	seq INTEGER PRIMARY KEY,
	project_id BLOB NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	schema_json TEXT,
	example_json TEXT,
	archived INTEGER NOT NULL,
	create_date INTEGER NOT NULL,
	update_date INTEGER NOT NULL, revision INTEGER NOT NULL DEFAULT 1,
	UNIQUE (project_id, name)
) STRICT;

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

CREATE TABLE figures_done (
	changes TEXT NOT NULL -- the same
) STRICT;

CREATE TABLE figures_journal (
	seq INTEGER PRIMARY KEY,
	changes TEXT NOT NULL -- JSON, see figure-changes.ts
) STRICT;

CREATE TABLE figures_state (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	through INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
	project_id BLOB NOT NULL,
	key TEXT NOT NULL,
	fingerprint BLOB NOT NULL,
	event_id BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	PRIMARY KEY (project_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (create_date);

CREATE TABLE keys (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL,
	scope INTEGER NOT NULL,
	project_id BLOB REFERENCES projects (id),
	hint TEXT NOT NULL,
	digest BLOB NOT NULL UNIQUE,
	create_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_by_project ON keys (project_id, id);

CREATE TABLE migrations (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL,
		apply_date INTEGER NOT NULL
	) STRICT
;

CREATE TABLE probe (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	at INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	workspace_id BLOB NOT NULL,
	name TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	delete_date INTEGER
, event_type_policy INTEGER NOT NULL DEFAULT 0, retention_days INTEGER, payload_retention_days INTEGER, version INTEGER NOT NULL DEFAULT 1, revision INTEGER NOT NULL DEFAULT 1) STRICT, WITHOUT ROWID;

CREATE TABLE replays (
	id BLOB PRIMARY KEY CHECK (length(id) = 16), -- the date of its making is the time in it
	project_id BLOB NOT NULL,
	webhook_id BLOB NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER NOT NULL,
	outcomes TEXT NOT NULL, -- JSON array
	event_types TEXT, -- JSON array; null = every type
	missed_event_types TEXT, -- the same
	status INTEGER NOT NULL,
	scanned_count INTEGER NOT NULL,
	delivery_count INTEGER NOT NULL,
	first_event_date INTEGER, -- of the range; this and the next two are null before the first step
	last_event_date INTEGER,
	position BLOB, -- the last event looked at: the next step goes on after it
	update_date INTEGER NOT NULL,
	end_date INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_by_project ON replays (project_id, id);

CREATE INDEX replays_by_webhook ON replays (webhook_id, id);

CREATE INDEX replays_running ON replays (id) WHERE status = 0;

CREATE TABLE stats (
	width_ms INTEGER NOT NULL,
	start INTEGER NOT NULL,
	owner BLOB NOT NULL, -- a webhook or a project
	accepted INTEGER NOT NULL,
	attempts_succeeded INTEGER NOT NULL,
	attempts_failed INTEGER NOT NULL,
	succeeded INTEGER NOT NULL,
	exhausted INTEGER NOT NULL,
	latency BLOB NOT NULL, -- see latency-blob.ts
	PRIMARY KEY (width_ms, start, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE status_counts (
	owner BLOB PRIMARY KEY, -- a webhook or a project
	pending INTEGER NOT NULL,
	succeeded INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	held INTEGER NOT NULL,
	cancelled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_health (
	webhook_id BLOB PRIMARY KEY,
	failing_since INTEGER NOT NULL,
	exhausted_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_secrets (
	webhook_id BLOB NOT NULL REFERENCES webhooks (id),
	number INTEGER NOT NULL,
	sealed BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	expire_date INTEGER,
	PRIMARY KEY (webhook_id, number)
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
, schedule_ms TEXT, rate_limit_per_second INTEGER, disable_after_ms INTEGER NOT NULL DEFAULT 432000000, secret_overlap_until INTEGER, revision INTEGER NOT NULL DEFAULT 1) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_by_project ON webhooks (project_id, id) WHERE delete_date IS NULL;

CREATE INDEX webhooks_by_revision ON webhooks (project_id, revision);

CREATE TABLE workspace (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	tier TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	master_key_fingerprint TEXT NOT NULL
, version INTEGER NOT NULL DEFAULT 1) STRICT;
