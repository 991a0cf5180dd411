-- name: count
-- Recalls since the last time, and the hashes $5 of what the memories at the places $4 say.
WITH used AS MATERIALIZED (
    SELECT m.id, m.project_id, i.recalls, i.at, i.place
    FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) WITH ORDINALITY AS i (uid, recalls, at, place)
    JOIN memory m USING (uid)
),
counted AS (
    INSERT INTO memory_use AS u (memory_id, project_id, recalls, last_recalled_at)
    SELECT id, project_id, recalls, at FROM used ORDER BY id
    ON CONFLICT (memory_id) DO UPDATE
    SET recalls = u.recalls + excluded.recalls,
        last_recalled_at = greatest(u.last_recalled_at, excluded.last_recalled_at)
)
INSERT INTO shingle (project_id, hash, memory_id)
SELECT used.project_id, said.hash, used.id
FROM unnest($4::int[], $5::bigint[]) AS said (place, hash) JOIN used USING (place)
ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING;

-- name: known
-- Which of the hashes $2 are of what was recalled in the project $1 lately.
SELECT coalesce(array_agg(hash), '{}')
FROM unnest($2::bigint[]) asked (hash)
WHERE EXISTS (SELECT FROM shingle s WHERE s.project_id = $1 AND s.hash = asked.hash);

-- name: repeated
-- Which of these fingerprints are of memories that are there.
SELECT fingerprint FROM memory
WHERE project_id = $1 AND fingerprint = ANY ($2::bytea[]) AND superseded_by IS NULL;

-- name: sources
-- What the hashes $2 are of, the most of them first, and the memories $3. Only what is true now: what was true once and
-- is said again is news. $4: whom the text is about; what is known of nobody in particular, or of another, is no
-- answer then.
WITH shared AS (
    SELECT s.memory_id AS id, count(*) AS shared FROM shingle s
    WHERE s.project_id = $1 AND s.hash = ANY ($2::bigint[])
    GROUP BY s.memory_id
    UNION ALL
    SELECT id, 1 FROM memory WHERE uid = ANY ($3::uuid[]) AND project_id = $1
),
likely AS MATERIALIZED (
    SELECT id, max(shared.shared) AS shared FROM shared GROUP BY id ORDER BY 2 DESC, 1 LIMIT 100
)
SELECT m.uid, m.content, m.occurred_at, m.recorded_at
FROM likely JOIN memory m USING (id)
WHERE m.superseded_by IS NULL AND (m.valid_until IS NULL OR m.valid_until > now())
  AND (m.expires_at IS NULL OR m.expires_at > now()) AND ($4::text IS NULL OR m.user_id = $4)
ORDER BY likely.shared DESC, m.id LIMIT 50;

-- name: is_embedded
SELECT EXISTS (
    SELECT FROM memory m JOIN embedding e ON e.memory_id = m.id
    JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
    WHERE m.uid = $1
);

-- name: drop_old_shingles
-- What was recalled longer ago doesn't come back as an echo.
DELETE FROM shingle s
WHERE NOT EXISTS (
    SELECT FROM memory_use u WHERE u.memory_id = s.memory_id AND u.last_recalled_at >= now() - interval '2 days'
);

-- name: unused
-- What was never recalled and was recorded before $2, oldest first. $3: after this place; $4: at most so many.
SELECT m.uid, m.content, m.kind::text AS kind, p.name AS project, m.user_id, m.agent_id, ss.name AS session,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance, m.tags, m.metadata, m.source,
       m.supersedes, m.superseded_by, m.times_seen, m.expires_at, m.derived,
       EXISTS (
           SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
           WHERE e.memory_id = m.id
       ) AS ready,
       m.id AS place
FROM memory m JOIN project p ON p.id = m.project_id LEFT JOIN session ss ON ss.id = m.session_no
WHERE m.project_id = $1 AND m.superseded_by IS NULL AND NOT m.derived AND m.recorded_at < $2
  AND (m.expires_at IS NULL OR m.expires_at > now())
  AND NOT EXISTS (SELECT FROM memory_use u WHERE u.memory_id = m.id)
  AND ($3::bigint IS NULL OR m.id > $3)
ORDER BY m.id LIMIT $4;

-- name: count_unused
-- Of how many memories in the project $1 how many that were recorded before $2 were never recalled, and since when.
SELECT count(*) AS memories,
       count(*) FILTER (WHERE m.recorded_at < $2 AND u.memory_id IS NULL) AS unused,
       min(m.recorded_at) FILTER (WHERE m.recorded_at < $2 AND u.memory_id IS NULL) AS oldest
FROM memory m LEFT JOIN memory_use u ON u.memory_id = m.id
WHERE m.project_id = $1 AND m.superseded_by IS NULL AND NOT m.derived
  AND (m.expires_at IS NULL OR m.expires_at > now());
