-- name: keep
INSERT INTO signature (principal, provider, tool_call, content)
SELECT k.principal, k.provider, k.tool_call, k.content
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (principal, provider, tool_call, content)
ORDER BY k.principal, k.provider, k.tool_call
ON CONFLICT (principal, provider, tool_call) DO UPDATE SET content = excluded.content, kept_at = now();

-- name: find
SELECT tool_call, content FROM signature WHERE principal = $1 AND provider = $2 AND tool_call = ANY ($3::text[]);

-- name: expire
-- As long as the ledger of rewritten conversations: without the one, the other is of no use.
DELETE FROM signature WHERE kept_at < now() - interval '180 days';
