-- Health goes by attempts in a row, and remembers what was reported. `next_date` is when something is due to be reported
-- with time alone. Rows that are older get it when they are looked at for the first time; those with an exhausted delivery
-- were reported as failing with that.
ALTER TABLE webhook_health ADD COLUMN failed_count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE webhook_health ADD COLUMN reason TEXT;
ALTER TABLE webhook_health ADD COLUMN report_date INTEGER;
ALTER TABLE webhook_health ADD COLUMN warn_date INTEGER;
ALTER TABLE webhook_health ADD COLUMN remind_date INTEGER;
ALTER TABLE webhook_health ADD COLUMN next_date INTEGER;
UPDATE webhook_health SET failed_count = min(5, exhausted_count), report_date = failing_since, next_date = 0
WHERE exhausted_count > 0;
CREATE INDEX webhook_health_due ON webhook_health (next_date) WHERE next_date IS NOT NULL;

-- Who made the change, in the words of the caller.
ALTER TABLE audit_entries ADD COLUMN actor TEXT;
