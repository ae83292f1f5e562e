-- The catalogue of event types, and whether a project's events must be in it: 0 = no (open), 1 = yes (catalogued).

ALTER TABLE projects ADD COLUMN event_type_policy INTEGER NOT NULL DEFAULT 0;

-- With a rowid, as events have one: schemas make rows large.
CREATE TABLE event_types (
	seq INTEGER PRIMARY KEY,
	project_id BLOB NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	schema_json TEXT,
	example_json TEXT,
	archived INTEGER NOT NULL,
	create_date INTEGER NOT NULL,
	update_date INTEGER NOT NULL,
	UNIQUE (project_id, name)
) STRICT;
