-- name: read
SELECT key, replacement FROM rewrite WHERE principal = $1 AND project = $2 AND key = ANY ($3::bytea[]);

-- name: decide
-- In one order for everybody: two requests with the same texts wait for each other, and neither for ever.
INSERT INTO rewrite (principal, project, key, root, replacement)
SELECT $1, $2, d.key, d.root, d.replacement
FROM unnest($3::bytea[], $4::bytea[], $5::text[]) AS d (key, root, replacement)
ORDER BY d.key
ON CONFLICT (principal, project, key) DO NOTHING;

-- name: keep_originals
INSERT INTO elision (principal, project, id, original)
SELECT DISTINCT ON (e.id) $1, $2, e.id, e.original
FROM unnest($3::text[], $4::text[]) AS e (id, original)
ORDER BY e.id
ON CONFLICT (principal, project, id) DO UPDATE SET used_at = now();

-- name: touch
WITH stale AS (
    SELECT key FROM rewrite
    WHERE principal = $1 AND project = $2 AND key = ANY ($3::bytea[]) AND last_used_at < now() - interval '1 day'
    ORDER BY key FOR UPDATE
)
UPDATE rewrite r SET last_used_at = now() FROM stale
WHERE r.principal = $1 AND r.project = $2 AND r.key = stale.key;

-- name: original
UPDATE elision SET used_at = now() WHERE principal = $1 AND project = $2 AND id = $3 RETURNING original;

-- name: count
SELECT count(DISTINCT root)::int AS conversations, count(*)::int AS decisions
FROM rewrite WHERE principal = $1 AND project = $2;

-- name: purge
DELETE FROM rewrite WHERE principal = $1 AND project = $2;

-- name: purge_originals
DELETE FROM elision WHERE principal = $1 AND project = $2;

-- name: holding
SELECT principal, key FROM rewrite
WHERE project = $1 AND EXISTS (SELECT FROM unnest($2::text[]) needle WHERE position(needle IN replacement) > 0);

-- name: forget_holding
DELETE FROM rewrite
WHERE project = $1 AND EXISTS (SELECT FROM unnest($2::text[]) needle WHERE position(needle IN replacement) > 0)
RETURNING principal, key;

-- name: forget_originals_holding
DELETE FROM elision
WHERE project = $1 AND EXISTS (SELECT FROM unnest($2::text[]) needle WHERE position(needle IN original) > 0);

-- name: expire
DELETE FROM rewrite WHERE last_used_at < now() - interval '180 days';

-- name: expire_originals
-- Kept as long as anything that is still replayed names them.
DELETE FROM elision e
WHERE e.used_at < now() - interval '180 days' AND NOT EXISTS (
    SELECT FROM rewrite r
    WHERE r.principal = e.principal AND r.project = e.project AND r.replacement LIKE '%' || e.id || '%'
);
