-- What a back-up asks through psql: `\gexec` runs each row of an answer as a statement of its own.

-- name: begin
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: snapshot
SELECT pg_export_snapshot();

-- name: fingerprint
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SELECT format(
    'SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM %I.%I AS t',
    schemaname || '.' || tablename, schemaname, tablename
)
FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
ORDER BY schemaname, tablename
\gexec

-- name: migrations
SELECT name FROM schema_migration ORDER BY version;

-- name: samples
SELECT json_build_object('project', p.name, 'query', left(m.content, 200))
FROM (SELECT project_id, content FROM memory WHERE superseded_by IS NULL ORDER BY id DESC LIMIT 500) AS m
JOIN project AS p ON p.id = m.project_id
ORDER BY hashtextextended(m.content, 0)
LIMIT 5;

-- name: create_restored
DROP DATABASE IF EXISTS :"restored" WITH (FORCE);
CREATE DATABASE :"restored" TEMPLATE template0;

-- name: drop_restored
DROP DATABASE IF EXISTS :"restored" WITH (FORCE);

-- name: swap
-- The rename takes the database's lock first: who connects meanwhile waits, and then finds the new one by its name.
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname IN (:'database', :'restored') AND pid <> pg_backend_pid();
BEGIN;
ALTER DATABASE :"database" RENAME TO :"replaced";
ALTER DATABASE :"restored" RENAME TO :"database";
COMMIT;

-- name: drop_replaced
DROP DATABASE IF EXISTS :"replaced" WITH (FORCE);
