-- name: bound_idling
-- Whoever reads or sends so slowly that nothing is asked for this long gets no more; a snapshot keeps vacuum away.
SET LOCAL idle_in_transaction_session_timeout = '5min';

-- name: embedding
-- With which model the vectors are made here or, before there is one, were made where the memories come from.
SELECT model, dim, prefix_document, prefix_query
FROM (
    SELECT 0 AS place, model, dim, prefix_document, prefix_query FROM generation WHERE state = 'serving'
    UNION ALL
    SELECT 1, model, dim, prefix_document, prefix_query FROM imported_embedding
) known
ORDER BY place LIMIT 1;

-- name: keep_embedding
INSERT INTO imported_embedding (model, dim, prefix_document, prefix_query) VALUES ($1, $2, $3, $4)
ON CONFLICT (only_row) DO UPDATE
SET model = excluded.model, dim = excluded.dim,
    prefix_document = excluded.prefix_document, prefix_query = excluded.prefix_query;

-- name: count
-- $1: only of this project (NULL: of all).
WITH wanted AS (SELECT id FROM project WHERE $1::text IS NULL OR name = $1)
SELECT (SELECT count(*) FROM memory WHERE project_id IN (SELECT id FROM wanted)) AS memories,
       (SELECT count(*) FROM tombstone WHERE project_id IN (SELECT id FROM wanted)) AS tombstones,
       (SELECT count(*) FROM evidence e JOIN memory p ON p.id = e.pattern_id JOIN memory m ON m.id = e.memory_id
        WHERE p.project_id IN (SELECT id FROM wanted) AND m.project_id IN (SELECT id FROM wanted)) AS evidence,
       (SELECT count(*) FROM twin t JOIN memory m ON m.id = t.memory_id JOIN memory o ON o.id = t.original_id
        WHERE m.project_id IN (SELECT id FROM wanted) AND o.project_id IN (SELECT id FROM wanted)) AS twins,
       (SELECT count(*) FROM review r JOIN memory m ON m.id = r.memory_id JOIN memory b ON b.id = r.because_id
        WHERE m.project_id IN (SELECT id FROM wanted) AND b.project_id IN (SELECT id FROM wanted)) AS reviews,
       (SELECT count(*) FROM rejection WHERE project_id IN (SELECT id FROM wanted)) AS rejections;

-- name: memories
-- In the order they were written in. $1: only of this project (NULL: of all); $2: after this place; $3: at most so
-- many; $4: no more once they hold so many bytes. `real` as text is the shortest that gives the same `real` again.
WITH page AS MATERIALIZED (
    SELECT id, sum(size) OVER (ORDER BY id) - size AS before
    FROM (
        SELECT id, octet_length(content) + pg_column_size(metadata) AS size FROM memory
        WHERE id > $2 AND ($1::text IS NULL OR project_id = (SELECT id FROM project WHERE name = $1))
        ORDER BY id LIMIT $3
    ) m
)
SELECT m.id AS place, m.uid, m.lineage, m.supersedes, m.superseded_by, before.uid AS previous,
       p.name AS project, m.user_id, m.agent_id, ss.name AS session, m.kind::text AS kind, m.content,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance::text::float8 AS importance,
       m.tags, m.source, m.times_seen, m.last_seen_at, m.expires_at, m.derived, m.revised, encode(m.fingerprint, 'hex') AS fingerprint,
       m.metadata::text AS metadata
FROM page
JOIN memory m USING (id)
JOIN project p ON p.id = m.project_id
LEFT JOIN session ss ON ss.id = m.session_no
LEFT JOIN memory before ON before.id = m.previous_id
WHERE page.before < $4
ORDER BY m.id;

-- name: beliefs
SELECT memory_id, valid_from, valid_until, superseded_by, known_until, holds
FROM validity WHERE memory_id = ANY ($1::bigint[]) ORDER BY memory_id, known_until;

-- What speaks of memories. $1: only of this project (NULL: of all), on both sides; after the place $2 and, in it, the
-- place $3; $4: at most so many.
-- name: evidence
SELECT e.pattern_id AS place, e.memory_id AS other, p.uid AS pattern, m.uid AS memory, e.quote
FROM evidence e JOIN memory p ON p.id = e.pattern_id JOIN memory m ON m.id = e.memory_id
WHERE (e.pattern_id, e.memory_id) > ($2::bigint, $3::bigint)
  AND ($1::text IS NULL OR (SELECT id FROM project WHERE name = $1) = ALL (ARRAY[p.project_id, m.project_id]))
ORDER BY e.pattern_id, e.memory_id LIMIT $4;

-- name: twins
SELECT t.memory_id AS place, 0 AS other, m.uid AS memory, o.uid AS original, t.likeness::text::float8 AS likeness, t.since
FROM twin t JOIN memory m ON m.id = t.memory_id JOIN memory o ON o.id = t.original_id
WHERE (t.memory_id, 0) > ($2::bigint, $3::bigint)
  AND ($1::text IS NULL OR (SELECT id FROM project WHERE name = $1) = ALL (ARRAY[m.project_id, o.project_id]))
ORDER BY t.memory_id LIMIT $4;

-- name: reviews
SELECT r.memory_id AS place, r.because_id AS other, m.uid AS memory, b.uid AS because, r.since
FROM review r JOIN memory m ON m.id = r.memory_id JOIN memory b ON b.id = r.because_id
WHERE (r.memory_id, r.because_id) > ($2::bigint, $3::bigint)
  AND ($1::text IS NULL OR (SELECT id FROM project WHERE name = $1) = ALL (ARRAY[m.project_id, b.project_id]))
ORDER BY r.memory_id, r.because_id LIMIT $4;

-- name: rejections
SELECT r.id AS place, 0 AS other, p.name AS project, r.memories, r.at
FROM rejection r JOIN project p ON p.id = r.project_id
WHERE (r.id, 0) > ($2::bigint, $3::bigint) AND ($1::text IS NULL OR p.name = $1)
ORDER BY r.id LIMIT $4;

-- name: tombstones
-- $1: only of this project (NULL: of all); $2: after this one; $3: at most so many.
SELECT t.uid, t.lineage, p.name AS project, t.recorded_at, t.forgotten_at
FROM tombstone t JOIN project p ON p.id = t.project_id
WHERE ($2::uuid IS NULL OR t.uid > $2) AND ($1::text IS NULL OR p.name = $1)
ORDER BY t.uid LIMIT $3;

-- name: bring_up_to_date
-- What is known here, and of which the file tells what became of it since, is so here too from now on: what was believed
-- here so often before is what the file says was believed next, and then something else ($7..$11); or, of files that
-- say nothing of that, it is current here and superseded there. Before the insert: only one current memory may say the
-- same.
WITH believed AS (
    SELECT * FROM unnest($7::uuid[], $8::int[], $9::text[]::timestamptz[], $10::text[]::timestamptz[], $11::uuid[])
        AS b (uid, place, valid_from, valid_until, superseded_by)
)
UPDATE memory m SET superseded_by = i.superseded_by, valid_from = i.valid_from, valid_until = i.valid_until
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]::timestamptz[], $6::text[]::timestamptz[])
    AS i (uid, lineage, superseded_by, content, valid_from, valid_until)
WHERE m.uid = i.uid AND m.lineage = i.lineage AND m.content = i.content
  AND (EXISTS (
           SELECT FROM believed b
           WHERE b.uid = m.uid AND b.place = (SELECT count(*) FROM validity v WHERE v.memory_id = m.id)
             AND (b.valid_from, b.valid_until, b.superseded_by)
                 IS NOT DISTINCT FROM (m.valid_from, m.valid_until, m.superseded_by)
       )
       OR (m.superseded_by IS NULL AND i.superseded_by IS NOT NULL
           AND NOT EXISTS (SELECT FROM validity v WHERE v.memory_id = m.id AND v.superseded_by = i.superseded_by)))
  AND (i.superseded_by IS NOT NULL OR m.superseded_by IS NULL OR NOT EXISTS (
      SELECT FROM memory o
      WHERE o.project_id = m.project_id AND o.fingerprint = m.fingerprint AND o.superseded_by IS NULL
  ))
RETURNING m.uid;

-- name: drop_beliefs
DELETE FROM validity v USING memory m WHERE m.id = v.memory_id AND m.uid = ANY ($1::uuid[]);

-- name: take_in_beliefs
INSERT INTO validity (memory_id, valid_from, valid_until, superseded_by, known_until, holds)
SELECT m.id, i.valid_from, i.valid_until, i.superseded_by, i.known_until, i.holds
FROM unnest($1::uuid[], $2::text[]::timestamptz[], $3::text[]::timestamptz[], $4::uuid[], $5::text[]::timestamptz[],
            $6::bool[]) AS i (uid, valid_from, valid_until, superseded_by, known_until, holds)
JOIN memory m ON m.uid = i.uid
ON CONFLICT DO NOTHING;

-- What speaks of memories is taken in where all of them are here; gives how many were new, and the places of those that
-- speak of others.
-- name: take_in_evidence
WITH input AS MATERIALIZED (
    SELECT i.ord, i.quote, p.id AS pattern_id, m.id AS memory_id
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS i (pattern, memory, quote, ord)
    LEFT JOIN memory p ON p.uid = i.pattern
    LEFT JOIN memory m ON m.uid = i.memory
),
stored AS (
    INSERT INTO evidence (pattern_id, memory_id, quote)
    SELECT pattern_id, memory_id, quote FROM input WHERE pattern_id + memory_id IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM stored) AS created,
       ARRAY(SELECT ord FROM input WHERE pattern_id + memory_id IS NULL ORDER BY ord) AS missing;

-- name: take_in_twins
WITH input AS MATERIALIZED (
    SELECT i.ord, i.likeness, i.since, m.id AS memory_id, o.id AS original_id
    FROM unnest($1::uuid[], $2::uuid[], $3::real[], $4::text[]::timestamptz[])
        WITH ORDINALITY AS i (memory, original, likeness, since, ord)
    LEFT JOIN memory m ON m.uid = i.memory
    LEFT JOIN memory o ON o.uid = i.original
),
stored AS (
    INSERT INTO twin (memory_id, original_id, likeness, since)
    SELECT memory_id, original_id, likeness, since FROM input WHERE memory_id + original_id IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM stored) AS created,
       ARRAY(SELECT ord FROM input WHERE memory_id + original_id IS NULL ORDER BY ord) AS missing;

-- name: take_in_reviews
WITH input AS MATERIALIZED (
    SELECT i.ord, i.since, m.id AS memory_id, b.id AS because_id
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]::timestamptz[]) WITH ORDINALITY AS i (memory, because, since, ord)
    LEFT JOIN memory m ON m.uid = i.memory
    LEFT JOIN memory b ON b.uid = i.because
),
stored AS (
    INSERT INTO review (memory_id, because_id, since)
    SELECT memory_id, because_id, since FROM input WHERE memory_id + because_id IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM stored) AS created,
       ARRAY(SELECT ord FROM input WHERE memory_id + because_id IS NULL ORDER BY ord) AS missing;

-- name: take_in_rejections
-- Of memories that aren't here, nothing can be found.
WITH input AS MATERIALIZED (
    SELECT i.ord, p.id AS project_id, ARRAY(SELECT jsonb_array_elements_text(i.memories::jsonb)::uuid) AS memories, i.at
    FROM unnest($1::text[], $2::text[], $3::text[]::timestamptz[]) WITH ORDINALITY AS i (project, memories, at, ord)
    LEFT JOIN project p ON p.name = i.project
),
stored AS (
    INSERT INTO rejection (project_id, memories, at)
    SELECT project_id, memories, at FROM input i
    WHERE project_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM rejection r WHERE (r.project_id, r.memories, r.at) = (i.project_id, i.memories, i.at)
    )
    ORDER BY ord
    RETURNING 1
)
SELECT (SELECT count(*) FROM stored) AS created,
       ARRAY(SELECT ord FROM input WHERE project_id IS NULL ORDER BY ord) AS missing;

-- name: revive
DELETE FROM tombstone WHERE uid = ANY ($1::uuid[]);

-- One round trip, like `remember`: the rows, their postings and their places in the outbox. Here the rows bring their
-- whole past along, and what is there already stays as it is. Times come as text: the driver takes the first moment of
-- the year 1, from which on a fact may be true, for minus infinity.
-- name: take_in
WITH input AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('memory', 'id')) AS id, i.*
    FROM (
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[],
            $9::text[]::timestamptz[], $10::text[]::timestamptz[], $11::text[]::timestamptz[],
            $12::text[]::timestamptz[], $13::real[], $14::text[], $15::text[], $16::text[], $17::uuid[], $18::uuid[],
            $19::uuid[], $20::int[], $21::text[]::timestamptz[], $22::uuid[], $23::text[],
            $24::text[]::timestamptz[], $25::bool[]
        ) WITH ORDINALITY AS i (
            uid, project_id, session_no, user_id, agent_id, kind, content, fingerprint,
            occurred_at, valid_from, valid_until, recorded_at, importance, tags,
            metadata, source, lineage, supersedes, superseded_by, times_seen, last_seen_at,
            previous, speaker, expires_at, derived, ord
        )
        WHERE NOT EXISTS (SELECT FROM memory m WHERE m.uid = i.uid)
          AND NOT EXISTS (SELECT FROM tombstone t WHERE t.uid = i.uid)
        ORDER BY ord
    ) i
),
indexed AS MATERIALIZED (
    SELECT i.*,
           coalesce(near.id, far.id) AS neighbour,
           to_tsvector('english', i.content) AS own,
           to_tsvector('english',
               coalesce(to_char(i.occurred_at AT TIME ZONE 'UTC', 'FMDD FMMonth YYYY FMDay'), '') || ' ' ||
               coalesce(left(coalesce(near.content, far.content), 4000), '')) AS context
    FROM input i
    LEFT JOIN input near ON near.uid = i.previous
    LEFT JOIN memory far ON far.uid = i.previous
),
counted AS MATERIALIZED (
    SELECT i.id, t.lexeme,
           least(sum(t.tf), 32767)::smallint AS tf,
           least(sum(t.context_tf), 32767)::smallint AS context_tf
    FROM indexed i,
    LATERAL (
        SELECT lexeme, cardinality(positions) AS tf, 0 AS context_tf FROM unnest(i.own)
        UNION ALL
        SELECT lexeme, 0, cardinality(positions) FROM unnest(i.context)
    ) t
    GROUP BY i.id, t.lexeme
),
lengths AS MATERIALIZED (
    SELECT id, sum(tf)::int AS words, sum(context_tf)::int AS context_words FROM counted GROUP BY id
),
stored AS (
    INSERT INTO memory (
        id, uid, project_id, session_no, user_id, agent_id, kind, content, fingerprint, occurred_at,
        valid_from, valid_until, recorded_at, importance, tags, metadata, source, lineage, supersedes, superseded_by,
        times_seen, last_seen_at, previous_id, speaker, expires_at, derived, lexemes, words, context_words
    )
    SELECT i.id, uid, project_id, session_no, user_id, agent_id, kind::memory_kind, content, fingerprint, occurred_at,
           valid_from, valid_until, recorded_at, importance, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)),
           metadata::jsonb, source, lineage, supersedes, superseded_by,
           times_seen, last_seen_at, neighbour, speaker, expires_at, derived, strip(own || context),
           coalesce(l.words, 0), coalesce(l.context_words, 0)
    FROM indexed i LEFT JOIN lengths l USING (id)
    ORDER BY project_id, fingerprint
    ON CONFLICT DO NOTHING
    RETURNING memory.id, memory.uid, memory.project_id
),
posted AS (
    INSERT INTO posting (project_id, lexeme, memory_id, tf, context_tf, words, context_words)
    SELECT s.project_id, c.lexeme, s.id, c.tf, c.context_tf,
           least(l.words, 32767)::smallint, least(l.context_words, 32767)::smallint
    FROM stored s JOIN counted c ON c.id = s.id JOIN lengths l ON l.id = s.id
    ORDER BY 1, 2, 3
),
owed AS (
    INSERT INTO embedding_todo (generation_id, memory_id, project_id)
    SELECT g.id, s.id, s.project_id FROM stored s, generation g
    WHERE g.state IN ('building', 'serving')
)
SELECT uid FROM stored;

-- name: standing
-- What is here under the ids of a file's memories that weren't taken in.
SELECT i.uid, m.uid IS NOT NULL AS known, t.uid IS NOT NULL AS forgotten,
       array_append(ARRAY(SELECT v.superseded_by FROM validity v WHERE v.memory_id = m.id), m.superseded_by)
           AS superseded_by,
       (m.lineage, m.content, m.kind::text, p.name) = (i.lineage, i.content, i.kind, i.project) AS same
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS i (uid, lineage, content, kind, project)
LEFT JOIN (memory m JOIN project p ON p.id = m.project_id) ON m.uid = i.uid
LEFT JOIN tombstone t ON t.uid = i.uid;

-- name: take_in_tombstones
-- An import forgets nothing: what is here stays.
INSERT INTO tombstone (uid, project_id, lineage, recorded_at, forgotten_at)
SELECT i.* FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[]::timestamptz[], $5::text[]::timestamptz[])
    AS i (uid, project_id, lineage, recorded_at, forgotten_at)
WHERE NOT EXISTS (SELECT FROM memory m WHERE m.uid = i.uid)
ON CONFLICT (uid) DO NOTHING
RETURNING uid;

-- name: remembered
-- Which of these ids are memories here.
SELECT uid FROM memory WHERE uid = ANY ($1::uuid[]);
