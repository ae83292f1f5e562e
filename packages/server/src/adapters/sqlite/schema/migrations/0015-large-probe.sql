-- A probe can be as large as a commit that has failed. On a full disk, a write of one small row often succeeds: it finds room in the
-- pages that the write-ahead log has already.

ALTER TABLE probe ADD COLUMN filler BLOB;
