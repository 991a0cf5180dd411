-- name: project
SELECT id FROM project WHERE name = $1;

-- name: serving
SELECT id, dim FROM generation WHERE state = 'serving';

-- name: size
SELECT count(*) FROM (SELECT FROM memory WHERE project_id = $1 AND NOT derived LIMIT $2) few;

-- name: newest
SELECT coalesce(max(id), 0) FROM memory WHERE project_id = $1 AND NOT derived;

-- name: still_open
-- Of these, what a contradiction would close.
SELECT uid::text FROM memory
WHERE uid = ANY ($1::uuid[]) AND superseded_by IS NULL AND NOT derived
  AND kind IN ('fact', 'preference', 'task', 'procedure');

-- name: linked
SELECT count(*) FROM twin t JOIN memory m ON m.id = t.memory_id WHERE m.uid = ANY ($1::uuid[]);

-- name: oldest_read
-- Where the newest $2 memories of a project begin.
SELECT coalesce(min(id), 0) FROM (
    SELECT id FROM memory WHERE project_id = $1 AND NOT derived ORDER BY id DESC LIMIT $2
) newest;

-- name: read_events
-- A page of what may be evidence: what was remembered, in the versions that stand. What consolidation itself closed
-- stays in: the same is found again, and nothing is to be done. $2: after this place; $3: at most so many.
SELECT m.id AS place, m.uid, left(m.content, 4000) AS content, m.kind::text AS kind,
       -- What is stated counts from when it is true, not from when it was told. The first moment there is: not said.
       extract(epoch FROM CASE WHEN m.kind <> 'event' AND m.valid_from > '0002-01-01' THEN m.valid_from
                          ELSE m.happened_at END)::float8 AS at,
       m.session_no, m.user_id, m.agent_id, e.vec
FROM memory m
LEFT JOIN embedding e ON e.generation_id = {generation} AND e.memory_id = m.id AND e.chunk = 0
WHERE m.project_id = $1 AND m.id >= $2 AND NOT m.derived AND (m.expires_at IS NULL OR m.expires_at > now())
  AND (m.superseded_by IS NULL
       OR NOT EXISTS (SELECT FROM memory n WHERE n.uid = m.superseded_by AND n.lineage = m.lineage))
ORDER BY m.id LIMIT $3;

-- name: known_patterns
-- Every line of patterns: its current version, and all that any version of it was concluded from. A line whose current
-- version is a person's own words has `own`.
SELECT head.uid, head.content, NOT head.derived AS own, head.metadata::text AS metadata, line.memories
FROM (
    SELECT p.lineage, array_agg(DISTINCT m.uid) AS memories
    FROM memory p JOIN evidence e ON e.pattern_id = p.id JOIN memory m ON m.id = e.memory_id
    WHERE p.project_id = $1 AND p.derived
    GROUP BY p.lineage
) line
JOIN memory head ON head.lineage = line.lineage AND head.superseded_by IS NULL
ORDER BY head.id;

-- name: rejections
SELECT memories FROM rejection WHERE project_id = $1 ORDER BY id;

-- name: mark_derived
UPDATE memory SET derived = true WHERE uid = ANY ($1::uuid[]);

-- name: add_evidence
-- Only of what is still there; gives what was added.
INSERT INTO evidence (pattern_id, memory_id, quote)
SELECT p.id, m.id, i.quote
FROM unnest($2::uuid[], $3::text[]) AS i (uid, quote)
JOIN memory m ON m.uid = i.uid
JOIN memory p ON p.uid = $1
ON CONFLICT DO NOTHING
RETURNING (SELECT uid FROM memory WHERE id = memory_id) AS uid;

-- name: copy_evidence
INSERT INTO evidence (pattern_id, memory_id, quote)
SELECT n.id, e.memory_id, e.quote
FROM evidence e JOIN memory o ON o.id = e.pattern_id AND o.uid = $1, memory n
WHERE n.uid = $2
ON CONFLICT DO NOTHING;

-- name: goes_on
SELECT true FROM consolidation_run WHERE id = $1 AND state = 'running' FOR SHARE;

-- name: hold
SELECT count(*) FROM (SELECT FROM memory WHERE uid = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE) held;

-- name: stands
-- And holds at $2. That another memory took its place is no reason to doubt what it said then; that a person put other
-- words there is.
SELECT true FROM memory m
WHERE uid = $1 AND (valid_until IS NULL OR valid_until > $2) AND NOT EXISTS (SELECT FROM memory n WHERE n.uid = m.superseded_by AND n.lineage = m.lineage)
FOR SHARE;

-- name: refuted
-- Changes that a person has taken back: what was closed by them was put in its place again.
SELECT p.uid, p.valid_until FROM memory p
JOIN memory o ON o.uid = $1 AND o.superseded_by IS NULL
WHERE p.derived AND p.superseded_by IS NULL AND p.valid_until IS NULL AND p.project_id = o.project_id
  AND p.metadata @> jsonb_build_object('pattern', jsonb_build_object('type', 'change', 'old', $1::text, 'new', $2::text))
  AND EXISTS (SELECT FROM validity v WHERE v.memory_id = o.id AND v.superseded_by = $2::uuid)
FOR UPDATE OF p;

-- name: waiting
SELECT count(*) FROM embedding_todo WHERE project_id = $1;

-- name: reopen_pattern
UPDATE memory SET valid_until = NULL WHERE uid = $1;

-- name: lock_pattern
SELECT metadata::text AS metadata, valid_until, superseded_by FROM memory WHERE uid = $1 AND derived FOR UPDATE;

-- name: describe
UPDATE memory SET metadata = $2::jsonb WHERE uid = $1;

-- name: closable
-- What $1 says no longer holds; only what can be true for a time, and what nobody has put back in the place of $3 since.
SELECT uid, valid_until, superseded_by FROM memory
WHERE uid = ANY ($1::uuid[]) AND superseded_by IS NULL AND NOT derived
  AND kind IN ('fact', 'preference', 'task', 'procedure') AND valid_from < $2
  AND (valid_until IS NULL OR valid_until > $2)
  AND NOT EXISTS (SELECT FROM validity v WHERE v.memory_id = memory.id AND v.superseded_by = $3)
ORDER BY id FOR UPDATE;

-- name: close
UPDATE memory SET valid_until = greatest(valid_from, $2), superseded_by = $3 WHERE uid = $1
RETURNING valid_until;

-- name: resting_on
-- What was concluded from these alone or before $2 alone, and holds still; `on_them` where its words are one of theirs.
SELECT DISTINCT p.uid, p.id, p.valid_until, p.metadata -> 'pattern' ->> 'type' AS type,
       coalesce((p.metadata -> 'pattern' ->> 'exemplar')::uuid = ANY ($1::uuid[]), false) AS on_them
FROM evidence e
JOIN memory m ON m.id = e.memory_id
JOIN memory p ON p.id = e.pattern_id
WHERE m.uid = ANY ($1::uuid[]) AND p.derived AND p.superseded_by IS NULL AND p.valid_from < $2
  AND (p.valid_until IS NULL OR p.valid_until > $2)
  AND NOT EXISTS (
      SELECT FROM evidence later JOIN memory l ON l.id = later.memory_id
      WHERE later.pattern_id = p.id AND l.happened_at > $2
  )
ORDER BY p.id;

-- name: close_pattern
UPDATE memory SET valid_until = greatest(valid_from, $2) WHERE uid = $1 RETURNING valid_until;

-- name: question
INSERT INTO review (memory_id, because_id)
SELECT p.id, m.id FROM memory p, memory m WHERE p.uid = $1 AND m.uid = $2
ON CONFLICT DO NOTHING
RETURNING true;

-- name: link_twins
INSERT INTO twin (memory_id, original_id, likeness)
SELECT m.id, o.id, i.likeness
FROM unnest($1::uuid[], $2::uuid[], $3::real[]) AS i (uid, original, likeness)
JOIN memory m ON m.uid = i.uid
JOIN memory o ON o.uid = i.original
ON CONFLICT (memory_id) DO NOTHING
RETURNING (SELECT uid FROM memory WHERE id = memory_id) AS uid,
          (SELECT uid FROM memory WHERE id = original_id) AS original;

-- name: record
INSERT INTO consolidation_change (run_id, action, subject, object, before, after)
SELECT $1, i.action, i.subject, i.object, i.before::jsonb, i.after::jsonb
FROM unnest($2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
    WITH ORDINALITY AS i (action, subject, object, before, after, ord)
ORDER BY ord;
