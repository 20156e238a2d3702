-- KPIs as the log tells them: written in the append transaction, by the index of the event store.
-- `position` is the place in the log of the KPI's last event, so that a process that knows the
-- KPIs up to a position finds what changed after it.
CREATE TABLE kpis (
    kpi_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE,
    version bigint NOT NULL,
    definition integer NOT NULL,
    defined_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    retired_at timestamptz,
    position bigint NOT NULL UNIQUE
);

-- Every definition that a KPI ever had.
CREATE TABLE kpi_definitions (
    kpi_no integer NOT NULL REFERENCES kpis,
    definition integer NOT NULL,
    name text NOT NULL,
    unit text NOT NULL,
    direction text NOT NULL,
    owner_kind text NOT NULL,
    owner_id text NOT NULL,
    cadence text NOT NULL,
    aggregation text NOT NULL,
    time_zone text NOT NULL,
    PRIMARY KEY (kpi_no, definition)
);

-- Numbers for the names that would be repeated in every row of `readings`.
CREATE TABLE sources (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- An actor's name is its kind, a colon and its id.
CREATE TABLE actors (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- Readings, every revision of each; the highest revision counts. Foreign keys are left out: they
-- would cost a lookup each per row, and whoever writes here has just read the numbers.
CREATE TABLE readings (
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    kpi_no integer NOT NULL,
    source_no integer NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    actor_no integer NOT NULL,
    id text,
    note text,
    reason text,
    PRIMARY KEY (kpi_no, at, source_no, revision)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever inserted', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER readings_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON readings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Marks: these periods got readings that their rollups do not hold yet. A batch inserts one for
-- each period it touched, beside its readings; the flusher deletes those it has dealt with.
CREATE TABLE touched_periods (
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    kpi_no integer NOT NULL,
    definition integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE INDEX touched_periods_key ON touched_periods (kpi_no, definition, period_start);

-- What a KPI's readings came to in a period, as one of its definitions cuts and aggregates it.
CREATE TABLE rollups (
    kpi_no integer NOT NULL REFERENCES kpis,
    definition integer NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    value double precision NOT NULL,
    readings bigint NOT NULL,
    latest_value double precision NOT NULL,
    latest_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (kpi_no, definition, period_start)
);

-- What came over the bus and could not be taken: a row of a message, or (`place` -1) all of it.
-- The rows without `published_at` still have to be told to their producer.
CREATE TABLE rejected_readings (
    rejected_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    message_sequence bigint NOT NULL,
    message_at timestamptz NOT NULL,
    place integer NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    quotation text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    published_at timestamptz,
    UNIQUE (message_sequence, message_at, place)
);

CREATE INDEX rejected_readings_unpublished ON rejected_readings (rejected_no)
    WHERE published_at IS NULL;
