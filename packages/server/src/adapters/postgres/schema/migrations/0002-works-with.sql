-- works with: 1
-- Which programs can work on the schema that a migration makes: those that know this one, or a later one.
ALTER TABLE migrations ADD COLUMN works_with integer;
