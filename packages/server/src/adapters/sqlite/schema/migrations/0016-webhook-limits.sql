-- Each project counts its webhooks and how much was written into them, so that a limit is checked in the transaction of a change.

-- What people have written, in UTF-8 bytes. Each event type counts 64 more: it also has a place in the index in memory.
ALTER TABLE webhooks ADD COLUMN written_bytes INTEGER NOT NULL GENERATED ALWAYS AS (
	octet_length(name) + coalesce(octet_length(description), 0) + octet_length(endpoint)
	+ coalesce(octet_length(event_types) + 64 * json_array_length(event_types), 0)
	+ octet_length(metadata) + octet_length(header_names) + coalesce(octet_length(sealed_headers), 0)
	+ coalesce(octet_length(schedule_ms), 0)
) VIRTUAL;

-- Of the webhooks that are not deleted.
ALTER TABLE projects ADD COLUMN webhook_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN webhook_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE projects SET webhook_count = live, webhook_bytes = written
FROM (
	SELECT project_id, count(*) AS live, sum(written_bytes) AS written FROM webhooks WHERE delete_date IS NULL GROUP BY project_id
) AS totals
WHERE totals.project_id = projects.id;

-- Secrets and header values that are sealed with another master key, until all of them are and take the place of those in force.
-- The number is that of the secret, or 0 for the header values.
CREATE TABLE resealed (
	webhook_id BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	number INTEGER NOT NULL,
	sealed BLOB NOT NULL,
	PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;
