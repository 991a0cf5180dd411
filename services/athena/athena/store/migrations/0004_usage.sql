-- The ledger of use: one row for each attempt at a model, and what was spent, summed up by day for the budgets.

CREATE TABLE usage (
    id                uuid PRIMARY KEY,
    request_id        text NOT NULL,
    at                timestamptz NOT NULL,
    attempt           int NOT NULL,
    -- The attempt that the request ended with; those before it were tried and given up.
    final             boolean NOT NULL,
    surface           text NOT NULL,
    provider          text NOT NULL,
    model             text NOT NULL,
    local             boolean NOT NULL,
    status            int NOT NULL,
    outcome           text NOT NULL,
    error             text,
    stream            boolean NOT NULL,
    client            text NOT NULL,
    -- A key's name; empty: without a key.
    principal         text NOT NULL,
    project           text,
    session           text,
    agent             text,
    request_class     text NOT NULL,
    task              text,
    asked             text NOT NULL,
    tier              text,
    baseline          text,
    reasons           text[] NOT NULL,
    -- As billed, without overlap; NULL: the provider didn't say.
    tokens_input      bigint,
    tokens_cached     bigint,
    tokens_written    bigint,
    tokens_output     bigint,
    -- The part of tokens_written that is kept for an hour.
    tokens_written_1h bigint,
    first_ms          double precision,
    total_ms          double precision,
    sent_characters     bigint NOT NULL,
    original_characters bigint NOT NULL,
    counted_original    bigint,
    memory_characters   bigint NOT NULL,
    -- USD by the prices of that day; NULL: not known, which is something else than nothing.
    cost              numeric,
    tokens_saved      bigint,
    saved_compression numeric,
    saved_cache       numeric,
    saved_local       numeric,
    saved_routing     numeric
);
CREATE INDEX usage_at ON usage (at);
CREATE INDEX usage_request ON usage (request_id);
CREATE INDEX usage_session ON usage (session, at) WHERE session IS NOT NULL;

-- `subject` is key or agent; days are those of UTC. `unpriced` counts attempts that aren't in `cost`.
CREATE TABLE spent (
    subject  text NOT NULL,
    name     text NOT NULL,
    day      date NOT NULL,
    cost     numeric NOT NULL,
    unpriced bigint NOT NULL,
    PRIMARY KEY (subject, name, day)
);

CREATE TABLE budget (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject    text NOT NULL CHECK (subject IN ('key', 'agent')),
    name       text NOT NULL,
    period     text NOT NULL CHECK (period IN ('day', 'month')),
    action     text NOT NULL CHECK (action IN ('warn', 'degrade', 'stop')),
    amount     numeric NOT NULL CHECK (amount >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (subject, name, period, action)
);
