-- Why the last attempt of a delivery failed, as a number of core/log/attempt-cause.ts (0: it did not), and what `typeHash` of
-- codec/delivery-rows.ts makes of the type of its event. Both are null in rows that an earlier version has written; `type` also in rows
-- that have only succeeded. Filters then look at the attempt and at the event.
ALTER TABLE deliveries ADD COLUMN cause INTEGER;
ALTER TABLE deliveries ADD COLUMN type INTEGER;

-- Whatever has not simply succeeded is found by any combination of filters in these indexes, without a look at its row. The index by
-- response code needed another entry for each.
DROP INDEX deliveries_by_code;
DROP INDEX deliveries_by_status;
DROP INDEX deliveries_by_change;
DROP INDEX deliveries_by_webhook_status;
CREATE INDEX deliveries_by_status ON deliveries (project, status, seq, webhook, response_code, cause, type)
WHERE status <> 1 OR (response_code < 200 OR response_code > 299 OR cause > 0);
CREATE INDEX deliveries_by_webhook_status ON deliveries (webhook, status, seq, response_code, cause, type)
WHERE status <> 1 OR (response_code < 200 OR response_code > 299 OR cause > 0);
CREATE INDEX deliveries_by_change ON deliveries (project, status, change, webhook, response_code, cause, type) WHERE status <> 1;

-- By how much the number of a change was ever above that of its time: a minute after a start, more if the clock was set back.
ALTER TABLE given_numbers ADD COLUMN change_lead INTEGER NOT NULL DEFAULT 3840000;
