-- name: active
SELECT id, model, dim, prefix_document, prefix_query, context_tokens, state::text AS state, server_url,
       created_at, served_since
FROM generation WHERE state IN ('serving', 'building') ORDER BY state = 'building';

-- name: all
SELECT g.id, g.model, g.dim, g.prefix_document, g.prefix_query, g.context_tokens, g.state::text AS state,
       g.server_url, g.created_at, g.served_since,
       (SELECT count(DISTINCT e.memory_id) FROM embedding e WHERE e.generation_id = g.id) AS embedded,
       (SELECT count(*) FROM memory) AS total
FROM generation g ORDER BY g.id;

-- name: pending
-- Per active generation: what is owed, and what has failed more than a few times.
SELECT g.id, g.state::text AS state, count(t.memory_id) AS pending,
       count(t.memory_id) FILTER (WHERE t.attempts >= 5) AS stuck,
       max(t.last_error) FILTER (WHERE t.attempts > 0) AS last_error
FROM generation g LEFT JOIN embedding_todo t ON t.generation_id = g.id
WHERE g.state IN ('serving', 'building') GROUP BY g.id;

-- name: count_memories
SELECT count(*) FROM memory;

-- name: claim
-- Claimed rows are leased, not locked: no connection is held while the model works, and
-- what a killed worker had claimed comes back when the lease is over.
WITH due AS (
    SELECT memory_id FROM embedding_todo
    WHERE generation_id = $1 AND not_before <= now()
    ORDER BY not_before, memory_id LIMIT $2
    FOR UPDATE SKIP LOCKED
),
leased AS (
    UPDATE embedding_todo t SET not_before = now() + $3::interval
    FROM due WHERE t.generation_id = $1 AND t.memory_id = due.memory_id
    RETURNING t.memory_id, t.project_id, t.attempts
)
SELECT l.memory_id, l.project_id, l.attempts, m.content
FROM leased l JOIN memory m ON m.id = l.memory_id ORDER BY l.memory_id;

-- name: store
-- Only rows that are still owed get vectors: a memory forgotten meanwhile stays forgotten,
-- and two workers that embedded the same one leave one vector.
-- The memories are locked first, and by id, as `forget` does: the two wait for each other, neither for ever.
WITH alive AS MATERIALIZED (
    SELECT id FROM memory WHERE id = ANY ($2::bigint[]) ORDER BY id FOR KEY SHARE
),
paid AS (
    DELETE FROM embedding_todo t USING alive WHERE t.generation_id = $1 AND t.memory_id = alive.id
    RETURNING t.memory_id, t.project_id
)
INSERT INTO embedding (generation_id, memory_id, chunk, project_id, vec)
SELECT $1, v.memory_id, v.chunk, paid.project_id, v.vec
FROM unnest($2::bigint[], $3::smallint[], $4::halfvec[]) AS v (memory_id, chunk, vec)
JOIN paid USING (memory_id)
ON CONFLICT DO NOTHING;

-- name: put_off
-- Only a refusal counts as an attempt: a crash or an outage is no fault of the text.
UPDATE embedding_todo SET not_before = now() + $3::interval, last_error = $4, attempts = attempts + 1
WHERE generation_id = $1 AND memory_id = ANY ($2::bigint[]);

-- name: release
-- Given back: a server was away.
UPDATE embedding_todo SET not_before = now()
WHERE generation_id = $1 AND memory_id = ANY ($2::bigint[]);

-- name: owe
-- The truth is "a memory with no vector in this generation"; the outbox is derived from it here,
-- so that a row missing there (a generation created meanwhile, a restored back-up) is found again.
INSERT INTO embedding_todo (generation_id, memory_id, project_id)
SELECT $1, m.id, m.project_id FROM memory m
WHERE NOT EXISTS (SELECT FROM embedding e WHERE e.generation_id = $1 AND e.memory_id = m.id)
ON CONFLICT DO NOTHING;

-- name: missing
-- What can be found by meaning now and couldn't be any more if generation $1 served.
SELECT EXISTS (
    SELECT FROM generation g JOIN embedding s ON s.generation_id = g.id
    WHERE g.state = 'serving'
      AND NOT EXISTS (SELECT FROM embedding e WHERE e.generation_id = $1 AND e.memory_id = s.memory_id)
);

-- name: create_generation
INSERT INTO generation (model, dim, prefix_document, prefix_query, context_tokens, state, server_url, served_since)
VALUES ($1, $2, $3, $4, $5, $6::generation_state, $7, CASE WHEN $6 = 'serving' THEN now() END)
RETURNING id;

-- name: create_partition
CREATE TABLE embedding_g{generation} PARTITION OF embedding (
    CONSTRAINT embedding_g{generation}_dim CHECK (vector_dims(vec) = {dim})
) FOR VALUES IN ({generation});

-- name: create_project_index
CREATE INDEX ON embedding_g{generation} (project_id, memory_id);

-- name: largest_project
SELECT coalesce(max(memories), 0) FROM project;

-- name: vector_index
-- NULL: there is none; false: a build of it was broken off.
SELECT i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relname = 'embedding_g{generation}_hnsw';

-- name: drop_vector_index
DROP INDEX CONCURRENTLY IF EXISTS embedding_g{generation}_hnsw;

-- name: create_vector_index
CREATE INDEX CONCURRENTLY embedding_g{generation}_hnsw
ON embedding_g{generation} USING hnsw ((vec::halfvec({dim})) halfvec_ip_ops)
WITH (m = 16, ef_construction = 64);

-- name: index_builder
-- One replica builds.
SELECT pg_try_advisory_lock(7283645193);

-- name: room_to_build
SET maintenance_work_mem = '512MB';

-- name: drop_partition
DROP TABLE IF EXISTS embedding_g{generation};

-- name: analyze
-- Until the tables' sizes are known, plans for a recall are bad ones.
ANALYZE project, memory, posting, embedding;

-- name: lock_generations
SELECT pg_advisory_xact_lock(7283645191);

-- name: be_brief
-- A change of partitions waits for whoever uses the table, and everybody else waits behind it.
SET LOCAL lock_timeout = '3s';

-- name: retire_serving
UPDATE generation SET state = 'retired' WHERE state = 'serving';

-- name: retire
UPDATE generation SET state = 'retired' WHERE id = $1;

-- name: serve
UPDATE generation SET state = 'serving', served_since = now() WHERE id = $1;

-- name: build_again
UPDATE generation SET state = 'building', server_url = coalesce($2, server_url) WHERE id = $1;

-- name: previous_generation
SELECT id FROM generation WHERE state = 'retired' AND served_since IS NOT NULL ORDER BY served_since DESC LIMIT 1;

-- name: set_server
UPDATE generation SET server_url = $2 WHERE id = $1;

-- name: forget_retired_work
DELETE FROM embedding_todo t USING generation g WHERE g.id = t.generation_id AND g.state = 'retired';

-- name: discard
DELETE FROM generation WHERE id = $1;
