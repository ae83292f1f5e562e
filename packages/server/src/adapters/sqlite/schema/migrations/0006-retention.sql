-- How long a project keeps its events and their payloads, in days; 0 = for ever, null = as the server does.
-- An event whose payload is gone has an empty body, which no other event has: the column can't be null.

ALTER TABLE projects ADD COLUMN retention_days INTEGER;
ALTER TABLE projects ADD COLUMN payload_retention_days INTEGER;
