-- name: history
-- Each version from when it was written, and each time that something else was believed of it. That a version was
-- superseded by the next of its line is told by the next one.
WITH line AS (
    SELECT lineage FROM memory WHERE uid = $1
    UNION SELECT lineage FROM tombstone WHERE uid = $1
),
version AS MATERIALIZED (
    SELECT m.* FROM memory m WHERE m.lineage IN (SELECT lineage FROM line)
),
belief AS (
    SELECT v.memory_id, v.valid_from, v.valid_until, v.superseded_by, v.known_until
    FROM validity v JOIN version m ON m.id = v.memory_id
    UNION ALL
    SELECT m.id, m.valid_from, m.valid_until, m.superseded_by, 'infinity' FROM version m
),
told AS (
    SELECT b.*, lag(b.known_until) OVER past AS since, lag(b.superseded_by) OVER past AS had_superseded_by,
           lag(b.valid_from) OVER past AS had_from, lag(b.valid_until) OVER past AS had_until
    FROM belief b
    WINDOW past AS (PARTITION BY b.memory_id ORDER BY b.known_until)
),
step AS (
    SELECT m.uid, m.id AS place, coalesce(t.since, m.recorded_at) AS at, m.content, t.valid_from, t.valid_until,
           CASE
               WHEN t.since IS NULL AND m.supersedes IS NULL THEN 'remembered'
               WHEN t.since IS NULL THEN 'superseded'
               WHEN t.superseded_by IS NULL AND t.had_superseded_by IS NOT NULL THEN 'restored'
               WHEN t.superseded_by IS DISTINCT FROM t.had_superseded_by THEN
                   CASE WHEN t.superseded_by NOT IN (SELECT uid FROM version) THEN 'replaced' END
               WHEN (t.valid_from, t.valid_until) IS DISTINCT FROM (t.had_from, t.had_until) THEN 'revised'
           END AS action,
           t.superseded_by
    FROM told t JOIN version m ON m.id = t.memory_id
)
SELECT uid, action, at, content, valid_from, valid_until,
       CASE WHEN action = 'replaced' THEN superseded_by END AS replaced_by,
       place, action IN ('remembered', 'superseded') AS is_new
FROM step WHERE action IS NOT NULL
UNION ALL
SELECT t.uid, step.action, step.at, NULL, NULL, NULL, NULL, NULL, step.is_new
FROM tombstone t, LATERAL (
    VALUES ('remembered', t.recorded_at, true), ('forgotten', t.forgotten_at, false)
) step (action, at, is_new)
WHERE t.lineage IN (SELECT lineage FROM line)
ORDER BY at, is_new DESC, place, uid;

-- name: evidence
-- What $1 was concluded from, oldest first.
SELECT m.uid, m.content, e.quote, m.occurred_at
FROM evidence e JOIN memory p ON p.id = e.pattern_id JOIN memory m ON m.id = e.memory_id
WHERE p.uid = $1
ORDER BY m.happened_at, m.id;

-- name: is_there
SELECT EXISTS (SELECT FROM memory WHERE uid = $1);

-- name: lock_superseded
SELECT m.superseded_by, m.project_id, m.fingerprint, m.lineage FROM memory m WHERE m.uid = $1 FOR UPDATE;

-- name: lock_successor
-- Only where it was written as the next version: what stands on its own goes on as it is.
SELECT m.superseded_by FROM memory m WHERE m.uid = $1 AND m.lineage = $2 FOR UPDATE;

-- name: same_words
SELECT uid FROM memory WHERE project_id = $1 AND fingerprint = $2 AND superseded_by IS NULL;

-- name: stand_again
-- As it was believed to be before it was superseded. Of what was superseded when it was written, nothing is known of
-- before: its end is taken back if that was its successor's beginning.
WITH before AS (
    SELECT v.valid_from, v.valid_until
    FROM validity v JOIN memory m ON m.id = v.memory_id
    WHERE m.uid = $1 AND v.superseded_by IS NULL
    ORDER BY v.known_until DESC LIMIT 1
)
UPDATE memory m
SET superseded_by = NULL,
    valid_from = coalesce((SELECT valid_from FROM before), m.valid_from),
    valid_until = CASE
        WHEN EXISTS (SELECT FROM before) THEN (SELECT valid_until FROM before)
        WHEN m.valid_until = (SELECT s.valid_from FROM memory s WHERE s.uid = m.superseded_by) THEN NULL
        ELSE m.valid_until
    END
WHERE m.uid = $1;

-- name: give_way
-- $1 is superseded by $2, a version that was there before. What came after it was never true, then; what came before
-- it was, until it began.
UPDATE memory m
SET superseded_by = r.uid,
    valid_until = greatest(m.valid_from, least(coalesce(m.valid_until, r.valid_from), r.valid_from))
FROM memory r
WHERE m.uid = $1 AND r.uid = $2;
