-- Ids are the UUIDs in them: the column says of what. Times are milliseconds since the epoch. Text that is compared or sorted has the
-- collation "C", so that its order is that of its bytes, whatever the database's own is.

CREATE TABLE workspace (
	one smallint PRIMARY KEY CHECK (one = 1),
	id uuid NOT NULL,
	name text NOT NULL,
	owner text NOT NULL,
	tier text NOT NULL,
	create_date bigint NOT NULL,
	master_key_fingerprint text NOT NULL,
	version bigint NOT NULL DEFAULT 1
);

CREATE TABLE probe (
	one smallint PRIMARY KEY CHECK (one = 1),
	at bigint NOT NULL,
	filler bytea
);

CREATE TABLE projects (
	id uuid PRIMARY KEY,
	workspace_id uuid NOT NULL,
	name text NOT NULL,
	event_type_policy smallint NOT NULL,
	retention_days bigint,
	payload_retention_days bigint,
	max_events_per_second bigint,
	max_stored_bytes bigint,
	max_webhooks_per_customer bigint,
	max_replays_per_customer bigint,
	max_streams_per_customer bigint,
	max_tests_per_customer bigint,
	create_date bigint NOT NULL,
	delete_date bigint,
	version bigint NOT NULL DEFAULT 1,
	version_xid xid8 NOT NULL DEFAULT pg_current_xact_id(), -- the transaction that has raised the version
	revision bigint NOT NULL,
	-- What the webhooks that are not deleted count as.
	webhook_count bigint NOT NULL DEFAULT 0,
	webhook_bytes bigint NOT NULL DEFAULT 0
);
CREATE INDEX projects_by_version_xid ON projects (version_xid);

CREATE TABLE keys (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	scope smallint NOT NULL,
	project_id uuid REFERENCES projects (id),
	hint text NOT NULL,
	digest bytea NOT NULL UNIQUE,
	older_secrets text NOT NULL, -- JSON
	create_date bigint NOT NULL,
	expire_date bigint,
	revision bigint NOT NULL
);
CREATE INDEX keys_by_project ON keys (project_id, id);

CREATE TABLE key_uses (
	key_id uuid PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
	use_date bigint NOT NULL
);

CREATE TABLE webhooks (
	id uuid PRIMARY KEY,
	project_id uuid NOT NULL REFERENCES projects (id),
	customer_id text COLLATE "C",
	key text COLLATE "C",
	name text NOT NULL,
	description text,
	endpoint text NOT NULL,
	max_retries bigint NOT NULL,
	max_backoff_ms bigint NOT NULL,
	schedule_ms text, -- JSON array
	event_types text, -- JSON array; null = every type
	timeout_ms bigint NOT NULL,
	rate_limit_per_second bigint,
	disable_after_ms bigint NOT NULL,
	metadata text NOT NULL, -- JSON object
	status smallint NOT NULL,
	disabled_reason text,
	paused_reason smallint,
	header_names text NOT NULL, -- JSON array
	sealed_headers bytea,
	secret_hint text NOT NULL,
	secret_overlap_until bigint,
	create_date bigint NOT NULL,
	update_date bigint NOT NULL,
	delete_date bigint,
	revision bigint NOT NULL,
	erased boolean NOT NULL DEFAULT false, -- its customer was deleted
	written_bytes bigint NOT NULL GENERATED ALWAYS AS (
		octet_length(name) + coalesce(octet_length(description), 0) + octet_length(endpoint)
		+ coalesce(octet_length(event_types) + 64 * json_array_length(event_types::json), 0)
		+ octet_length(metadata) + octet_length(header_names) + coalesce(octet_length(sealed_headers), 0)
		+ coalesce(octet_length(schedule_ms), 0)
	) STORED
);
CREATE INDEX webhooks_by_project ON webhooks (project_id, id) WHERE delete_date IS NULL;
CREATE INDEX webhooks_by_revision ON webhooks (project_id, revision, id);
CREATE INDEX webhooks_by_customer ON webhooks (project_id, customer_id, id) WHERE customer_id IS NOT NULL;
CREATE UNIQUE INDEX webhooks_by_key ON webhooks (project_id, key) WHERE key IS NOT NULL AND delete_date IS NULL;

CREATE TABLE webhook_secrets (
	webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	number bigint NOT NULL,
	sealed bytea NOT NULL,
	create_date bigint NOT NULL,
	expire_date bigint,
	PRIMARY KEY (webhook_id, number)
);

CREATE TABLE webhook_versions (
	webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	revision bigint NOT NULL,
	endpoint text NOT NULL,
	event_types text, -- JSON array; null = every type
	create_date bigint NOT NULL,
	PRIMARY KEY (webhook_id, revision)
);

CREATE TABLE webhook_health (
	webhook_id uuid PRIMARY KEY REFERENCES webhooks (id) ON DELETE CASCADE,
	failing_since bigint NOT NULL,
	failed_count bigint NOT NULL,
	exhausted_count bigint NOT NULL,
	reason text,
	report_date bigint,
	warn_date bigint,
	remind_date bigint,
	next_date bigint -- when something is due to be reported
);
CREATE INDEX webhook_health_due ON webhook_health (next_date) WHERE next_date IS NOT NULL;

CREATE TABLE resealed (
	webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	number bigint NOT NULL, -- 0: the header values
	sealed bytea NOT NULL,
	PRIMARY KEY (webhook_id, number)
);

CREATE TABLE event_types (
	project_id uuid NOT NULL REFERENCES projects (id),
	name text COLLATE "C" NOT NULL,
	description text,
	schema_json text,
	example_json text,
	archived boolean NOT NULL,
	visibility smallint NOT NULL,
	create_date bigint NOT NULL,
	update_date bigint NOT NULL,
	revision bigint NOT NULL,
	PRIMARY KEY (project_id, name)
);
CREATE INDEX event_types_internal ON event_types (project_id, name) WHERE visibility = 1;

CREATE TABLE customers (
	project_id uuid NOT NULL REFERENCES projects (id),
	customer_id text COLLATE "C" NOT NULL,
	name text,
	metadata text NOT NULL, -- JSON object
	create_date bigint NOT NULL,
	update_date bigint NOT NULL,
	PRIMARY KEY (project_id, customer_id)
);

CREATE TABLE customer_deletions (
	project_id uuid NOT NULL REFERENCES projects (id),
	customer_id text COLLATE "C" NOT NULL,
	start_date bigint NOT NULL,
	draft text, -- JSON: who has asked for it, for the audit entries of its steps
	webhooks bigint NOT NULL, -- how many webhooks, deliveries of these, and payloads are done
	deliveries bigint NOT NULL,
	events bigint NOT NULL,
	webhook_id uuid, -- the webhook that is being erased
	event_id uuid, -- then the event up to which all are done
	through uuid, -- the last delivery of it that is done
	PRIMARY KEY (project_id, customer_id)
);

CREATE TABLE sessions (
	id uuid PRIMARY KEY,
	key_id uuid NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
	secret_digest bytea NOT NULL,
	digest bytea NOT NULL,
	create_date bigint NOT NULL,
	expire_date bigint NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expire_date);
CREATE INDEX sessions_by_key ON sessions (key_id);

CREATE TABLE sign_in_links (
	id uuid PRIMARY KEY,
	key_id uuid NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
	secret_digest bytea NOT NULL,
	digest bytea NOT NULL,
	session_id uuid, -- the session that has made it; null if none has
	create_date bigint NOT NULL,
	expire_date bigint NOT NULL,
	session_expire_date bigint
);
CREATE INDEX sign_in_links_by_expiry ON sign_in_links (expire_date);
CREATE INDEX sign_in_links_by_key ON sign_in_links (key_id);
CREATE INDEX sign_in_links_by_session ON sign_in_links (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE portal_sessions (
	id uuid PRIMARY KEY,
	project_id uuid NOT NULL REFERENCES projects (id),
	customer_id text COLLATE "C" NOT NULL,
	key_id uuid,
	capabilities text NOT NULL, -- JSON array
	actor text,
	return_url text,
	theme text, -- JSON object
	locale text,
	digest bytea NOT NULL,
	create_date bigint NOT NULL,
	expire_date bigint NOT NULL
);
CREATE INDEX portal_sessions_by_customer ON portal_sessions (project_id, customer_id, id);
CREATE INDEX portal_sessions_by_expiry ON portal_sessions (expire_date);
CREATE INDEX portal_sessions_by_project ON portal_sessions (project_id, id);

CREATE TABLE relays (
	webhook_id uuid PRIMARY KEY, -- written before its webhook and removed after it
	project_id uuid NOT NULL,
	customer_id text COLLATE "C",
	device text COLLATE "C" NOT NULL,
	mirror_of uuid,
	epoch bigint NOT NULL,
	seen_date bigint NOT NULL
);
CREATE UNIQUE INDEX relays_by_device ON relays (project_id, coalesce(customer_id, ''), device);
CREATE INDEX relays_by_seen_date ON relays (seen_date);

CREATE TABLE audit_entries (
	id uuid PRIMARY KEY,
	key_id uuid, -- null: the server itself, or a customer
	actor text,
	customer_id text COLLATE "C",
	session_id uuid,
	portal_session_id uuid,
	project_id uuid,
	action text COLLATE "C" NOT NULL,
	object_id text COLLATE "C" NOT NULL,
	fields text NOT NULL, -- JSON array
	request_id text
);
CREATE INDEX audit_entries_by_action ON audit_entries (action, id);
CREATE INDEX audit_entries_by_key ON audit_entries (key_id, id);
CREATE INDEX audit_entries_by_object ON audit_entries (object_id, id);
CREATE INDEX audit_entries_by_project ON audit_entries (project_id, id);

CREATE TABLE replays (
	id uuid PRIMARY KEY,
	project_id uuid NOT NULL,
	webhook_id uuid NOT NULL,
	customer_id text COLLATE "C",
	since bigint NOT NULL,
	until bigint NOT NULL,
	outcomes text NOT NULL, -- JSON array
	event_types text, -- JSON array; null = every type
	missed_event_types text, -- the same
	chosen_count integer, -- of events that were chosen by their ids; null = every event of the range
	chosen uuid[], -- these events; null as well
	status smallint NOT NULL,
	scanned_count bigint NOT NULL,
	delivery_count bigint NOT NULL,
	first_event_date bigint, -- of the range; this and the next two are null before the first step
	last_event_date bigint,
	position_date bigint,
	position_id uuid, -- the last event that was looked at
	made_after uuid NOT NULL, -- no event or delivery of the project had a higher id when the replay was made
	update_date bigint NOT NULL,
	end_date bigint
);
CREATE INDEX replays_by_project ON replays (project_id, id);
CREATE INDEX replays_by_customer ON replays (project_id, customer_id, id) WHERE customer_id IS NOT NULL;
CREATE INDEX replays_by_webhook ON replays (webhook_id, id);
CREATE INDEX replays_running ON replays (id) WHERE status = 0;

-- The log. Its tables are partitioned by day of the key: see partitions.ts. Any look-up by id reads one partition.

-- By how much ids were ever ahead of dates, in ms, and changes ahead of theirs: a range of dates is then a range of keys that is as much
-- wider.
CREATE TABLE leads (
	one smallint PRIMARY KEY CHECK (one = 1),
	id_ms bigint NOT NULL,
	changes bigint NOT NULL
);

CREATE TABLE events (
	id uuid PRIMARY KEY,
	project_id uuid NOT NULL,
	type text COLLATE "C" NOT NULL,
	timestamp bigint NOT NULL,
	create_date bigint NOT NULL,
	delivery_count integer NOT NULL,
	customer text, -- an id, or a JSON array of ids
	tags text, -- JSON array
	details text, -- JSON object of what few events have
	body bytea NOT NULL -- empty: erased
) PARTITION BY RANGE (id);
CREATE INDEX events_by_project ON events (project_id, id);
CREATE INDEX events_by_type ON events (project_id, type, id);
CREATE INDEX events_unmatched ON events (project_id, id) WHERE delivery_count = 0;

-- Each customer that an event is for.
CREATE TABLE event_customers (
	project_id uuid NOT NULL,
	customer_id text COLLATE "C" NOT NULL,
	event_id uuid NOT NULL,
	PRIMARY KEY (project_id, customer_id, event_id)
) PARTITION BY RANGE (event_id);

CREATE TABLE event_tags (
	project_id uuid NOT NULL,
	tag text COLLATE "C" NOT NULL,
	event_id uuid NOT NULL,
	PRIMARY KEY (project_id, tag, event_id)
) PARTITION BY RANGE (event_id);

CREATE TABLE idempotency_keys (
	project_id uuid NOT NULL,
	key text COLLATE "C" NOT NULL,
	event_id uuid NOT NULL,
	fingerprint bytea, -- null: the key is forgotten, but events are still found by it
	create_date bigint NOT NULL,
	PRIMARY KEY (project_id, key, event_id)
);
CREATE UNIQUE INDEX idempotency_keys_known ON idempotency_keys (project_id, key) WHERE fingerprint IS NOT NULL;
CREATE INDEX idempotency_keys_by_date ON idempotency_keys (create_date) WHERE fingerprint IS NOT NULL;
CREATE INDEX idempotency_keys_by_event ON idempotency_keys (event_id);

-- Deliveries that wait: Pending and Held. The others are in `deliveries`, so that what is busy stays small.
CREATE TABLE open_deliveries (
	id uuid PRIMARY KEY,
	project_id uuid NOT NULL,
	webhook_id uuid NOT NULL,
	event_id uuid NOT NULL,
	event_type text COLLATE "C" NOT NULL,
	shard smallint NOT NULL,
	status smallint NOT NULL,
	reason text,
	attempt_count integer NOT NULL,
	auto_attempt_count integer NOT NULL,
	next_attempt_at bigint,
	lease_until bigint,
	trigger smallint NOT NULL,
	schedule_resumes_at bigint,
	response_code integer,
	due_at bigint, -- what core's dueAt says of the row; null unless Pending
	cause smallint NOT NULL, -- of the last attempt
	is_replayed boolean NOT NULL,
	create_date bigint NOT NULL,
	update_date bigint NOT NULL,
	change bigint -- ascends with each change; null before the first one
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, fillfactor = 90);
-- See OWNERS in partitions.ts.
ALTER TABLE open_deliveries ALTER COLUMN project_id SET (n_distinct = 1000), ALTER COLUMN webhook_id SET (n_distinct = 1000);
CREATE INDEX open_deliveries_due ON open_deliveries (webhook_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX open_deliveries_by_webhook ON open_deliveries (webhook_id, status, id);
CREATE INDEX open_deliveries_by_project ON open_deliveries (project_id, status, id);
CREATE INDEX open_deliveries_by_event ON open_deliveries (event_id, id);
CREATE INDEX open_deliveries_by_change ON open_deliveries (project_id, status, change, id) WHERE change IS NOT NULL;
CREATE INDEX open_deliveries_replayed ON open_deliveries (event_id, webhook_id, id) WHERE is_replayed;

-- Deliveries that have ended. The columns and their order are those of `open_deliveries`.
CREATE TABLE deliveries (
	id uuid PRIMARY KEY,
	project_id uuid NOT NULL,
	webhook_id uuid NOT NULL,
	event_id uuid NOT NULL,
	event_type text COLLATE "C" NOT NULL,
	shard smallint NOT NULL,
	status smallint NOT NULL,
	reason text,
	attempt_count integer NOT NULL,
	auto_attempt_count integer NOT NULL,
	next_attempt_at bigint,
	lease_until bigint,
	trigger smallint NOT NULL,
	schedule_resumes_at bigint,
	response_code integer,
	due_at bigint,
	cause smallint NOT NULL,
	is_replayed boolean NOT NULL,
	create_date bigint NOT NULL,
	update_date bigint NOT NULL,
	change bigint -- null: Succeeded
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_by_project ON deliveries (project_id, id);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, id);
CREATE INDEX deliveries_by_event ON deliveries (event_id, id);
-- Those that have not simply succeeded: few, usually. Succeeded ones are among them if their last attempt, a late one, has failed.
CREATE INDEX deliveries_by_status ON deliveries (project_id, status, id) WHERE status <> 1 OR cause > 0;
CREATE INDEX deliveries_by_webhook_status ON deliveries (webhook_id, status, id) WHERE status <> 1 OR cause > 0;
CREATE INDEX deliveries_by_change ON deliveries (project_id, status, change, id) WHERE change IS NOT NULL;
CREATE INDEX deliveries_replayed ON deliveries (event_id, webhook_id, id) WHERE is_replayed;

CREATE TABLE attempts (
	delivery_id uuid NOT NULL,
	number integer NOT NULL,
	attempt text NOT NULL, -- JSON array, see attempt-rows.ts
	PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

CREATE TABLE erasures (
	event_id uuid PRIMARY KEY,
	project_id uuid NOT NULL,
	through uuid, -- the last delivery that is done
	cancelled bigint NOT NULL -- the deliveries that were cancelled so far
);

-- Stats. Each transaction adds rows to the journal, which a round of rolling up takes away and adds to the tables. What is true at
-- a moment is the sum of both.

CREATE TABLE stats_journal (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id uuid NOT NULL,
	webhook_id uuid, -- null: the row is about the project alone
	minute bigint NOT NULL, -- when it starts
	accepted integer NOT NULL, -- events of the project, or deliveries of the webhook
	attempts_succeeded integer NOT NULL,
	attempts_failed integer NOT NULL,
	succeeded integer NOT NULL,
	exhausted integer NOT NULL,
	pending integer NOT NULL, -- these are differences
	succeeded_count integer NOT NULL,
	failed integer NOT NULL,
	held integer NOT NULL,
	cancelled integer NOT NULL,
	stored_bytes bigint NOT NULL,
	last_attempt uuid, -- the delivery whose attempt was recorded last
	latencies integer[], -- of attempts, as buckets of core/stats/latency-histogram.ts
	causes integer[] -- of failed attempts, as numbers of core/log/attempt-cause.ts
);
CREATE INDEX stats_journal_by_project ON stats_journal (project_id, webhook_id);

CREATE TABLE stats (
	width_ms bigint NOT NULL,
	start bigint NOT NULL,
	owner uuid NOT NULL, -- a webhook or a project
	accepted bigint NOT NULL,
	attempts_succeeded bigint NOT NULL,
	attempts_failed bigint NOT NULL,
	succeeded bigint NOT NULL,
	exhausted bigint NOT NULL,
	latency integer[] NOT NULL, -- pairs of a bucket of core/stats/latency-histogram.ts and its count
	causes integer[] NOT NULL, -- of failed attempts: pairs of a number of core/log/attempt-cause.ts and its count
	PRIMARY KEY (owner, width_ms, start)
);
CREATE INDEX stats_by_start ON stats (width_ms, start);

CREATE TABLE status_counts (
	owner uuid PRIMARY KEY, -- a webhook or a project
	pending bigint NOT NULL,
	succeeded bigint NOT NULL,
	failed bigint NOT NULL,
	held bigint NOT NULL,
	cancelled bigint NOT NULL,
	last_attempt uuid -- of a webhook: the delivery whose attempt was recorded last
);

CREATE TABLE stored_bytes (
	project_id uuid PRIMARY KEY,
	bytes bigint NOT NULL
);

-- The members that share this database, and what each of them has.

-- The time by which tenures end. Tests replace it.
CREATE FUNCTION cluster_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- A row of the last transaction of each connection: whether it was committed if its answer is lost.
CREATE TABLE commits (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	is_made boolean NOT NULL DEFAULT true, -- false: the answer was lost, and it was not committed
	make_date bigint NOT NULL DEFAULT cluster_now()
);

CREATE TABLE members (
	id uuid PRIMARY KEY,
	number integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE, -- in the order in which they have joined
	name text NOT NULL,
	address text, -- where its connection comes from
	port integer,
	version text NOT NULL,
	role smallint NOT NULL,
	is_leaving boolean NOT NULL DEFAULT false,
	beat bigint NOT NULL DEFAULT 0, -- rises with each renewal
	join_date bigint NOT NULL,
	seen_date bigint NOT NULL,
	expire_date bigint NOT NULL,
	load text NOT NULL, -- JSON
	changes_read bigint NOT NULL DEFAULT 0 -- up to this number of `directory_changes` it has read all changes
) WITH (fillfactor = 50);

-- Members that have died, for some minutes.
CREATE TABLE lost_members (
	id uuid PRIMARY KEY,
	number integer NOT NULL,
	name text NOT NULL,
	address text,
	port integer,
	version text NOT NULL,
	role smallint NOT NULL,
	join_date bigint NOT NULL,
	seen_date bigint NOT NULL,
	lost_date bigint NOT NULL
);

CREATE TABLE shards (
	shard smallint PRIMARY KEY,
	owner uuid REFERENCES members (id) ON DELETE SET NULL,
	epoch bigint NOT NULL DEFAULT 0 -- rises with each change of the owner
) WITH (fillfactor = 50);
INSERT INTO shards (shard) SELECT generate_series(0, 255);

CREATE TABLE duties (
	duty text COLLATE "C" PRIMARY KEY,
	owner uuid REFERENCES members (id) ON DELETE SET NULL
);

-- Whoever has changed the directory takes a number after the commit. Who has seen the number sees the change.
CREATE SEQUENCE directory_changes;

-- Sessions, sign-in links and portal sessions that have begun or ended, so that every member learns of it.
CREATE TABLE session_changes (
	xid xid8 NOT NULL DEFAULT pg_current_xact_id(), -- the transaction that has made the change
	kind smallint NOT NULL, -- of what: see session-changes.ts
	id uuid NOT NULL,
	expire_date bigint NOT NULL, -- of what has changed: nobody needs to know from then on
	PRIMARY KEY (xid, kind, id)
);
CREATE INDEX session_changes_by_expiry ON session_changes (expire_date);

-- The topics of live streams that members watch.
CREATE TABLE live_watches (
	member uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
	topic text COLLATE "C" NOT NULL,
	PRIMARY KEY (member, topic)
);

-- What happens, for those who watch it at other members. Rows are removed after some seconds.
CREATE TABLE live_facts (
	id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	member uuid NOT NULL, -- whose facts these are; it may have left
	topic text COLLATE "C", -- null: the member has ended, and says nothing more
	facts text, -- JSON array; null: some were lost
	create_date bigint NOT NULL
);
CREATE INDEX live_facts_by_xid ON live_facts (xid);

CREATE TABLE owner_notes (
	id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	member uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE, -- to whom
	notes text NOT NULL, -- JSON array
	is_done boolean NOT NULL DEFAULT false,
	create_date bigint NOT NULL
);
CREATE INDEX owner_notes_by_member ON owner_notes (member, id);

-- The members that have a client of a relay. The one with the epoch of the relay has the newest.
CREATE TABLE relay_holders (
	webhook_id uuid NOT NULL,
	member uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
	epoch bigint NOT NULL,
	PRIMARY KEY (webhook_id, member)
);
CREATE INDEX relay_holders_by_member ON relay_holders (member);

-- The requests to relays that are under way. They outlive the members that have made them, until others make the attempts again.
CREATE TABLE relay_requests (
	id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	webhook_id uuid NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	project_id uuid NOT NULL,
	owner uuid NOT NULL, -- the member that makes the attempt; its process may have another membership since
	facts text NOT NULL, -- JSON
	headers bytea NOT NULL, -- sealed
	body bytea, -- null: not for others
	end_date bigint NOT NULL, -- of the time to answer
	make_date bigint NOT NULL,
	ended smallint, -- how, see relay-rows.ts; null: it is open
	outcome text, -- JSON; null: it is open
	UNIQUE (webhook_id, request_id)
);
CREATE INDEX relay_requests_ended ON relay_requests (owner, id) WHERE ended IS NOT NULL;
CREATE INDEX relay_requests_offered ON relay_requests (webhook_id, id) WHERE ended IS NULL AND body IS NOT NULL;
CREATE INDEX relay_requests_by_date ON relay_requests (make_date);
