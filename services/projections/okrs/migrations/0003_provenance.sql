-- Where the newest value stands that a progress rests on. What was written before does not say: so
-- the rows are made anew, from the first event of the stream on, and until then the service is
-- not ready.

TRUNCATE okr_cycles, okr_objectives, okr_progress, okr_cycle_objectives, okr_key_results,
    okr_alignments;

-- 0: nobody has said a value. No default: a process of an older version that still runs cannot
-- write half a row.
ALTER TABLE okr_progress ADD COLUMN position bigint NOT NULL;

DELETE FROM parked_events WHERE group_name = 'okrs';
DELETE FROM parked_aggregates WHERE group_name = 'okrs';
DELETE FROM applied_versions WHERE group_name = 'okrs';

-- The revision goes on rising: who kept older rows in memory must see that they are gone.
UPDATE checkpoints
SET position = 0, recorded_at = NULL, revision = revision + 1, skipped_events = 0
WHERE group_name = 'okrs';
