-- name: get
SELECT m.uid, m.content, m.kind::text AS kind, p.name AS project, m.user_id, m.agent_id, ss.name AS session,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance, m.tags, m.metadata, m.source,
       m.supersedes, m.superseded_by, m.times_seen,
       EXISTS (
           SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
           WHERE e.memory_id = m.id
       ) AS ready
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
WHERE m.uid = $1;

-- name: list
-- $10: also versions that have been superseded; $11: the uid after which the page begins; $12: its length.
SELECT m.uid, m.content, m.kind::text AS kind, p.name AS project, m.user_id, m.agent_id, ss.name AS session,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance, m.tags, m.metadata, m.source,
       m.supersedes, m.superseded_by, m.times_seen,
       EXISTS (
           SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
           WHERE e.memory_id = m.id
       ) AS ready,
       m.id AS place
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9)
  AND ($10 OR m.superseded_by IS NULL)
  AND ($11::bigint IS NULL OR m.id < $11)
ORDER BY m.id DESC LIMIT $12;

-- name: history
WITH line AS (
    SELECT lineage FROM memory WHERE uid = $1
    UNION SELECT lineage FROM tombstone WHERE uid = $1
)
SELECT m.uid, CASE WHEN m.supersedes IS NULL THEN 'remembered' ELSE 'superseded' END AS action,
       m.recorded_at AS at, m.content
FROM memory m WHERE m.lineage IN (SELECT lineage FROM line)
UNION ALL
SELECT t.uid, step.action, step.at, NULL
FROM tombstone t, LATERAL (
    VALUES ('remembered', t.recorded_at), ('forgotten', t.forgotten_at)
) step (action, at)
WHERE t.lineage IN (SELECT lineage FROM line)
ORDER BY at, action;

-- name: lock_version
SELECT m.id, m.uid, m.project_id, m.session_no, m.user_id, m.agent_id, m.kind::text AS kind, m.lineage,
       m.superseded_by, m.fingerprint, m.valid_from, p.name AS project, ss.name AS session,
       m.importance, m.tags, m.metadata, m.source, m.occurred_at
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
WHERE m.uid = $1 FOR UPDATE OF m;

-- name: mark_superseded
-- The old version was true until the new one began to be.
UPDATE memory
SET superseded_by = $2, valid_until = greatest(valid_from, least(coalesce(valid_until, $3), $3))
WHERE uid = $1;

-- name: lineages_of
-- $2: only in this project (NULL: wherever they are).
SELECT DISTINCT m.lineage FROM memory m JOIN project p ON p.id = m.project_id
WHERE m.uid = ANY ($1::uuid[]) AND ($2::text IS NULL OR p.name = $2);

-- name: lineages_in_scope
-- Newest first. $10: only memories that hold every word of this text (NULL: all); $11: at most so many.
SELECT m.lineage FROM memory m
WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9)
  AND ($10::text IS NULL OR (numnode(plainto_tsquery('english', $10)) > 0
       AND to_tsvector('english', m.content) @@ plainto_tsquery('english', $10)))
GROUP BY m.lineage ORDER BY max(m.id) DESC LIMIT $11;

-- name: versions
SELECT uid FROM memory WHERE lineage = ANY ($1::uuid[]) ORDER BY id;

-- name: forget
-- All versions go, with their vectors (by the foreign key), their postings and their places in the outbox.
WITH doomed AS MATERIALIZED (
    SELECT id FROM memory WHERE lineage = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
),
gone AS (
    DELETE FROM memory m USING doomed WHERE m.id = doomed.id
    RETURNING m.id, m.uid, m.project_id, m.lineage, m.recorded_at, m.lexemes
),
unposted AS (
    DELETE FROM posting p USING (
        SELECT g.project_id, g.id, l.lexeme FROM gone g, unnest(g.lexemes) l
    ) old
    WHERE p.project_id = old.project_id AND p.lexeme = old.lexeme AND p.memory_id = old.id
),
kept AS (
    INSERT INTO tombstone (uid, project_id, lineage, recorded_at)
    SELECT uid, project_id, lineage, recorded_at FROM gone
)
SELECT uid FROM gone ORDER BY id;

-- name: forget_answers
-- A replayed idempotency key must not claim that a forgotten memory is still there.
DELETE FROM idempotency i USING unnest($1::uuid[]) AS gone (uid)
WHERE i.receipts @> jsonb_build_array(jsonb_build_object('id', gone.uid));

-- name: refresh_project_sizes
UPDATE project p SET memories = counted.n
FROM (SELECT project_id, count(*) AS n FROM memory GROUP BY project_id) counted
WHERE counted.project_id = p.id AND p.memories <> counted.n;

-- name: drop_old_answers
DELETE FROM idempotency WHERE created_at < now() - interval '7 days';
