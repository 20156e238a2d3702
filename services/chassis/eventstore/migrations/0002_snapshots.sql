-- States of aggregates on the way through their histories. All of it follows from the log: any row
-- may be deleted at any time, and is written again when a history is read that misses it.
-- `shape` says of which kind and structure `state` is; `position` and `recorded_at` are those of
-- the event after which the aggregate stood so. The key lets both a moment and "the newest" be
-- looked up by one step into the index.
CREATE TABLE stored_snapshots (
    originator_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    originator_version bigint NOT NULL,
    shape text NOT NULL,
    position bigint NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (originator_id, recorded_at, originator_version, shape)
);
