-- Failed attempts by cause, for the stats: see stats-bytes.ts. Empty in rows that an earlier version has written.
ALTER TABLE stats ADD COLUMN causes BLOB NOT NULL DEFAULT x'';
