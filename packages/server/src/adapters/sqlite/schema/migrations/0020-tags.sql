-- The events with a tag. An event has its own tags in its column, too, as a JSON array.
CREATE TABLE event_tags (
	project INTEGER NOT NULL,
	tag TEXT NOT NULL,
	event INTEGER NOT NULL,
	PRIMARY KEY (project, tag, event)
) STRICT, WITHOUT ROWID;
