-- Conversations that pass through the gateway, and what their providers want back with them.

-- `session` is the memory's; this is what a client's conversation is pinned to and has used.
CREATE TABLE gateway_session (
    principal      text NOT NULL,
    id             text NOT NULL,
    project        text,
    agent          text,
    -- As whoever pinned it wrote it: a model, a tier, an alias, "auto".
    pinned         text,
    last_model     text,
    last_reasons   text[] NOT NULL DEFAULT '{}',
    -- What the last model's provider holds in its cache of this conversation: lost by switching.
    cached_tokens  bigint NOT NULL DEFAULT 0,
    requests       bigint NOT NULL DEFAULT 0,
    tokens_input   bigint NOT NULL DEFAULT 0,
    tokens_cached  bigint NOT NULL DEFAULT 0,
    tokens_written bigint NOT NULL DEFAULT 0,
    tokens_output  bigint NOT NULL DEFAULT 0,
    started_at     timestamptz NOT NULL DEFAULT now(),
    last_used_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, id)
);
CREATE INDEX gateway_session_newest ON gateway_session (principal, last_used_at);
CREATE INDEX gateway_session_last_used ON gateway_session (last_used_at);

-- Signed thinking and thought signatures that the client's wire can't carry, by the tool call they belong to.
CREATE TABLE signature (
    principal text NOT NULL,
    provider  text NOT NULL,
    tool_call text NOT NULL,
    -- JSON as text: jsonb would put it in another order, and a signature covers every byte.
    content   text NOT NULL,
    kept_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, provider, tool_call)
);
CREATE INDEX signature_kept ON signature (kept_at);
