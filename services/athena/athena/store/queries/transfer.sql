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
SELECT (SELECT count(*) FROM memory WHERE $1::text IS NULL OR project_id = (SELECT id FROM project WHERE name = $1))
           AS memories,
       (SELECT count(*) FROM tombstone WHERE $1::text IS NULL OR project_id = (SELECT id FROM project WHERE name = $1))
           AS tombstones;

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
       m.tags, m.source, m.times_seen, m.last_seen_at, encode(m.fingerprint, 'hex') AS fingerprint,
       m.metadata::text AS metadata
FROM page
JOIN memory m USING (id)
JOIN project p ON p.id = m.project_id
LEFT JOIN session ss ON ss.id = m.session_no
LEFT JOIN memory before ON before.id = m.previous_id
WHERE page.before < $4
ORDER BY m.id;

-- name: tombstones
-- $1: only of this project (NULL: of all); $2: after this one; $3: at most so many.
SELECT t.uid, t.lineage, p.name AS project, t.recorded_at, t.forgotten_at
FROM tombstone t JOIN project p ON p.id = t.project_id
WHERE ($2::uuid IS NULL OR t.uid > $2) AND ($1::text IS NULL OR p.name = $1)
ORDER BY t.uid LIMIT $3;

-- name: supersede_known
-- What is known here as current, and is superseded in the file, is so here too from now on. Before the insert: only
-- one current memory may say the same.
UPDATE memory m SET superseded_by = i.superseded_by, valid_until = i.valid_until
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]::timestamptz[])
    AS i (uid, lineage, superseded_by, content, valid_until)
WHERE m.uid = i.uid AND m.lineage = i.lineage AND m.content = i.content
  AND m.superseded_by IS NULL AND i.superseded_by IS NOT NULL
RETURNING m.uid;

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
            $19::uuid[], $20::int[], $21::text[]::timestamptz[], $22::uuid[], $23::text[]
        ) WITH ORDINALITY AS i (
            uid, project_id, session_no, user_id, agent_id, kind, content, fingerprint,
            occurred_at, valid_from, valid_until, recorded_at, importance, tags,
            metadata, source, lineage, supersedes, superseded_by, times_seen, last_seen_at,
            previous, speaker, ord
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
        times_seen, last_seen_at, previous_id, speaker, lexemes, words, context_words
    )
    SELECT i.id, uid, project_id, session_no, user_id, agent_id, kind::memory_kind, content, fingerprint, occurred_at,
           valid_from, valid_until, recorded_at, importance, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)),
           metadata::jsonb, source, lineage, supersedes, superseded_by,
           times_seen, last_seen_at, neighbour, speaker, strip(own || context),
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
SELECT i.uid, m.uid IS NOT NULL AS known, t.uid IS NOT NULL AS forgotten, m.superseded_by,
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
