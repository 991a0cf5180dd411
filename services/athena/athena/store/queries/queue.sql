-- name: is_queued
SELECT EXISTS (SELECT FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued');
