-- Whom webhooks belong to, and which customers events are for: see core/access/customer.ts. The column `customer` of events has the id of
-- one customer, "*" for every customer, or a JSON array of several. Those of an array also have a row each in `event_customers`.
ALTER TABLE webhooks ADD COLUMN customer_id TEXT;
CREATE INDEX webhooks_by_customer ON webhooks (project_id, customer_id, id, number) WHERE customer_id IS NOT NULL;
CREATE INDEX events_by_customer ON events (project, customer, seq) WHERE customer IS NOT NULL;
CREATE TABLE event_customers (
	project INTEGER NOT NULL,
	customer TEXT NOT NULL,
	event INTEGER NOT NULL,
	PRIMARY KEY (project, customer, event)
) STRICT, WITHOUT ROWID;

-- The customer of a replay is that of its webhook.
ALTER TABLE replays ADD COLUMN customer_id TEXT;
CREATE INDEX replays_by_customer ON replays (project_id, customer_id, id) WHERE customer_id IS NOT NULL;

-- The customer whose token made the change.
ALTER TABLE audit_entries ADD COLUMN customer_id TEXT;

-- What is kept of customers: a row for each that has, or had, a webhook or a name.
CREATE TABLE customers (
	project_id BLOB NOT NULL,
	customer_id TEXT NOT NULL,
	name TEXT,
	metadata TEXT NOT NULL, -- JSON object
	create_date INTEGER NOT NULL,
	update_date INTEGER NOT NULL,
	PRIMARY KEY (project_id, customer_id)
) STRICT, WITHOUT ROWID;

-- 1: events of the type are only for webhooks without a customer, and no customer sees them.
ALTER TABLE event_types ADD COLUMN visibility INTEGER NOT NULL DEFAULT 0;
CREATE INDEX event_types_internal ON event_types (project_id, name) WHERE visibility = 1;
