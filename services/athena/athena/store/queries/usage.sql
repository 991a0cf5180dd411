-- name: write
-- The rows come as one JSON text with the table's column names: taking it apart is work for PostgreSQL, which has
-- time, and not for the process that answers requests. A row that is there already changes nothing, and isn't spent
-- twice. Sums are brought in in one order by everybody, so that two who write don't wait for each other for ever.
WITH written AS (
    INSERT INTO usage
    SELECT * FROM json_populate_recordset(NULL::usage, $1::json)
    ON CONFLICT (id) DO NOTHING
    RETURNING (at AT TIME ZONE 'UTC')::date AS day, principal, agent, cost
), shares AS (
    SELECT 'key' AS subject, principal AS name, day, cost FROM written
    UNION ALL
    SELECT 'agent', agent, day, cost FROM written WHERE agent IS NOT NULL
), summed AS (
    INSERT INTO spent (subject, name, day, cost, unpriced)
    SELECT subject, name, day, coalesce(sum(cost), 0), count(*) FILTER (WHERE cost IS NULL)
    FROM shares WHERE cost > 0 OR cost IS NULL
    GROUP BY subject, name, day ORDER BY subject, name, day
    ON CONFLICT (subject, name, day)
    DO UPDATE SET cost = spent.cost + excluded.cost, unpriced = spent.unpriced + excluded.unpriced
)
SELECT count(*)::int FROM written;

-- name: report
-- One line for each value of the dimension and one, first, for all of it: both from one snapshot.
WITH chosen AS (
    SELECT
        u.*,
        coalesce(
            CASE $4::text
                WHEN 'day' THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
                WHEN 'model' THEN provider || '/' || model
                WHEN 'task' THEN task
                WHEN 'agent' THEN agent
                WHEN 'session' THEN session
                WHEN 'key' THEN principal
                WHEN 'tier' THEN tier
                WHEN 'class' THEN request_class
            END, ''
        ) AS key,
        final AND outcome = 'ok' AS complete,
        -- Of an answer that came in one piece, only the whole time is known.
        total_ms - CASE WHEN stream THEN first_ms ELSE 0 END AS writing_ms,
        coalesce(tokens_input, 0) + coalesce(tokens_cached, 0) + coalesce(tokens_written, 0)
            + coalesce(tokens_output, 0) AS tokens
    FROM usage u
    WHERE at >= $1 AND at < $2 AND ($3::text IS NULL OR project = $3)
), lines AS (
    SELECT
        grouping(key) = 1 AS is_total,
        coalesce(key, '') AS key,
        count(*) FILTER (WHERE final) AS requests,
        count(*) FILTER (WHERE final AND outcome IN ('error', 'broken')) AS failed,
        count(*) FILTER (WHERE final AND outcome = 'cancelled') AS cancelled,
        count(*) AS attempts,
        count(*) FILTER (WHERE final AND local) AS local_requests,
        coalesce(sum(tokens), 0)::bigint AS tokens,
        coalesce(sum(tokens) FILTER (WHERE local), 0)::bigint AS local_tokens,
        coalesce(sum(tokens_input), 0)::bigint AS tokens_input,
        coalesce(sum(tokens_cached), 0)::bigint AS tokens_cached,
        coalesce(sum(tokens_written), 0)::bigint AS tokens_written,
        coalesce(sum(tokens_output), 0)::bigint AS tokens_output,
        coalesce(sum(tokens_saved), 0)::bigint AS tokens_saved,
        coalesce(sum(cost), 0) AS cost,
        count(*) FILTER (WHERE cost IS NULL) AS unpriced,
        coalesce(sum(saved_compression), 0) AS saved_compression,
        coalesce(sum(saved_cache), 0) AS saved_cache,
        coalesce(sum(saved_local), 0) AS saved_local,
        coalesce(sum(saved_routing), 0) AS saved_routing,
        count(*) FILTER (
            WHERE saved_compression IS NULL OR saved_cache IS NULL OR saved_local IS NULL OR saved_routing IS NULL
        ) AS unvalued,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY first_ms) FILTER (WHERE complete) AS first_ms_p50,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY total_ms) FILTER (WHERE complete) AS total_ms_p50,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY total_ms) FILTER (WHERE complete) AS total_ms_p95,
        sum(tokens_output) FILTER (WHERE complete AND writing_ms IS NOT NULL) * 1000
            / nullif(sum(writing_ms) FILTER (WHERE complete AND tokens_output IS NOT NULL), 0) AS tokens_per_second
    FROM chosen
    GROUP BY GROUPING SETS ((), (key))
)
SELECT *, count(*) OVER () - 1 AS groups FROM lines
ORDER BY is_total DESC, CASE WHEN $4 = 'day' THEN key END, cost DESC, tokens DESC, key
LIMIT $5 + 1;

-- name: budgets
-- Each with what was spent since its period began; $1 is today.
SELECT
    b.id, b.subject, b.name, b.period, b.action, b.amount, p.since,
    coalesce(sum(s.cost), 0) AS spent, coalesce(sum(s.unpriced), 0)::bigint AS unpriced
FROM budget b
CROSS JOIN LATERAL (SELECT date_trunc(b.period, $1::date::timestamp)::date AS since) p
LEFT JOIN spent s ON s.subject = b.subject AND s.name = b.name AND s.day >= p.since
GROUP BY b.id, p.since
ORDER BY b.subject, b.name, b.period, b.amount, b.id;

-- name: set_budget
INSERT INTO budget (subject, name, period, action, amount) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (subject, name, period, action) DO UPDATE SET amount = excluded.amount
RETURNING id;

-- name: remove_budget
DELETE FROM budget WHERE id = $1 RETURNING id;
