-- What is switched for all replicas at once. No row: never touched, off.

CREATE TABLE switch (
    name       text PRIMARY KEY,
    is_on      boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- The key's name; empty for somebody on the machine itself.
    changed_by text NOT NULL DEFAULT ''
);

-- By a trigger, so that a change by hand is heard too.
CREATE FUNCTION tell_switch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('athena_switch', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER switch_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON switch
    FOR EACH STATEMENT EXECUTE FUNCTION tell_switch();
