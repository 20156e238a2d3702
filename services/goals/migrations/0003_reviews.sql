-- Who answers for a KPI; null for those that were defined before this was heeded.
ALTER TABLE kpi_values ADD COLUMN owner_kind text, ADD COLUMN owner_id text;

CREATE TABLE reviews (
    id uuid PRIMARY KEY,
    -- What the review is about in one word: no two reviews of the same are open at a time.
    subject text NOT NULL,
    objective_id uuid,
    key_result_id uuid,
    kpi text,
    by_breach boolean NOT NULL,
    state text NOT NULL,
    owner_kind text,
    owner_id text,
    due_on date,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL,
    -- Where in the log it was opened: the order of lists, which never changes.
    opened_position bigint NOT NULL UNIQUE
);

CREATE INDEX reviews_open_idx ON reviews (subject) WHERE state <> 'closed';
CREATE INDEX reviews_of_objective_idx ON reviews (objective_id, opened_position);
CREATE INDEX reviews_of_kpi_idx ON reviews (kpi, opened_position);
CREATE INDEX reviews_of_owner_idx ON reviews (owner_kind, owner_id, opened_position);
CREATE INDEX reviews_due_idx ON reviews (due_on) WHERE state <> 'closed';
