-- What the words of a search are looked for in. Upper and lower case are made one before it is
-- stored: what a database's own lower() does to letters beyond ASCII depends on its locale.
ALTER TABLE objectives ADD COLUMN sought text NOT NULL DEFAULT '';

UPDATE objectives SET sought = lower(title || E'\n' || description);
