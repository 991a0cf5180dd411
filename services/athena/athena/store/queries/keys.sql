-- name: create
INSERT INTO api_key (name, hash) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name;

-- name: verify
UPDATE api_key SET last_used_at = now() WHERE hash = $1 RETURNING name;

-- name: list
SELECT name, created_at, last_used_at FROM api_key ORDER BY name;

-- name: revoke
DELETE FROM api_key WHERE name = $1 RETURNING name;

-- name: any
SELECT EXISTS (SELECT FROM api_key);
