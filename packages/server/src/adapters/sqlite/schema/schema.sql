-- What a new database gets. Generated from migrations/ by migrate.test.ts, in the order in which they make it.

CREATE TABLE workspace (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	tier TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	master_key_fingerprint TEXT NOT NULL
, version INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE TABLE projects (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	workspace_id BLOB NOT NULL,
	name TEXT NOT NULL,
	create_date INTEGER NOT NULL,
	delete_date INTEGER
, event_type_policy INTEGER NOT NULL DEFAULT 0, retention_days INTEGER, payload_retention_days INTEGER, version INTEGER NOT NULL DEFAULT 1, revision INTEGER NOT NULL DEFAULT 1, number INTEGER, max_events_per_second INTEGER, max_stored_bytes INTEGER, webhook_count INTEGER NOT NULL DEFAULT 0, webhook_bytes INTEGER NOT NULL DEFAULT 0, max_webhooks_per_customer INTEGER, max_replays_per_customer INTEGER, max_streams_per_customer INTEGER, max_tests_per_customer INTEGER) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL,
	scope INTEGER NOT NULL,
	project_id BLOB REFERENCES projects (id),
	hint TEXT NOT NULL,
	digest BLOB NOT NULL UNIQUE,
	create_date INTEGER NOT NULL
, older_secrets TEXT NOT NULL DEFAULT '[]', expire_date INTEGER, revision INTEGER NOT NULL DEFAULT 1) STRICT, WITHOUT ROWID;

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
, schedule_ms TEXT, rate_limit_per_second INTEGER, disable_after_ms INTEGER NOT NULL DEFAULT 432000000, secret_overlap_until INTEGER, revision INTEGER NOT NULL DEFAULT 1, number INTEGER, paused_reason INTEGER, written_bytes INTEGER NOT NULL GENERATED ALWAYS AS (
	octet_length(name) + coalesce(octet_length(description), 0) + octet_length(endpoint)
	+ coalesce(octet_length(event_types) + 64 * json_array_length(event_types), 0)
	+ octet_length(metadata) + octet_length(header_names) + coalesce(octet_length(sealed_headers), 0)
	+ coalesce(octet_length(schedule_ms), 0)
) VIRTUAL, customer_id TEXT, key TEXT, erased INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_by_project ON webhooks (project_id, id) WHERE delete_date IS NULL;

CREATE TABLE webhook_secrets (
	webhook_id BLOB NOT NULL REFERENCES webhooks (id),
	number INTEGER NOT NULL,
	sealed BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	expire_date INTEGER,
	PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE probe (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	at INTEGER NOT NULL
, filler BLOB) STRICT;

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
	update_date INTEGER NOT NULL,
	end_date INTEGER
, position_seq INTEGER, position_date INTEGER, made_after INTEGER NOT NULL DEFAULT 0, customer_id TEXT, chosen_count INTEGER, chosen TEXT) STRICT, WITHOUT ROWID;

CREATE INDEX replays_by_project ON replays (project_id, id);

CREATE INDEX replays_by_webhook ON replays (webhook_id, id);

CREATE INDEX replays_running ON replays (id) WHERE status = 0;

CREATE TABLE "stats_state" (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	through INTEGER NOT NULL
, bytes_counted INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE stats (
	width_ms INTEGER NOT NULL,
	start INTEGER NOT NULL,
	owner BLOB NOT NULL, -- a webhook or a project
	accepted INTEGER NOT NULL,
	attempts_succeeded INTEGER NOT NULL,
	attempts_failed INTEGER NOT NULL,
	succeeded INTEGER NOT NULL,
	exhausted INTEGER NOT NULL,
	latency BLOB NOT NULL, causes BLOB NOT NULL DEFAULT x'', -- see latency-blob.ts
	PRIMARY KEY (width_ms, start, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE status_counts (
	owner BLOB PRIMARY KEY, -- a webhook or a project
	pending INTEGER NOT NULL,
	succeeded INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	held INTEGER NOT NULL,
	cancelled INTEGER NOT NULL
, last_attempt INTEGER) STRICT, WITHOUT ROWID;

CREATE TABLE event_types (
	seq INTEGER PRIMARY KEY,
	project_id BLOB NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	schema_json TEXT,
	example_json TEXT,
	archived INTEGER NOT NULL,
	create_date INTEGER NOT NULL,
	update_date INTEGER NOT NULL, revision INTEGER NOT NULL DEFAULT 1, visibility INTEGER NOT NULL DEFAULT 0,
	UNIQUE (project_id, name)
) STRICT;

CREATE TABLE audit_entries (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	key_id BLOB, -- null = the server itself
	project_id BLOB,
	action TEXT NOT NULL,
	object_id TEXT NOT NULL,
	fields TEXT NOT NULL, -- JSON array
	request_id TEXT
, actor TEXT, customer_id TEXT, portal_session_id BLOB, session_id BLOB) STRICT, WITHOUT ROWID;

CREATE INDEX audit_entries_by_key ON audit_entries (key_id, id);

CREATE INDEX audit_entries_by_project ON audit_entries (project_id, id);

CREATE INDEX audit_entries_by_object ON audit_entries (object_id, id);

CREATE INDEX audit_entries_by_action ON audit_entries (action, id);

CREATE INDEX webhooks_by_revision ON webhooks (project_id, revision);

CREATE INDEX keys_by_project ON keys (project_id, id);

CREATE UNIQUE INDEX projects_by_number ON projects (number);

CREATE UNIQUE INDEX webhooks_by_number ON webhooks (number);

CREATE TABLE given_numbers (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	projects INTEGER NOT NULL,
	webhooks INTEGER NOT NULL,
	log INTEGER NOT NULL,
	changes INTEGER NOT NULL -- no number of a change is above this one; see change-numbers.ts
, change_lead INTEGER NOT NULL DEFAULT 3840000) STRICT;

CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	id BLOB NOT NULL CHECK (length(id) = 16),
	project INTEGER NOT NULL,
	type TEXT NOT NULL,
	timestamp INTEGER NOT NULL,
	create_date INTEGER NOT NULL,
	delivery_count INTEGER NOT NULL,
	customer TEXT,
	tags TEXT,
	details TEXT, -- JSON object of what few events have; see event-rows.ts
	body BLOB NOT NULL -- empty: erased
) STRICT;

CREATE UNIQUE INDEX events_by_id ON events (id);

CREATE INDEX events_by_project ON events (project, seq);

CREATE INDEX events_by_type ON events (project, type, seq);

CREATE TABLE open (
	seq INTEGER PRIMARY KEY,
	event INTEGER NOT NULL,
	webhook INTEGER NOT NULL,
	project INTEGER NOT NULL,
	listed INTEGER NOT NULL -- 1: it is in the indexes; set after about a second, in the order of seq
) STRICT;

CREATE INDEX open_by_webhook ON open (webhook, seq) WHERE listed = 1;

CREATE INDEX open_by_project ON open (project, seq) WHERE listed = 1;

CREATE TABLE deliveries (
	seq INTEGER PRIMARY KEY,
	event INTEGER NOT NULL,
	webhook INTEGER NOT NULL,
	project INTEGER NOT NULL,
	status INTEGER NOT NULL,
	reason TEXT,
	attempt_count INTEGER NOT NULL,
	auto_attempt_count INTEGER NOT NULL,
	next_attempt_at INTEGER,
	lease_until INTEGER,
	trigger INTEGER NOT NULL,
	schedule_resumes_at INTEGER,
	response_code INTEGER,
	due_at INTEGER, -- what core's dueAt says of the row; null unless Pending
	update_date INTEGER NOT NULL,
	change INTEGER, -- ascends with each change of a delivery, see change-numbers.ts; null: Succeeded
	create_date INTEGER, -- null: the date of its event
	own_id BLOB CHECK (length(own_id) = 16), -- null: it follows from the event's
	outside INTEGER, -- 1: a replay has made it, so it is not in the block of its event
	listed INTEGER NOT NULL DEFAULT 1, -- 1: it is in the index by webhook, which the newest rows enter in steps
	attempt TEXT -- the first attempt; see attempt-rows.ts
, cause INTEGER, type INTEGER) STRICT;

CREATE INDEX deliveries_by_webhook ON deliveries (webhook, seq) WHERE listed = 1;

CREATE INDEX deliveries_due ON deliveries (webhook, due_at, seq) WHERE due_at IS NOT NULL;

CREATE UNIQUE INDEX deliveries_by_own_id ON deliveries (own_id) WHERE own_id IS NOT NULL;

CREATE INDEX deliveries_outside ON deliveries (project, seq) WHERE outside = 1;

CREATE INDEX deliveries_outside_by_event ON deliveries (event, seq, webhook) WHERE outside = 1;

CREATE TABLE attempts (
	delivery INTEGER NOT NULL,
	number INTEGER NOT NULL,
	attempt TEXT NOT NULL, -- see attempt-rows.ts
	PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE id_lead (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	ms INTEGER NOT NULL
) STRICT;

CREATE TABLE stats_journal (
	seq INTEGER PRIMARY KEY,
	changes BLOB NOT NULL -- see stats-bytes.ts
) STRICT;

CREATE TABLE stats_done (
	changes BLOB NOT NULL -- the same
) STRICT;

CREATE TABLE webhook_health (
	webhook INTEGER PRIMARY KEY,
	failing_since INTEGER NOT NULL,
	exhausted_count INTEGER NOT NULL
, failed_count INTEGER NOT NULL DEFAULT 1, reason TEXT, report_date INTEGER, warn_date INTEGER, remind_date INTEGER, next_date INTEGER) STRICT;

CREATE TABLE webhook_versions (
	webhook INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	endpoint TEXT NOT NULL,
	event_types TEXT, -- JSON array; null = every type
	create_date INTEGER NOT NULL,
	PRIMARY KEY (webhook, revision)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_health_due ON webhook_health (next_date) WHERE next_date IS NOT NULL;

CREATE TABLE stored_bytes (
	project INTEGER PRIMARY KEY,
	bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE resealed (
	webhook_id BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	number INTEGER NOT NULL,
	sealed BLOB NOT NULL,
	PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_by_customer ON webhooks (project_id, customer_id, id, number) WHERE customer_id IS NOT NULL;

CREATE INDEX events_by_customer ON events (project, customer, seq) WHERE customer IS NOT NULL;

CREATE TABLE event_customers (
	project INTEGER NOT NULL,
	customer TEXT NOT NULL,
	event INTEGER NOT NULL,
	PRIMARY KEY (project, customer, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_by_customer ON replays (project_id, customer_id, id) WHERE customer_id IS NOT NULL;

CREATE TABLE customers (
	project_id BLOB NOT NULL,
	customer_id TEXT NOT NULL,
	name TEXT,
	metadata TEXT NOT NULL, -- JSON object
	create_date INTEGER NOT NULL,
	update_date INTEGER NOT NULL,
	PRIMARY KEY (project_id, customer_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_types_internal ON event_types (project_id, name) WHERE visibility = 1;

CREATE TABLE event_tags (
	project INTEGER NOT NULL,
	tag TEXT NOT NULL,
	event INTEGER NOT NULL,
	PRIMARY KEY (project, tag, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_uses (
	key_id BLOB PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
	use_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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

CREATE TABLE erasures (
	event BLOB PRIMARY KEY CHECK (length(event) = 16), -- its id
	project INTEGER NOT NULL,
	through INTEGER NOT NULL, -- the number of the last delivery that is done
	cancelled INTEGER NOT NULL -- the deliveries that were cancelled so far
) STRICT, WITHOUT ROWID;

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

CREATE UNIQUE INDEX webhooks_by_key ON webhooks (project_id, key) WHERE key IS NOT NULL AND delete_date IS NULL;

CREATE TABLE customer_deletions (
	project_id BLOB NOT NULL,
	customer_id TEXT NOT NULL,
	start_date INTEGER NOT NULL,
	draft TEXT, -- JSON: who has asked for it, for the audit entries of its steps
	webhooks INTEGER NOT NULL, -- how many webhooks, deliveries of these, and payloads are done
	deliveries INTEGER NOT NULL,
	events INTEGER NOT NULL,
	is_list INTEGER NOT NULL, -- 1: of the events, those that name the customer by its id alone are done
	place INTEGER NOT NULL, -- the number of the webhook that is being erased; then that of an event, up to which all are done
	through INTEGER NOT NULL, -- the number of the last delivery of it that is done; 0: none, or it is an event that is done
	PRIMARY KEY (project_id, customer_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_by_status ON deliveries (project, status, seq, webhook, response_code, cause, type)
WHERE status <> 1 OR (response_code < 200 OR response_code > 299 OR cause > 0);

CREATE INDEX deliveries_by_webhook_status ON deliveries (webhook, status, seq, response_code, cause, type)
WHERE status <> 1 OR (response_code < 200 OR response_code > 299 OR cause > 0);

CREATE INDEX deliveries_by_change ON deliveries (project, status, change, webhook, response_code, cause, type) WHERE status <> 1;

CREATE TABLE "idempotency_keys" (
	project INTEGER NOT NULL,
	key TEXT NOT NULL,
	event INTEGER NOT NULL,
	fingerprint BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	PRIMARY KEY (project, key, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_known ON idempotency_keys (create_date) WHERE fingerprint <> x'';

CREATE INDEX events_unmatched ON events (project, seq) WHERE delivery_count = 0;

CREATE TABLE relays (
	webhook_id BLOB PRIMARY KEY,
	project_id BLOB NOT NULL,
	customer_id TEXT,
	device TEXT NOT NULL,
	mirror_of BLOB,
	epoch INTEGER NOT NULL,
	seen_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX relays_by_device ON relays (project_id, ifnull(customer_id, ''), device);

CREATE INDEX relays_by_seen_date ON relays (seen_date);

CREATE TABLE revoked_keys (
	id BLOB PRIMARY KEY CHECK (length(id) = 16),
	project_id BLOB, -- null: a key of the workspace
	name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO given_numbers (one, projects, webhooks, log, changes, change_lead) VALUES (1, 0, 0, 0, 0, 3840000);

INSERT INTO id_lead (one, ms) VALUES (1, 0);

INSERT INTO stats_state (one, through, bytes_counted) VALUES (1, 0, 1);
