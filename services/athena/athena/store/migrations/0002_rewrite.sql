-- The ledger of rewritten conversations: what was sent stays as it was sent.

CREATE TABLE rewrite (
    principal    text NOT NULL,
    project      text NOT NULL,
    -- Hash of the canonical conversation up to and including this text.
    key          bytea NOT NULL,
    -- The same of the conversation's first block: which conversation this belongs to.
    root         bytea NOT NULL,
    -- NULL: left alone.
    replacement  text,
    decided_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, project, key)
);
CREATE INDEX rewrite_last_used ON rewrite (last_used_at);

-- What an elision in a rewritten text stands for.
CREATE TABLE elision (
    principal  text NOT NULL,
    project    text NOT NULL,
    id         text NOT NULL,
    original   text NOT NULL,
    used_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, project, id)
);
CREATE INDEX elision_used ON elision (used_at);
