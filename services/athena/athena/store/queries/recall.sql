-- The ranking, in one round trip. See `memory/recall.md` for why each part is there and what it is worth.
--
-- $1 project, $2 session, $3 user, $4 agent, $5 kinds, $6 tags, $7 since, $8 until, $9 as of, $10 known at: the scope.
-- $11 query text, $12 query vector (NULL: the embedding server is away), $13 how many hits,
-- $14 the largest scope that is searched exactly.
-- name: recall
WITH scope AS MATERIALIZED (
    SELECT m.id, m.words + m.context_words * 0.5::float8 AS length
    FROM memory m
    WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    LIMIT $14::int + 1
),
size AS MATERIALIZED (
    SELECT count(*) <= $14::int AS is_small, count(*) AS n, greatest(avg(length), 1) AS mean_length FROM scope
),
-- Rare words first, until the postings to be read would be too many: a word that is nearly everywhere
-- tells nothing. The rarest one is always read, up to 20,001 postings of it.
term AS MATERIALIZED (
    SELECT lexeme, df
    FROM (
        SELECT lexeme, df, sum(df) OVER rarest AS running, row_number() OVER rarest AS place
        FROM unnest(to_tsvector('english', $11)) AS q,
        LATERAL (
            SELECT count(*) AS df FROM (
                SELECT FROM posting p WHERE p.project_id = $1 AND p.lexeme = q.lexeme LIMIT 20001
            ) seen
        ) counted
        WHERE df > 0
        WINDOW rarest AS (ORDER BY df, lexeme)
    ) ordered
    WHERE running <= 40000 OR place = 1
),
collection AS MATERIALIZED (
    SELECT greatest(
        (SELECT memories FROM project WHERE id = $1), (SELECT n FROM size), (SELECT max(df) FROM term), 1
    )::float8 AS n
),
lexical AS MATERIALIZED (
    SELECT p.memory_id,
           sum(
               ln(1 + ((SELECT n FROM collection) - t.df + 0.5::float8) / (t.df + 0.5::float8))
               * (p.tf + p.context_tf * 0.5::float8) * 2.2::float8
               / (p.tf + p.context_tf * 0.5::float8
                  + 1.2::float8 * (0.25::float8 + 0.75::float8 * (p.words + p.context_words * 0.5::float8)
                                   / (SELECT mean_length FROM size)))
           ) AS x
    FROM term t,
    LATERAL (
        SELECT * FROM posting p WHERE p.project_id = $1 AND p.lexeme = t.lexeme LIMIT 20001
    ) p
    GROUP BY p.memory_id
),
found AS MATERIALIZED (
    (
        -- A join in the shape of a grouping: no misjudged number of rows can make it quadratic.
        SELECT id FROM (
            SELECT id, NULL::float8 AS x FROM scope WHERE (SELECT is_small FROM size)
            UNION ALL
            SELECT memory_id, x FROM lexical WHERE (SELECT is_small FROM size)
        ) both_sides
        GROUP BY id HAVING count(*) > count(x) AND count(x) > 0
        ORDER BY max(x) DESC, id DESC LIMIT 60
    )
    UNION
    (
        SELECT best.memory_id
        FROM (
            SELECT memory_id, x FROM lexical
            WHERE NOT (SELECT is_small FROM size)
            ORDER BY x DESC, memory_id DESC LIMIT 1000
        ) best
        JOIN memory m ON m.id = best.memory_id
        WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ORDER BY best.x DESC, best.memory_id DESC LIMIT 60
    )
    UNION
    (
        -- Several chunks of one text are one candidate.
        SELECT memory_id
        FROM (
            SELECT e.memory_id, e.vec <#> $12::halfvec({dim}) AS distance
            FROM embedding e JOIN memory m ON m.id = e.memory_id
            WHERE e.generation_id = {generation} AND e.project_id = $1 AND $12::halfvec IS NOT NULL
              AND (SELECT is_small FROM size)
              AND in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ORDER BY distance, e.memory_id DESC LIMIT 1000
        ) chunk
        GROUP BY memory_id ORDER BY min(distance), memory_id DESC LIMIT 60
    )
    UNION
    (
        SELECT memory_id
        FROM (
            SELECT e.memory_id, e.vec::halfvec({dim}) <#> $12::halfvec({dim}) AS distance
            FROM embedding e JOIN memory m ON m.id = e.memory_id
            WHERE e.generation_id = {generation} AND e.project_id = $1 AND $12::halfvec IS NOT NULL
              AND NOT (SELECT is_small FROM size)
              AND in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ORDER BY e.vec::halfvec({dim}) <#> $12::halfvec({dim}) LIMIT 200
        ) chunk
        GROUP BY memory_id ORDER BY min(distance), memory_id DESC LIMIT 60
    )
),
-- What was said just before and just after may be the answer, and speaks for what it surrounds.
widened AS MATERIALIZED (
    SELECT id FROM found
    UNION SELECT m.previous_id FROM found f JOIN memory m USING (id) WHERE m.previous_id IS NOT NULL
    UNION SELECT n.id FROM found f JOIN memory n ON n.previous_id = f.id
),
candidate AS MATERIALIZED (
    SELECT id, coalesce(max(x), 0) AS x
    FROM (
        SELECT id, NULL::float8 AS x, true AS wanted FROM widened
        UNION ALL
        SELECT memory_id, x, false FROM lexical
    ) both_sides
    GROUP BY id HAVING bool_or(wanted)
),
feature AS MATERIALIZED (
    SELECT m.id, m.session_no, c.x,
           coalesce(own.cosine, 0) AS cosine,
           -- A neighbour that isn't there, or has no vector yet, counts like the memory itself.
           coalesce(own.cosine, 0) + (coalesce(before.cosine, own.cosine, 0) + coalesce(after.cosine, own.cosine, 0)) / 3
               AS d,
           m.speaker IS NULL AS unlabelled,
           tsvector_to_array(to_tsvector('simple', m.speaker))
               && tsvector_to_array(to_tsvector('simple', $11)) AS named,
           m.words / (m.words + 16.0::float8) AS length,
           m.importance * faded.strength - 0.5::float8 AS importance,
           -- Nothing is left of it after centuries, and exp() would fail there.
           exp(-least(abs(extract(epoch FROM coalesce($9, now()) - m.happened_at))::float8 / 7776000, 600)) AS recency
    FROM candidate c
    JOIN memory m USING (id)
    -- What is asked of the past isn't reinforced by what came later; a minute, for clocks that differ.
    CROSS JOIN (SELECT least(coalesce($10, $9, now()), now()) + interval '1 minute' AS now) moment
    LEFT JOIN memory_use u ON u.memory_id = m.id AND u.last_recalled_at <= moment.now
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM moment.now - greatest(
                   m.recorded_at, u.last_recalled_at, CASE WHEN m.last_seen_at <= moment.now THEN m.last_seen_at END
               ))::float8 / 86400 AS days,
               90 * (1 + ln(1 + coalesce(u.recalls, 0)::float8)) * (0.5::float8 + m.importance) AS half_life
    ) untouched
    CROSS JOIN LATERAL (
        -- By whole days, so that nothing changes among what is of today.
        SELECT 0.3::float8 + 0.7::float8 * power(2, -least(floor(greatest(days, 0)) / half_life, 60)) AS strength
    ) faded
    LEFT JOIN LATERAL (
        SELECT -min(e.vec <#> $12::halfvec({dim})) AS cosine FROM embedding e
        WHERE e.generation_id = {generation} AND e.memory_id = m.id
    ) own ON true
    LEFT JOIN LATERAL (
        SELECT -min(e.vec <#> $12::halfvec({dim})) AS cosine FROM embedding e
        WHERE e.generation_id = {generation} AND e.memory_id = m.previous_id
    ) before ON true
    LEFT JOIN LATERAL (
        SELECT -min(e.vec <#> $12::halfvec({dim})) AS cosine FROM embedding e
        WHERE e.generation_id = {generation}
          AND e.memory_id = (SELECT min(n.id) FROM memory n WHERE n.previous_id = m.id)
    ) after ON true
    WHERE in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
),
part AS (
    SELECT id, session_no, cosine, x,
           coalesce(x / nullif(max(x) OVER (), 0), 0) AS lexical,
           CASE WHEN max(d) OVER () > 0 THEN 1.5::float8 * d / max(d) OVER () ELSE 0 END AS dense,
           CASE WHEN bool_or(named) OVER () AND (unlabelled OR named) THEN 0.5::float8 ELSE 0 END AS speaker,
           0.5::float8 * length AS length,
           0.2::float8 * importance AS importance,
           0.05::float8 * recency AS recency
    FROM feature
),
summed AS (
    SELECT *, lexical + dense + speaker + length + importance + recency AS s FROM part
),
ranked AS (
    SELECT *,
           0.5::float8 * CASE WHEN session_no IS NULL THEN s ELSE max(s) OVER (PARTITION BY session_no) END AS session
    FROM summed
),
-- Of memories in nearly the same words, the best one: since they were seen to be alike.
apart AS (
    SELECT ranked.*, row_number() OVER (PARTITION BY coalesce(twin.original_id, id) ORDER BY s + session DESC, id DESC)
               AS place
    FROM ranked LEFT JOIN twin ON twin.memory_id = ranked.id AND ($10::timestamptz IS NULL OR twin.since <= $10)
),
top AS MATERIALIZED (
    SELECT * FROM apart WHERE place = 1 ORDER BY s + session DESC, id DESC LIMIT $13
),
-- What was concluded from what is recalled here: the more of it, the better.
concluded AS (
    SELECT m.id, sum(top.s + top.session) AS score, array_agg(told.uid ORDER BY top.s + top.session DESC) AS because
    FROM top
    JOIN evidence e ON e.memory_id = top.id
    JOIN memory m ON m.id = e.pattern_id
    JOIN memory told ON told.id = top.id
    WHERE m.derived
      AND in_scope(m, $1, $2, $3, $4, coalesce($5, enum_range(NULL::memory_kind)), $6, NULL, NULL, $9, $10)
    GROUP BY m.id ORDER BY score DESC, m.id DESC LIMIT 5
),
given AS (
    SELECT id, false AS is_concluded, s + session AS score, lexical, dense, speaker, length, importance, recency, session,
           cosine, x, NULL::uuid[] AS because
    FROM top
    UNION ALL
    SELECT id, true, score, 0, 0, 0, 0, 0, 0, 0, 0, 0, because FROM concluded
),
waiting AS (
    SELECT count(*) AS pending FROM (
        SELECT FROM embedding_todo t JOIN memory m ON m.id = t.memory_id
        WHERE t.generation_id = {generation} AND t.project_id = $1
          AND in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        UNION ALL
        -- Before the first generation nothing has a vector.
        SELECT FROM memory m WHERE {generation} = 0 AND in_scope(m, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        LIMIT 10000
    ) t
)
SELECT waiting.pending,
       (SELECT is_small FROM size) AS is_exact,
       given.is_concluded, given.because,
       given.score::float8 AS score,
       given.lexical::float8, given.dense::float8, given.speaker::float8, given.length::float8,
       given.importance::float8 AS importance_part, given.recency::float8, given.session::float8 AS session_part,
       given.cosine::float8, given.x::float8 AS bm25,
       m.uid, m.content, m.kind::text AS kind, p.name AS project, m.user_id, m.agent_id, ss.name AS session,
       m.occurred_at, m.valid_from, m.valid_until, m.recorded_at, m.importance, m.tags, m.metadata, m.source,
       m.supersedes, m.superseded_by, m.times_seen, m.expires_at, m.derived, u.recalls, u.last_recalled_at,
       EXISTS (SELECT FROM embedding e WHERE e.generation_id = {generation} AND e.memory_id = m.id) AS ready
FROM waiting
LEFT JOIN given ON true
LEFT JOIN memory m ON m.id = given.id
LEFT JOIN project p ON p.id = m.project_id
LEFT JOIN session ss ON ss.id = m.session_no
LEFT JOIN memory_use u ON u.memory_id = m.id
ORDER BY is_concluded, score DESC NULLS LAST, given.id DESC;
