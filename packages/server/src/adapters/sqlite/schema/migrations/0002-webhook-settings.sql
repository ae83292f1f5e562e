-- Schedules, rate limits, automatic disabling and secrets that overlap.

ALTER TABLE webhooks ADD COLUMN schedule_ms TEXT; -- JSON array; null = exponential waits
ALTER TABLE webhooks ADD COLUMN rate_limit_per_second INTEGER;
ALTER TABLE webhooks ADD COLUMN disable_after_ms INTEGER NOT NULL DEFAULT 432000000;
ALTER TABLE webhooks ADD COLUMN secret_overlap_until INTEGER;
