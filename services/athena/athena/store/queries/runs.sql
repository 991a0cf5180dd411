-- name: lock_project
-- Held by the connection: it ends with its holder, however that ends.
SELECT pg_try_advisory_lock(728364519, $1);

-- name: interrupted
SELECT id FROM consolidation_run WHERE project_id = $1 AND state = 'running';

-- name: begin
INSERT INTO consolidation_run (project_id, cause) VALUES ($1, $2) RETURNING id;

-- name: progress
UPDATE consolidation_run SET progress = $2::jsonb WHERE id = $1;

-- name: end
UPDATE consolidation_run SET state = $2::run_state, ended_at = now(), counts = $3::jsonb, error = $4, progress = '{}'
WHERE id = $1 AND state = 'running';

-- name: run
-- `interrupted`: nobody holds the lock of `lock_project` any more.
SELECT r.*, p.name AS project,
       (SELECT count(*) FROM consolidation_change c WHERE c.run_id = r.id) AS changes,
       r.state = 'running' AND NOT EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'advisory' AND l.classid = 728364519::oid AND l.objid = r.project_id::oid AND l.objsubid = 2
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS interrupted
FROM consolidation_run r JOIN project p ON p.id = r.project_id
WHERE r.id = $1;

-- name: runs
-- Newest first. $1: only of this project (NULL: of all); $2: before this run (NULL: from the newest on).
SELECT r.*, p.name AS project,
       (SELECT count(*) FROM consolidation_change c WHERE c.run_id = r.id) AS changes,
       r.state = 'running' AND NOT EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'advisory' AND l.classid = 728364519::oid AND l.objid = r.project_id::oid AND l.objsubid = 2
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS interrupted
FROM consolidation_run r JOIN project p ON p.id = r.project_id
WHERE ($1::text IS NULL OR p.name = $1) AND ($2::bigint IS NULL OR r.id < $2)
ORDER BY r.id DESC LIMIT $3;

-- name: changes
-- In order. $2: after this place; $3: at most so many; $4: only these actions (NULL: all).
SELECT c.place, c.action, c.subject, c.object, c.before::text AS before, c.after::text AS after, c.at,
       left(m.content, 300) AS content, left(o.content, 300) AS object_content,
       CASE WHEN m.derived THEN (SELECT count(*) FROM evidence e WHERE e.pattern_id = m.id) END AS support
FROM consolidation_change c
LEFT JOIN memory m ON m.uid = c.subject
LEFT JOIN memory o ON o.uid = c.object
WHERE c.run_id = $1 AND c.place > $2 AND ($4::text[] IS NULL OR c.action = ANY ($4))
ORDER BY c.place LIMIT $3;

-- name: counts
SELECT action, count(*) AS n FROM consolidation_change WHERE run_id = $1 GROUP BY action;

-- name: later_on
-- Runs after $1 that changed what it changed, and are not undone.
SELECT DISTINCT r.id
FROM consolidation_change mine
JOIN consolidation_change later ON later.subject = mine.subject OR later.object = mine.subject
JOIN consolidation_run r ON r.id = later.run_id
WHERE mine.run_id = $1 AND r.id > $1 AND r.state <> 'undone'
  AND mine.action IN ('concluded', 'refined', 'described', 'closed')
ORDER BY r.id;

-- name: to_undo
SELECT c.place, c.action, c.subject, c.object, c.before::text AS before, c.after::text AS after, c.at
FROM consolidation_change c WHERE c.run_id = $1 ORDER BY c.place DESC;

-- name: rewinding
SELECT set_config('athena.rewinding', 'on', true);

-- name: undone
-- Its record no longer says how patterns were described: nobody needs it, and it may hold names.
WITH plain AS (
    UPDATE consolidation_change SET before = NULL, after = NULL WHERE run_id = $1 AND action = 'described'
)
UPDATE consolidation_run SET state = 'undone', ended_at = now() WHERE id = $1;

-- name: unborne
-- Patterns of these that nothing speaks for any more.
SELECT uid FROM memory m
WHERE uid = ANY ($1::uuid[]) AND derived AND superseded_by IS NULL
  AND NOT EXISTS (SELECT FROM evidence e WHERE e.pattern_id = m.id);

-- name: unmake
-- A pattern that nobody has put in other words since. No tombstone: it was never remembered by anybody.
WITH gone AS (
    DELETE FROM memory WHERE uid = $1 AND derived AND superseded_by IS NULL RETURNING id, project_id, lexemes
),
unknown AS (
    DELETE FROM shingle s USING gone g WHERE s.memory_id = g.id
),
unposted AS (
    DELETE FROM posting p USING (SELECT g.project_id, g.id, l.lexeme FROM gone g, unnest(g.lexemes) l) old
    WHERE p.project_id = old.project_id AND p.lexeme = old.lexeme AND p.memory_id = old.id
)
SELECT id FROM gone;

-- name: stand_again
UPDATE memory m SET superseded_by = NULL, valid_until = $2
WHERE uid = $1 AND superseded_by = $3
  AND NOT EXISTS (
      SELECT FROM memory o
      WHERE o.project_id = m.project_id AND o.fingerprint = m.fingerprint AND o.superseded_by IS NULL AND o.id <> m.id
  )
RETURNING id;

-- name: project_of
SELECT project_id FROM consolidation_run WHERE id = $1;

-- name: is_there
SELECT true FROM memory WHERE uid = $1;

-- name: reopen
-- Not where the same was said again since: that stands in its place.
UPDATE memory m SET superseded_by = $2, valid_until = $3
WHERE uid = $1 AND superseded_by IS NOT DISTINCT FROM $4 AND valid_until IS NOT DISTINCT FROM $5
  AND NOT EXISTS (
      SELECT FROM memory o
      WHERE o.project_id = m.project_id AND o.fingerprint = m.fingerprint AND o.superseded_by IS NULL AND o.id <> m.id
  )
RETURNING id;

-- name: unbelieve
-- The belief that a change of the run made an earlier one.
DELETE FROM validity v USING memory m WHERE m.uid = $1 AND v.memory_id = m.id AND v.known_until = $2;

-- name: describe_back
UPDATE memory SET metadata = $2::jsonb WHERE uid = $1 AND derived AND metadata = $3::jsonb RETURNING id;

-- name: unsupport
DELETE FROM evidence e USING memory p, memory m
WHERE p.uid = $1 AND m.uid = $2 AND e.pattern_id = p.id AND e.memory_id = m.id;

-- name: untwin
-- Also where what it was a twin of is gone, and another one has come in its place.
DELETE FROM twin t USING memory m
WHERE m.uid = $1 AND t.memory_id = m.id
  AND (t.original_id = (SELECT id FROM memory WHERE uid = $2) OR NOT EXISTS (SELECT FROM memory WHERE uid = $2));

-- name: unquestion
DELETE FROM review r USING memory p, memory m
WHERE p.uid = $1 AND m.uid = $2 AND r.memory_id = p.id AND r.because_id = m.id;

-- name: due_projects
-- Where something came since the last run that ended, or something was left: a model that was away, memories that had
-- no vector yet, letters that are due.
SELECT p.name FROM project p
LEFT JOIN LATERAL (
    SELECT r.counts FROM consolidation_run r
    WHERE r.project_id = p.id AND r.state IN ('done', 'undone') ORDER BY r.id DESC LIMIT 1
) last ON true
WHERE EXISTS (
        SELECT FROM memory m
        WHERE m.project_id = p.id AND NOT m.derived AND m.id > coalesce((last.counts ->> 'newest')::bigint, 0)
    )
    OR (last.counts ->> 'left')::bigint > 0 AND (last.counts ->> 'asked')::bigint > 0
    OR (last.counts ->> 'without_vector')::bigint > 0
    OR EXISTS (SELECT FROM dead_letter d WHERE d.project_id = p.id AND d.not_before <= now())
ORDER BY p.id;

-- name: verdict
SELECT verdict::text AS verdict FROM verdict WHERE project_id = $1 AND key = $2;

-- name: hold
SELECT count(*) FROM (SELECT FROM memory WHERE uid = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE) held;

-- name: keep_verdict
INSERT INTO verdict (project_id, key, verdict, memories) VALUES ($1, $2, $3::jsonb, $4)
ON CONFLICT (project_id, key) DO UPDATE SET verdict = excluded.verdict, made_at = now();

-- name: letter_waits
-- Whether this was tried, and isn't to be tried now: later, or by a person's word only.
SELECT count(*) > 0 AND NOT coalesce(bool_or(not_before <= now()), false)
FROM dead_letter WHERE project_id = $1 AND key = $2;

-- name: post_letter
-- $7: whether another try may help; each takes twice as long to come as the one before, and after five a person decides.
INSERT INTO dead_letter (project_id, run_id, key, code, reason, memories, not_before)
VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() + interval '1 hour' END)
ON CONFLICT (project_id, key, code) DO UPDATE
SET run_id = excluded.run_id, reason = excluded.reason, memories = excluded.memories, attempts = dead_letter.attempts + 1, last_at = now(),
    not_before = CASE WHEN $7 AND dead_letter.attempts < 5
                      THEN now() + interval '1 hour' * power(2, dead_letter.attempts) END;

-- name: letters
-- Newest first. $1: only of this project (NULL: of all); $2: before this one.
SELECT d.id, p.name AS project, d.run_id, d.code, d.reason, d.memories, d.attempts, d.not_before, d.created_at, d.last_at
FROM dead_letter d JOIN project p ON p.id = d.project_id
WHERE ($1::text IS NULL OR p.name = $1) AND ($2::bigint IS NULL OR d.id < $2)
ORDER BY d.id DESC LIMIT $3;

-- name: retry_letter
-- And all of the same cluster: it is asked about as a whole.
WITH letter AS (
    UPDATE dead_letter d SET not_before = now(), attempts = 0
    FROM dead_letter named
    WHERE named.id = $1 AND d.project_id = named.project_id AND d.key = named.key
    RETURNING d.project_id, d.key
)
DELETE FROM verdict v USING letter l WHERE v.project_id = l.project_id AND v.key = l.key;

-- name: drop_letter
-- It isn't asked about again.
WITH gone AS (
    DELETE FROM dead_letter WHERE id = $1 RETURNING project_id, key, memories
)
INSERT INTO verdict (project_id, key, verdict, memories)
SELECT project_id, key, '{"proposals": []}', memories FROM gone
ON CONFLICT DO NOTHING;

-- name: drop_old
-- What was said of clusters that have changed since.
WITH letters AS (
    DELETE FROM dead_letter WHERE project_id = $1 AND last_at < now() - interval '90 days'
)
DELETE FROM verdict WHERE project_id = $1 AND made_at < now() - interval '90 days';

-- name: letter
SELECT id FROM dead_letter WHERE id = $1;

-- name: settle_letters
-- What was answered at last.
DELETE FROM dead_letter WHERE project_id = $1 AND key = $2 AND NOT code = ANY ($3::text[]);
