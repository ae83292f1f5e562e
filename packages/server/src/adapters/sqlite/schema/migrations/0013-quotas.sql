-- Quotas of projects. Null: the server's setting.
ALTER TABLE projects ADD COLUMN max_events_per_second INTEGER;
ALTER TABLE projects ADD COLUMN max_stored_bytes INTEGER;

-- About how many bytes the events of a project take, with their deliveries and attempts; see stored-totals.ts. Without the changes that
-- are in the journal of the stats.
CREATE TABLE stored_bytes (
	project INTEGER PRIMARY KEY,
	bytes INTEGER NOT NULL
) STRICT;

-- 0: what earlier versions have stored is not in it yet.
ALTER TABLE stats_state ADD COLUMN bytes_counted INTEGER NOT NULL DEFAULT 0;
