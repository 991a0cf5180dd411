-- name: versions
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
       (SELECT max(version) FROM schema_migration) AS schema;
