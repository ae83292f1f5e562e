-- The number of the delivery whose attempt was recorded last, for webhooks; see webhook-activity.ts. Null: none, or only attempts that are
-- in the journal of the stats, or of earlier versions. The delivery may be purged by now.
ALTER TABLE status_counts ADD COLUMN last_attempt INTEGER;
