-- A waiting first attempt is one narrow row of `open`; everything else about a delivery is one full row of `deliveries`, with
-- its first attempt in it. The rows of the earlier tables are moved afterwards, in steps: see move-rows.ts.

-- Small numbers stand for projects and webhooks in the large tables and in the stats. A number is given once and never changes.
ALTER TABLE projects ADD COLUMN number INTEGER;
UPDATE projects SET number = place FROM (SELECT id AS numbered, row_number() OVER (ORDER BY id) AS place FROM projects)
WHERE id = numbered;
CREATE UNIQUE INDEX projects_by_number ON projects (number);
ALTER TABLE webhooks ADD COLUMN number INTEGER;
UPDATE webhooks SET number = place FROM (SELECT id AS numbered, row_number() OVER (ORDER BY id) AS place FROM webhooks)
WHERE id = numbered;
CREATE UNIQUE INDEX webhooks_by_number ON webhooks (number);

-- The last number that was given. That of the log is also kept in its rows; here it outlives their deletion.
CREATE TABLE given_numbers (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	projects INTEGER NOT NULL,
	webhooks INTEGER NOT NULL,
	log INTEGER NOT NULL,
	changes INTEGER NOT NULL -- no number of a change is above this one; see change-numbers.ts
) STRICT;
INSERT INTO given_numbers (one, projects, webhooks, log, changes)
VALUES (1, (SELECT coalesce(max(number), 0) FROM projects), (SELECT coalesce(max(number), 0) FROM webhooks), 0, 0);

DROP INDEX deliveries_by_code;
DROP INDEX deliveries_by_event;
DROP INDEX deliveries_by_project;
DROP INDEX deliveries_by_status;
DROP INDEX deliveries_by_type;
DROP INDEX deliveries_by_webhook;
DROP INDEX deliveries_by_webhook_status;
DROP INDEX deliveries_due;
DROP INDEX events_by_type;
ALTER TABLE events RENAME TO former_events;
ALTER TABLE deliveries RENAME TO former_deliveries;
ALTER TABLE attempts RENAME TO former_attempts;
ALTER TABLE idempotency_keys RENAME TO former_idempotency_keys;

-- An event takes the number `seq`, and its deliveries the `delivery_count` numbers after it: its block.
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

-- Deliveries without an attempt, due since their event was accepted. Their ids follow their event's: see deliveryIdAt.
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
) STRICT;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, seq) WHERE listed = 1;
CREATE INDEX deliveries_by_status ON deliveries (project, status, seq, webhook, response_code) WHERE status <> 1;
CREATE INDEX deliveries_by_change ON deliveries (project, status, change) WHERE status <> 1;
CREATE INDEX deliveries_by_webhook_status ON deliveries (webhook, status, seq) WHERE status > 1;
CREATE INDEX deliveries_by_code ON deliveries (project, response_code, seq, status, webhook)
WHERE response_code < 200 OR response_code > 299;
CREATE INDEX deliveries_due ON deliveries (webhook, due_at, seq) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX deliveries_by_own_id ON deliveries (own_id) WHERE own_id IS NOT NULL;
CREATE INDEX deliveries_outside ON deliveries (project, seq) WHERE outside = 1;
CREATE INDEX deliveries_outside_by_event ON deliveries (event, seq, webhook) WHERE outside = 1;

-- The attempts of a delivery after the one in its row.
CREATE TABLE attempts (
	delivery INTEGER NOT NULL,
	number INTEGER NOT NULL,
	attempt TEXT NOT NULL, -- see attempt-rows.ts
	PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
	project INTEGER NOT NULL,
	key TEXT NOT NULL,
	fingerprint BLOB NOT NULL,
	event INTEGER NOT NULL,
	create_date INTEGER NOT NULL,
	PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_date ON idempotency_keys (create_date);

-- Where a replay is: the number of the last event that it has looked at, and that event's date. `made_after` is the highest
-- number that was given when it was made.
ALTER TABLE replays ADD COLUMN position_seq INTEGER;
ALTER TABLE replays ADD COLUMN position_date INTEGER;
ALTER TABLE replays ADD COLUMN made_after INTEGER NOT NULL DEFAULT 0;

-- By how many milliseconds the time in an id was ever ahead of its `create_date`.
CREATE TABLE id_lead (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	ms INTEGER NOT NULL
) STRICT;
INSERT INTO id_lead (one, ms) VALUES (1, 0);

-- What each transaction has changed of the stats; see stats-journal.ts. Rows up to `through` are void. The rows of the former
-- tables are moved afterwards: see move-stats-journal.ts.
ALTER TABLE figures_journal RENAME TO former_stats_journal;
ALTER TABLE figures_done RENAME TO former_stats_done;
ALTER TABLE figures_state RENAME TO stats_state;
CREATE TABLE stats_journal (
	seq INTEGER PRIMARY KEY,
	changes BLOB NOT NULL -- see stats-bytes.ts
) STRICT;

-- The part of the rows after `through` that is in the tables of the stats already.
CREATE TABLE stats_done (
	changes BLOB NOT NULL -- the same
) STRICT;

-- Webhooks whose last attempt did not succeed, and how long that has been so. No row: healthy.
ALTER TABLE webhook_health RENAME TO former_webhook_health;
CREATE TABLE webhook_health (
	webhook INTEGER PRIMARY KEY,
	failing_since INTEGER NOT NULL,
	exhausted_count INTEGER NOT NULL
) STRICT;
INSERT INTO webhook_health
SELECT number, failing_since, exhausted_count FROM former_webhook_health JOIN webhooks ON webhooks.id = webhook_id;
DROP TABLE former_webhook_health;
