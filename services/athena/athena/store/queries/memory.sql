-- name: get
SELECT m.uid, m.content, m.kind::text AS kind, p.name AS project, m.user_id, m.agent_id, ss.name AS session,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance, m.tags, m.metadata, m.source,
       m.supersedes, m.superseded_by, m.times_seen, m.expires_at, m.derived, u.recalls, u.last_recalled_at,
       original.uid AS twin_of,
       EXISTS (
           SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
           WHERE e.memory_id = m.id
       ) AS ready
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
LEFT JOIN memory_use u ON u.memory_id = m.id
LEFT JOIN twin t ON t.memory_id = m.id LEFT JOIN memory original ON original.id = t.original_id
WHERE m.uid = $1 AND (m.expires_at IS NULL OR m.expires_at > now());

-- name: list
-- $11: also versions that have been superseded (by then, where the past is asked for); $12: the place after which the
-- page begins; $13: its length.
SELECT m.uid, m.content, m.kind::text AS kind, p.name AS project, m.user_id, m.agent_id, ss.name AS session,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance, m.tags, m.metadata, m.source,
       m.supersedes, m.superseded_by, m.times_seen, m.expires_at, m.derived, u.recalls, u.last_recalled_at,
       EXISTS (
           SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
           WHERE e.memory_id = m.id
       ) AS ready,
       m.id AS place
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
LEFT JOIN memory_use u ON u.memory_id = m.id
WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  AND ($11 OR CASE WHEN $10::timestamptz IS NULL OR NOT m.revised THEN m.superseded_by
                   ELSE superseded_then(m.id, m.superseded_by, $10) END IS NULL)
  AND ($12::bigint IS NULL OR m.id < $12)
ORDER BY m.id DESC LIMIT $13;

-- name: lock_version
SELECT m.id, m.uid, m.project_id, m.session_no, m.user_id, m.agent_id, m.kind::text AS kind, m.lineage,
       m.superseded_by, m.fingerprint, m.valid_from, p.name AS project, ss.name AS session,
       m.importance, m.tags, m.metadata, m.source, m.occurred_at, m.expires_at
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
WHERE m.uid = $1 AND (m.expires_at IS NULL OR m.expires_at > now()) FOR UPDATE OF m;

-- name: mark_superseded
-- The old version was true until the new one began to be.
UPDATE memory
SET superseded_by = $2, valid_until = greatest(valid_from, least(coalesce(valid_until, $3), $3))
WHERE uid = $1;

-- name: refresh_project_sizes
UPDATE project p SET memories = counted.n
FROM (SELECT project_id, count(*) AS n FROM memory GROUP BY project_id) counted
WHERE counted.project_id = p.id AND p.memories <> counted.n;

-- name: drop_old_answers
DELETE FROM idempotency WHERE created_at < now() - interval '7 days';
