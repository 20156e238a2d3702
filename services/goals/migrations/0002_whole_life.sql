-- What an objective's whole life adds to the indexes of the log.

ALTER TABLE objectives
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN labels text[] NOT NULL DEFAULT '{}';

CREATE INDEX objectives_labelled_idx ON objectives USING gin (labels);

-- Rows are written with every check-in, so that there is one index and no more. A correction is
-- one more row of the same check-in; what was said is in the log, at that version.
CREATE TABLE check_ins (
    objective_id uuid NOT NULL,
    check_in_id uuid NOT NULL,
    version bigint NOT NULL,
    key_result_id uuid NOT NULL,
    effective_at timestamptz NOT NULL,
    PRIMARY KEY (objective_id, check_in_id, version)
);

-- Comments and acknowledgements; what was said is in the log, at that version.
CREATE TABLE feedback (
    objective_id uuid NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    check_in_id uuid,
    actor_id text NOT NULL,
    PRIMARY KEY (objective_id, version)
);

-- What the log held before these tables did.
INSERT INTO check_ins (objective_id, check_in_id, version, key_result_id, effective_at)
SELECT originator_id,
    (event -> 'event' ->> 'check_in_id')::uuid,
    originator_version,
    (event -> 'event' ->> 'key_result_id')::uuid,
    (event -> 'context' ->> 'effective_at')::timestamptz
FROM (
    SELECT originator_id, originator_version, convert_from(state, 'UTF8')::jsonb AS event
    FROM stored_events
    WHERE topic = 'goals.key_result.checked_in'
) AS logged;

UPDATE objectives AS o
SET description = convert_from(e.state, 'UTF8')::jsonb -> 'event' ->> 'description'
FROM stored_events AS e
WHERE e.originator_id = o.id AND e.topic = 'goals.objective.drafted';
