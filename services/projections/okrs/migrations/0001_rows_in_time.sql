-- The rows of the okrs group in time: each held from valid_from up to, but not including,
-- valid_to ('infinity': it still does). Both are moments of recorded_at.
--
-- Every version is ended once, by an update that touches no indexed column. The free space that
-- fillfactor leaves lets PostgreSQL do that within the page, without a new index entry.

CREATE TABLE okr_cycles (
    cycle_id uuid NOT NULL,
    name text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    cadence text NOT NULL,
    check_in_rhythm text NOT NULL,
    state text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    PRIMARY KEY (cycle_id, valid_from),
    CHECK (valid_from < valid_to)
);

CREATE TABLE okr_objectives (
    objective_id uuid NOT NULL,
    cycle_id uuid NOT NULL,
    title text NOT NULL,
    owner_kind text NOT NULL,
    owner_id text NOT NULL,
    ambition text NOT NULL,
    state text NOT NULL,
    key_result_ids uuid[] NOT NULL,
    score double precision,
    verdict text,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    PRIMARY KEY (objective_id, valid_from),
    CHECK (valid_from < valid_to)
) WITH (fillfactor = 80);

-- One check-in moves every ancestor's progress, and nothing else of it: so these rows are narrow.
CREATE TABLE okr_progress (
    objective_id uuid NOT NULL,
    own_progress double precision,
    progress double precision,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    PRIMARY KEY (objective_id, valid_from),
    CHECK (valid_from < valid_to)
) WITH (fillfactor = 80);

-- Which objectives were ever in a cycle: few narrow rows that lead to the versions above, so
-- that a cycle as of long ago does not read everything that was written since.
CREATE TABLE okr_cycle_objectives (
    cycle_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    PRIMARY KEY (cycle_id, objective_id)
);

-- A key result is written once for every check-in and read by the ten thousand for a tree, always
-- whole: so it is kept as the JSON that answers show, beside the few columns that are counted.
CREATE TABLE okr_key_results (
    key_result_id uuid NOT NULL,
    kpi text,
    status text,
    confidence double precision,
    checked_in_at timestamptz,
    document text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    PRIMARY KEY (key_result_id, valid_from),
    CHECK (valid_from < valid_to)
) WITH (fillfactor = 80);

CREATE TABLE okr_alignments (
    child_id uuid NOT NULL,
    parent_id uuid NOT NULL,
    parent_key_result_id uuid,
    kind text NOT NULL,
    weight double precision NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (child_id, parent_id, parent_key_result_id, valid_from),
    CHECK (valid_from < valid_to)
);

CREATE INDEX okr_alignments_by_parent ON okr_alignments (parent_id);
