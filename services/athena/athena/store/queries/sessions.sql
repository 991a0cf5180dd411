-- name: read
SELECT * FROM gateway_session WHERE principal = $1 AND id = $2;

-- name: list
-- $1 whose (NULL: everybody's), $2 how many. What runs beside a session is none.
SELECT * FROM gateway_session
WHERE ($1::text IS NULL OR principal = $1) AND NOT starts_with(id, '~')
ORDER BY last_used_at DESC, principal, id LIMIT $2;

-- name: named
-- Whoever's they are.
SELECT * FROM gateway_session WHERE id = $1 ORDER BY last_used_at DESC;

-- name: pin
INSERT INTO gateway_session (principal, id, pinned) VALUES ($1, $2, $3)
ON CONFLICT (principal, id) DO UPDATE SET pinned = excluded.pinned
RETURNING *;

-- name: note
-- Adds up what several processes count; of what is no sum, the newest holds.
INSERT INTO gateway_session AS s (
    principal, id, project, agent, last_model, last_reasons, cached_tokens, requests,
    tokens_input, tokens_cached, tokens_written, tokens_output, started_at, last_used_at
)
SELECT n.principal, n.id, n.project, n.agent, n.model,
       CASE n.reasons WHEN '' THEN ARRAY[]::text[] ELSE string_to_array(n.reasons, chr(10)) END,
       n.cached, n.requests, n.input, n.read, n.written, n.output, n.started, n.used
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[], $14::timestamptz[]
) AS n (principal, id, project, agent, model, reasons, cached, requests, input, read, written, output, started, used)
ORDER BY n.principal, n.id
ON CONFLICT (principal, id) DO UPDATE SET
    project = CASE WHEN excluded.last_used_at >= s.last_used_at OR s.requests = 0
                   THEN coalesce(excluded.project, s.project) ELSE s.project END,
    agent = CASE WHEN excluded.last_used_at >= s.last_used_at OR s.requests = 0
                 THEN coalesce(excluded.agent, s.agent) ELSE s.agent END,
    last_model = CASE WHEN excluded.last_used_at >= s.last_used_at OR s.requests = 0
                      THEN excluded.last_model ELSE s.last_model END,
    last_reasons = CASE WHEN excluded.last_used_at >= s.last_used_at OR s.requests = 0
                        THEN excluded.last_reasons ELSE s.last_reasons END,
    cached_tokens = CASE WHEN excluded.last_used_at >= s.last_used_at OR s.requests = 0
                         THEN excluded.cached_tokens ELSE s.cached_tokens END,
    requests = s.requests + excluded.requests,
    tokens_input = s.tokens_input + excluded.tokens_input,
    tokens_cached = s.tokens_cached + excluded.tokens_cached,
    tokens_written = s.tokens_written + excluded.tokens_written,
    tokens_output = s.tokens_output + excluded.tokens_output,
    started_at = least(s.started_at, excluded.started_at),
    last_used_at = greatest(s.last_used_at, excluded.last_used_at);

-- name: expire
DELETE FROM gateway_session WHERE last_used_at < now() - interval '180 days';
