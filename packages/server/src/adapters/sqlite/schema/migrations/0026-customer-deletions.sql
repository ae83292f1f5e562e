-- Customers that are being deleted, in steps: see delete-customer.ts. A row goes with the last step.
CREATE TABLE customer_deletions (
	project_id BLOB NOT NULL,
	customer_id TEXT NOT NULL,
	start_date INTEGER NOT NULL,
	draft TEXT, -- JSON: who has asked for it, for the audit entries of its steps
	webhooks INTEGER NOT NULL, -- how many webhooks, deliveries of these, and payloads are done
	deliveries INTEGER NOT NULL,
	events INTEGER NOT NULL,
	is_list INTEGER NOT NULL, -- 1: of the events, those that name the customer by its id alone are done
	place INTEGER NOT NULL, -- the number of the webhook that is being erased; then that of an event, up to which all are done
	through INTEGER NOT NULL, -- the number of the last delivery of it that is done; 0: none, or it is an event that is done
	PRIMARY KEY (project_id, customer_id)
) STRICT, WITHOUT ROWID;

-- 1: it belonged to a customer that was deleted, so no response of its receiver is stored any more.
ALTER TABLE webhooks ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
