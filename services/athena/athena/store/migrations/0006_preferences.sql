-- What keys and projects want done to their requests. NULL: not said.

-- Of a key; goes with it, so that another key of the same name starts with nothing.
CREATE TABLE key_preference (
    key           text PRIMARY KEY REFERENCES api_key ON DELETE CASCADE,
    -- Where its requests belong unless they say so themselves.
    project       text,
    compress      boolean,
    memory        boolean,
    memory_tokens int CHECK (memory_tokens BETWEEN 50 AND 20000),
    capture       boolean,
    changed_at    timestamptz NOT NULL DEFAULT now()
);

-- Of a project. By name: one may be chosen before anything is remembered in it.
CREATE TABLE project_preference (
    project       text PRIMARY KEY,
    compress      boolean,
    memory        boolean,
    memory_tokens int CHECK (memory_tokens BETWEEN 50 AND 20000),
    capture       boolean,
    changed_at    timestamptz NOT NULL DEFAULT now()
);
