-- A check-in that was told by a clock ahead of ours is of the moment at which it was recorded:
-- what 0002 took over from the log did not heed that. Its corrections are of the same time.
UPDATE check_ins AS c
SET effective_at = f.true_at
FROM (
    SELECT o.objective_id, o.check_in_id, least(o.effective_at, e.recorded_at) AS true_at
    FROM check_ins AS o
    JOIN stored_events AS e
        ON e.originator_id = o.objective_id AND e.originator_version = o.version
    WHERE e.topic = 'goals.key_result.checked_in'
) AS f
WHERE c.objective_id = f.objective_id
    AND c.check_in_id = f.check_in_id
    AND c.effective_at > f.true_at;

-- A recovery looks for the few reviews that it ends, among all that its KPI has ever had.
CREATE INDEX reviews_recovering_idx ON reviews (kpi, id) WHERE by_breach AND state = 'open';
