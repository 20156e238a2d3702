-- How far each group of read models has followed each stream, and what it could not apply.

CREATE TABLE checkpoints (
    group_name text NOT NULL,
    stream text NOT NULL,
    -- The last position applied, and the moment it was recorded at (NULL: none yet).
    position bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz,
    -- Rises with every transaction that changes the group's rows: a follower that kept rows in
    -- memory sees from it that another process wrote.
    revision bigint NOT NULL DEFAULT 0,
    -- Events of types that are newer than the code that met them.
    skipped_events bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (group_name, stream)
) WITH (fillfactor = 50);

CREATE TABLE applied_versions (
    group_name text NOT NULL,
    aggregate_id text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (group_name, aggregate_id)
) WITH (fillfactor = 80);

CREATE TABLE parked_aggregates (
    group_name text NOT NULL,
    aggregate_id text NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (group_name, aggregate_id)
);

-- The events of a parked aggregate, from the one that could not be applied on, in order.
CREATE TABLE parked_events (
    group_name text NOT NULL,
    aggregate_id text NOT NULL,
    version bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    subject text NOT NULL,
    recorded_at timestamptz NOT NULL,
    position bigint NOT NULL,
    previous_position bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (group_name, aggregate_id, version)
);
