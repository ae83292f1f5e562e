-- What is kept of relays besides their webhooks: see core/relay.ts.
CREATE TABLE relays (
	webhook_id BLOB PRIMARY KEY,
	project_id BLOB NOT NULL,
	customer_id TEXT,
	device TEXT NOT NULL,
	mirror_of BLOB,
	epoch INTEGER NOT NULL,
	seen_date INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A relay without a customer is under "", which is no customer's id.
CREATE UNIQUE INDEX relays_by_device ON relays (project_id, ifnull(customer_id, ''), device);
CREATE INDEX relays_by_seen_date ON relays (seen_date);
