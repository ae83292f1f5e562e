-- Replays. Their webhook and project are named without foreign keys, as in events: a replay is a record, and outlives both.

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

-- With the webhook in it, the deliveries of an event to one webhook are a seek, to however many it went. In a cycle of 40 µs the
-- wider entry cannot be measured. A list of one event's deliveries by id is sorted instead of read in order.
DROP INDEX deliveries_by_event;
CREATE INDEX deliveries_by_event ON deliveries (event_id, webhook_id, id);
