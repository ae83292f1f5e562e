-- Events whose payload is erased while the responses of their receivers are still being erased in steps. A row goes with the last step.
CREATE TABLE erasures (
	event BLOB PRIMARY KEY CHECK (length(event) = 16), -- its id
	project INTEGER NOT NULL,
	through INTEGER NOT NULL, -- the number of the last delivery that is done
	cancelled INTEGER NOT NULL -- the deliveries that were cancelled so far
) STRICT, WITHOUT ROWID;
