-- name: lineages_of
-- $2: only in this project (NULL: wherever they are).
SELECT DISTINCT m.lineage FROM memory m JOIN project p ON p.id = m.project_id
WHERE m.uid = ANY ($1::uuid[]) AND ($2::text IS NULL OR p.name = $2);

-- name: lineages_in_scope
-- Newest first. $11: only memories that hold every word of this text (NULL: all); $12: at most so many.
SELECT m.lineage FROM memory m
WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  AND ($11::text IS NULL OR (numnode(plainto_tsquery('english', $11)) > 0
       AND to_tsvector('english', m.content) @@ plainto_tsquery('english', $11)))
GROUP BY m.lineage ORDER BY max(m.id) DESC LIMIT $12;

-- name: versions
SELECT id, uid FROM memory WHERE lineage = ANY ($1::uuid[]) ORDER BY id;

-- name: lock_versions
-- Nobody supersedes, counts or takes as evidence what is locked.
SELECT id, uid FROM memory WHERE lineage = ANY ($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: expired
-- With its whole past, where it is the newest version of its line; else alone.
SELECT m.id, m.lineage,
       NOT EXISTS (SELECT FROM memory n WHERE n.lineage = m.lineage AND n.id > m.id) AS is_newest
FROM memory m WHERE m.expires_at <= now() ORDER BY m.expires_at LIMIT $1 FOR UPDATE OF m SKIP LOCKED;

-- name: lock
SELECT id, uid FROM memory WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE;

-- name: weakened
-- Patterns that lose evidence when $1 go: what they lose, and what is left to them, the newest first.
SELECT p.id, p.uid, p.lineage, p.project_id, p.content, p.metadata::text AS metadata, p.kind::text AS kind,
       p.user_id, p.agent_id, ss.name AS session, p.superseded_by, gone.uids, gone.texts,
       rest.support, rest.others, rest.quotes
FROM (
    SELECT e.pattern_id, array_agg(m.uid ORDER BY m.id) AS uids,
           array_agg(left(m.content, 20000) || ' ' || e.quote ORDER BY m.id) AS texts
    FROM evidence e JOIN memory m ON m.id = e.memory_id
    WHERE e.memory_id = ANY ($1::bigint[]) AND NOT e.pattern_id = ANY ($1::bigint[])
    GROUP BY e.pattern_id
) gone
JOIN memory p ON p.id = gone.pattern_id
LEFT JOIN session ss ON ss.id = p.session_no
CROSS JOIN LATERAL (
    SELECT count(*)::int AS support,
           coalesce((array_agg(m.uid ORDER BY m.happened_at DESC, m.id DESC))[1:500], '{}') AS others,
           coalesce((array_agg(e.quote ORDER BY m.happened_at DESC, m.id DESC))[1:500], '{}') AS quotes
    FROM evidence e JOIN memory m ON m.id = e.memory_id
    WHERE e.pattern_id = p.id AND NOT e.memory_id = ANY ($1::bigint[])
) rest
ORDER BY p.id;

-- name: line_of_pattern
-- $2: with the version that stands.
SELECT m.id FROM memory m
WHERE m.lineage = $1 AND m.derived AND ($2 OR m.superseded_by IS NOT NULL);

-- name: same_words
SELECT EXISTS (
    SELECT FROM memory WHERE project_id = $1 AND fingerprint = $2 AND superseded_by IS NULL AND id <> $3
);

-- name: texts
SELECT p.name AS project, m.content FROM memory m JOIN project p ON p.id = m.project_id
WHERE m.id = ANY ($1::bigint[]) ORDER BY m.id;

-- name: after
-- What was said next in the session: it is found by the words of what came before it, too.
SELECT id FROM memory WHERE previous_id = ANY ($1::bigint[]) AND NOT id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE;

-- name: reject
-- Patterns that a person doesn't want, by what they were concluded from.
INSERT INTO rejection (project_id, memories)
SELECT p.project_id, array_agg(DISTINCT m.uid)
FROM memory p JOIN evidence e ON e.pattern_id = p.id JOIN memory m ON m.id = e.memory_id
WHERE p.id = ANY ($1::bigint[]) AND p.derived
GROUP BY p.project_id, p.lineage;

-- name: relink_twins
-- Of several that said the same as what goes, the oldest is what the others are twins of now.
WITH heir AS (
    SELECT t.original_id, min(t.memory_id) AS id FROM twin t
    WHERE t.original_id = ANY ($1::bigint[]) AND NOT t.memory_id = ANY ($1::bigint[])
    GROUP BY t.original_id
)
UPDATE twin t SET original_id = heir.id FROM heir
WHERE t.original_id = heir.original_id AND t.memory_id <> heir.id;

-- name: forget
-- With their vectors, evidence, twins, reviews, uses, beliefs and places in the outbox, by the foreign keys.
WITH gone AS (
    DELETE FROM memory m WHERE m.id = ANY ($1::bigint[])
    RETURNING m.id, m.uid, m.project_id, m.lineage, m.recorded_at, m.lexemes
),
unposted AS (
    DELETE FROM posting p USING (
        SELECT g.project_id, g.id, l.lexeme FROM gone g, unnest(g.lexemes) l
    ) old
    WHERE p.project_id = old.project_id AND p.lexeme = old.lexeme AND p.memory_id = old.id
),
unknown AS (
    DELETE FROM shingle s USING gone g WHERE s.memory_id = g.id
),
kept AS (
    INSERT INTO tombstone (uid, project_id, lineage, recorded_at)
    SELECT uid, project_id, lineage, recorded_at FROM gone
    ON CONFLICT DO NOTHING
)
SELECT uid FROM gone ORDER BY id;

-- name: forget_answers
-- A replayed idempotency key must not claim that a forgotten memory is still there.
DELETE FROM idempotency i USING unnest($1::uuid[]) AS gone (uid)
WHERE i.receipts @> jsonb_build_array(jsonb_build_object('id', gone.uid));

-- name: forget_verdicts
DELETE FROM verdict WHERE memories && $1::uuid[];

-- name: forget_letters
DELETE FROM dead_letter WHERE memories && $1::uuid[];

-- name: forget_described
-- The record of a run keeps what it did, without the words that a description took from what is gone.
UPDATE consolidation_change
SET before = before #- '{pattern,entities}' #- '{pattern,about}' #- '{pattern,together}' #- '{pattern,then}',
    after = after #- '{pattern,entities}' #- '{pattern,about}' #- '{pattern,together}' #- '{pattern,then}'
WHERE subject = ANY ($1::uuid[]) AND (before ? 'pattern' OR after ? 'pattern');

-- name: describe
UPDATE memory SET metadata = $2::jsonb WHERE id = $1;

-- name: reword
-- It says something else now: its vectors are made anew, and as what was recalled it is not known yet.
WITH changed AS (
    UPDATE memory SET content = $2, fingerprint = $3, speaker = $4 WHERE id = $1 RETURNING id, project_id
),
unembedded AS (
    DELETE FROM embedding e USING changed c WHERE e.memory_id = c.id
),
unknown AS (
    DELETE FROM shingle s USING changed c WHERE s.memory_id = c.id
)
INSERT INTO embedding_todo (generation_id, memory_id, project_id)
SELECT g.id, c.id, c.project_id FROM changed c, generation g WHERE g.state IN ('building', 'serving')
ON CONFLICT (memory_id, generation_id) DO UPDATE SET attempts = 0, not_before = now(), last_error = NULL;

-- name: unpost
DELETE FROM posting p USING (
    SELECT m.project_id, m.id, l.lexeme FROM memory m, unnest(m.lexemes) l WHERE m.id = ANY ($1::bigint[])
) old
WHERE p.project_id = old.project_id AND p.lexeme = old.lexeme AND p.memory_id = old.id;

-- name: post_again
-- As `remember` does, of what they say and of what is left before them.
WITH target AS MATERIALIZED (
    SELECT m.id, m.project_id, to_tsvector('english', m.content) AS own,
           to_tsvector('english',
               coalesce(to_char(m.occurred_at AT TIME ZONE 'UTC', 'FMDD FMMonth YYYY FMDay'), '') || ' ' ||
               CASE WHEN m.session_no IS NULL THEN '' ELSE coalesce(left(before.content, 4000), '') END) AS context
    FROM memory m LEFT JOIN memory before ON before.id = m.previous_id
    WHERE m.id = ANY ($1::bigint[])
),
counted AS MATERIALIZED (
    SELECT i.id, i.project_id, t.lexeme,
           least(sum(t.tf), 32767)::smallint AS tf, least(sum(t.context_tf), 32767)::smallint AS context_tf
    FROM target i,
    LATERAL (
        SELECT lexeme, cardinality(positions) AS tf, 0 AS context_tf FROM unnest(i.own)
        UNION ALL
        SELECT lexeme, 0, cardinality(positions) FROM unnest(i.context)
    ) t
    GROUP BY i.id, i.project_id, t.lexeme
),
lengths AS MATERIALIZED (
    SELECT id, sum(tf)::int AS words, sum(context_tf)::int AS context_words FROM counted GROUP BY id
),
changed AS (
    UPDATE memory m
    SET lexemes = strip(t.own || t.context), words = coalesce(l.words, 0), context_words = coalesce(l.context_words, 0)
    FROM target t LEFT JOIN lengths l USING (id)
    WHERE m.id = t.id
)
INSERT INTO posting (project_id, lexeme, memory_id, tf, context_tf, words, context_words)
SELECT c.project_id, c.lexeme, c.id, c.tf, c.context_tf,
       least(l.words, 32767)::smallint, least(l.context_words, 32767)::smallint
FROM counted c JOIN lengths l USING (id)
ORDER BY 1, 2, 3;
