-- name: ensure_projects
INSERT INTO project (name) SELECT unnest($1::text[]) ORDER BY 1 ON CONFLICT (name) DO NOTHING;

-- name: projects
SELECT id, name FROM project WHERE name = ANY ($1::text[]);

-- name: ensure_sessions
INSERT INTO session (project_id, name)
SELECT DISTINCT * FROM unnest($1::int[], $2::text[]) ORDER BY 1, 2
ON CONFLICT (project_id, name) DO NOTHING;

-- name: sessions
SELECT s.id, s.project_id, s.name
FROM unnest($1::int[], $2::text[]) AS wanted (project_id, name)
JOIN session s USING (project_id, name);

-- name: claim_idempotency_key
INSERT INTO idempotency (principal, key, request_hash, receipts) VALUES ($1, $2, $3, '[]')
ON CONFLICT (principal, key) DO NOTHING
RETURNING true;

-- name: idempotent_answer
SELECT request_hash, receipts FROM idempotency WHERE principal = $1 AND key = $2;

-- name: keep_idempotent_answer
UPDATE idempotency SET receipts = $3 WHERE principal = $1 AND key = $2;

-- One round trip: the rows, their postings and their places in the outbox.
-- Ids are drawn first, so that each row can name its neighbour before either is there.
-- name: remember
WITH input AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('memory', 'id')) AS id, i.*
    FROM unnest(
        $1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::real[], $13::text[], $14::text[],
        $15::text[], $16::uuid[], $17::uuid[], $18::text[], $19::timestamptz[]
    ) WITH ORDINALITY AS i (
        uid, project_id, session_no, user_id, agent_id, kind, content, fingerprint,
        occurred_at, valid_from, valid_until, importance, tags, metadata,
        source, lineage, supersedes, speaker, expires_at, ord
    )
    ORDER BY ord
),
-- A row that is there already stands in the session under its own id.
known AS MATERIALIZED (
    SELECT input.ord, m.id FROM input
    JOIN memory m ON m.project_id = input.project_id AND m.fingerprint = input.fingerprint AND m.superseded_by IS NULL
),
chained AS (
    SELECT input.*,
           coalesce(lag(coalesce(known.id, input.id)) OVER in_session, newest.id) AS previous_id,
           left(coalesce(lag(input.content) OVER in_session, newest.content, ''), 4000) AS previous_content
    FROM input
    LEFT JOIN known USING (ord)
    LEFT JOIN LATERAL (
        SELECT m.id, m.content FROM memory m
        WHERE m.session_no = input.session_no ORDER BY m.id DESC LIMIT 1
    ) newest ON input.session_no IS NOT NULL
    WINDOW in_session AS (PARTITION BY input.session_no ORDER BY input.ord)
),
indexed AS MATERIALIZED (
    SELECT c.*,
           CASE WHEN session_no IS NULL THEN NULL ELSE previous_id END AS neighbour,
           to_tsvector('english', content) AS own,
           to_tsvector('english',
               coalesce(to_char(occurred_at AT TIME ZONE 'UTC', 'FMDD FMMonth YYYY FMDay'), '') || ' ' ||
               CASE WHEN session_no IS NULL THEN '' ELSE previous_content END) AS context
    FROM chained c
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
        valid_from, valid_until, importance, tags, metadata, source, lineage, supersedes,
        previous_id, speaker, expires_at, lexemes, words, context_words
    )
    SELECT i.id, uid, project_id, session_no, user_id, agent_id, kind::memory_kind, content, fingerprint, occurred_at,
           coalesce(
               valid_from,
               -- Known is only until when it was true: it was so as long before as anybody asks.
               CASE WHEN valid_until <= coalesce(occurred_at, now()) THEN timestamptz '0001-01-01 00:00:00+00' END,
               least(occurred_at, now())
           ), valid_until, importance,
           ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), metadata::jsonb, source, lineage, supersedes,
           neighbour, speaker, expires_at, strip(own || context), coalesce(l.words, 0), coalesce(l.context_words, 0)
    FROM indexed i LEFT JOIN lengths l USING (id)
    -- One order for everybody: two batches with the same memories wait for each other, and neither for ever.
    ORDER BY project_id, fingerprint
    ON CONFLICT (project_id, fingerprint) WHERE superseded_by IS NULL
    DO UPDATE SET times_seen = memory.times_seen + 1, last_seen_at = now(),
        -- What was true no longer and is said again is true again.
        valid_from = CASE WHEN memory.valid_until <= now() THEN excluded.valid_from ELSE memory.valid_from END,
        valid_until = CASE WHEN memory.valid_until <= now() THEN excluded.valid_until ELSE memory.valid_until END,
        -- As long as the one who wants it longest.
        expires_at = CASE WHEN memory.expires_at IS NOT NULL AND excluded.expires_at IS NOT NULL
                          THEN greatest(memory.expires_at, excluded.expires_at) END
    RETURNING memory.id, memory.uid, memory.project_id, memory.fingerprint, (xmax = 0) AS created
),
posted AS (
    INSERT INTO posting (project_id, lexeme, memory_id, tf, context_tf, words, context_words)
    SELECT s.project_id, c.lexeme, s.id, c.tf, c.context_tf,
           least(l.words, 32767)::smallint, least(l.context_words, 32767)::smallint
    FROM stored s JOIN counted c ON c.id = s.id JOIN lengths l ON l.id = s.id
    WHERE s.created
    ORDER BY 1, 2, 3
),
owed AS (
    INSERT INTO embedding_todo (generation_id, memory_id, project_id)
    SELECT g.id, s.id, s.project_id FROM stored s, generation g
    WHERE s.created AND g.state IN ('building', 'serving')
)
SELECT s.uid, s.project_id, s.fingerprint, s.created,
       NOT s.created AND EXISTS (
           SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
           WHERE e.memory_id = s.id
       ) AS ready
FROM stored s;

-- name: unembedded
SELECT m.uid FROM memory m
WHERE m.uid = ANY ($1::uuid[]) AND NOT EXISTS (
    SELECT FROM embedding e JOIN generation g ON g.id = e.generation_id AND g.state = 'serving'
    WHERE e.memory_id = m.id
);
