-- Statistics, how many deliveries are in each status, and the health of webhooks.

-- What each transaction has changed of the figures; stats-roll-up.ts adds it to the tables below. Rows up to `through` are void.
CREATE TABLE figures_journal (
	seq INTEGER PRIMARY KEY,
	changes TEXT NOT NULL -- JSON, see figure-changes.ts
) STRICT;

-- What of the rows after `through` is in the tables below already.
CREATE TABLE figures_done (
	changes TEXT NOT NULL -- the same
) STRICT;

CREATE TABLE figures_state (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	through INTEGER NOT NULL
) STRICT;

INSERT INTO figures_state (one, through) VALUES (1, 0);

-- By time first: what is added up in one minute then lies on a few pages, however many owners there are.
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

INSERT INTO status_counts
SELECT webhook_id, sum(status = 0), sum(status = 1), sum(status = 2), sum(status = 3), sum(status = 4)
FROM deliveries GROUP BY webhook_id;

INSERT INTO status_counts
SELECT project_id, sum(status = 0), sum(status = 1), sum(status = 2), sum(status = 3), sum(status = 4)
FROM deliveries GROUP BY project_id;

-- Webhooks whose last attempt did not succeed, and how long that has been so. No row: healthy.
CREATE TABLE webhook_health (
	webhook_id BLOB PRIMARY KEY,
	failing_since INTEGER NOT NULL,
	exhausted_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
