-- Why a webhook is paused: 1 if a restore from a backup has paused it; null if a person has, or if it is not paused.
ALTER TABLE webhooks ADD COLUMN paused_reason INTEGER;
