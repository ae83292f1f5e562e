-- Where webhooks were called, and what they wanted: an attempt names the revision that its webhook had, and a version is valid from
-- its revision up to that of the next one.
CREATE TABLE webhook_versions (
	webhook INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	endpoint TEXT NOT NULL,
	event_types TEXT, -- JSON array; null = every type
	create_date INTEGER NOT NULL,
	PRIMARY KEY (webhook, revision)
) STRICT, WITHOUT ROWID;
INSERT INTO webhook_versions (webhook, revision, endpoint, event_types, create_date)
SELECT number, revision, endpoint, event_types, update_date FROM webhooks;
