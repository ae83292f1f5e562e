-- Replays of events that were chosen by their ids: how many, and their numbers as a JSON array. Null: every event of the range.
ALTER TABLE replays ADD COLUMN chosen_count INTEGER;
ALTER TABLE replays ADD COLUMN chosen TEXT;
