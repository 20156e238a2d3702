-- Indexes of the log, written in the transaction that appends the events they follow from.

CREATE TABLE cycles (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    cadence text NOT NULL,
    check_in_rhythm text NOT NULL,
    state text NOT NULL,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Where in the log it was planned: the order of lists, which never changes.
    planned_position bigint NOT NULL UNIQUE
);

-- No index holds what changes with every event, and pages keep room for the new version of a row,
-- so that a check-in rewrites a row without touching an index.
CREATE TABLE objectives (
    id uuid PRIMARY KEY,
    cycle_id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id text NOT NULL,
    title text NOT NULL,
    state text NOT NULL,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    drafted_position bigint NOT NULL UNIQUE
) WITH (fillfactor = 70);

CREATE INDEX objectives_of_cycle_idx ON objectives (cycle_id, drafted_position);
CREATE INDEX objectives_of_owner_idx ON objectives (owner_kind, owner_id, drafted_position);

-- Rows that ended stay, so that the tree can be asked for as it was.
CREATE TABLE alignments (
    child_id uuid NOT NULL,
    parent_id uuid NOT NULL,
    parent_key_result_id uuid,
    kind text NOT NULL,
    weight double precision NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz
);

CREATE UNIQUE INDEX alignments_standing_idx
    ON alignments (child_id, parent_id, parent_key_result_id) NULLS NOT DISTINCT
    WHERE ended_at IS NULL;
CREATE INDEX alignments_below_idx ON alignments (parent_id);

CREATE TABLE kpi_links (
    objective_id uuid NOT NULL,
    key_result_id uuid NOT NULL,
    kpi text NOT NULL,
    reading text NOT NULL,
    PRIMARY KEY (objective_id, key_result_id)
);

CREATE INDEX kpi_links_of_kpi_idx ON kpi_links (kpi, objective_id, key_result_id);

-- What this service has heard of each KPI. The value's columns are null before the first one.
CREATE TABLE kpi_values (
    kpi text PRIMARY KEY,
    retired boolean NOT NULL,
    definition integer,
    period_value double precision,
    latest_value double precision,
    period_start timestamptz,
    period_end timestamptz,
    metrics_position bigint,
    -- The event that brought the value, and the story it belongs to.
    event_id uuid,
    correlation_id text
);

-- How far each stream was followed.
CREATE TABLE follow_checkpoint (
    stream text PRIMARY KEY,
    position bigint NOT NULL
);

INSERT INTO follow_checkpoint (stream, position) VALUES ('METRICS', 0);
