-- Events are found by their idempotency keys as long as there are the events. A key can be used again after 25 hours, for another event:
-- so the event is part of what tells rows apart. A key is known as long as it has a fingerprint.
CREATE TABLE event_keys (
	project INTEGER NOT NULL,
	key TEXT NOT NULL,
	event INTEGER NOT NULL,
	fingerprint BLOB NOT NULL,
	create_date INTEGER NOT NULL,
	PRIMARY KEY (project, key, event)
) STRICT, WITHOUT ROWID;
INSERT INTO event_keys (project, key, event, fingerprint, create_date)
SELECT k.project, k.key, k.event, k.fingerprint, k.create_date
FROM idempotency_keys k JOIN events ON events.seq = k.event AND events.project = k.project;
DROP TABLE idempotency_keys;
ALTER TABLE event_keys RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_known ON idempotency_keys (create_date) WHERE fingerprint <> x'';

-- Events that no webhook wanted.
CREATE INDEX events_unmatched ON events (project, seq) WHERE delivery_count = 0;
