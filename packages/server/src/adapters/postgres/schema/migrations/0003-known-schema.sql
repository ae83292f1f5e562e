-- works with: 1
-- The newest schema that the program of a member knows. Null: it does not say so, and is of schema 2 or earlier.
ALTER TABLE members ADD COLUMN known_schema integer;
