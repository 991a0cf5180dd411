-- name: read
SELECT is_on, changed_at, changed_by FROM switch WHERE name = $1;

-- name: set
-- What it is already stays as it is, with its date.
INSERT INTO switch (name, is_on, changed_by) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on, changed_at = now(), changed_by = excluded.changed_by
WHERE switch.is_on <> excluded.is_on;

-- name: set_unless_newer
-- For what was wanted while the database was away: who changed it later has the last word.
INSERT INTO switch (name, is_on, changed_at, changed_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET is_on = excluded.is_on, changed_at = excluded.changed_at, changed_by = excluded.changed_by
WHERE switch.changed_at < excluded.changed_at AND switch.is_on <> excluded.is_on;
