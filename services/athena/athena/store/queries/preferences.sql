-- name: read
-- All of them, in one round trip: they are few, and each request needs two.
SELECT true AS of_key, key AS name, project, compress, memory, memory_tokens, capture FROM key_preference
UNION ALL
SELECT false, project, NULL, compress, memory, memory_tokens, capture FROM project_preference
ORDER BY 1, 2;

-- name: change_key
-- Each value is taken where its name is in the last parameter, and otherwise stays.
INSERT INTO key_preference AS p (key, project, compress, memory, memory_tokens, capture)
SELECT name, $2, $3, $4, $5, $6 FROM api_key WHERE name = $1
ON CONFLICT (key) DO UPDATE SET
    project = CASE WHEN 'project' = ANY ($7::text[]) THEN excluded.project ELSE p.project END,
    compress = CASE WHEN 'compress' = ANY ($7) THEN excluded.compress ELSE p.compress END,
    memory = CASE WHEN 'memory' = ANY ($7) THEN excluded.memory ELSE p.memory END,
    memory_tokens = CASE WHEN 'memory_tokens' = ANY ($7) THEN excluded.memory_tokens ELSE p.memory_tokens END,
    capture = CASE WHEN 'capture' = ANY ($7) THEN excluded.capture ELSE p.capture END,
    changed_at = now()
RETURNING project, compress, memory, memory_tokens, capture;

-- name: change_project
INSERT INTO project_preference AS p (project, compress, memory, memory_tokens, capture)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (project) DO UPDATE SET
    compress = CASE WHEN 'compress' = ANY ($6::text[]) THEN excluded.compress ELSE p.compress END,
    memory = CASE WHEN 'memory' = ANY ($6) THEN excluded.memory ELSE p.memory END,
    memory_tokens = CASE WHEN 'memory_tokens' = ANY ($6) THEN excluded.memory_tokens ELSE p.memory_tokens END,
    capture = CASE WHEN 'capture' = ANY ($6) THEN excluded.capture ELSE p.capture END,
    changed_at = now()
RETURNING NULL::text AS project, compress, memory, memory_tokens, capture;

-- name: drop_key
DELETE FROM key_preference WHERE key = $1 RETURNING key;

-- name: drop_project
DELETE FROM project_preference WHERE project = $1 RETURNING project;

-- name: is_key
SELECT EXISTS (SELECT FROM api_key WHERE name = $1);
