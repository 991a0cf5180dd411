-- What was concluded from what, by which run; what was believed when; what is used, and what fades.

ALTER TABLE memory
    ADD COLUMN expires_at timestamptz,
    -- Concluded from other memories, by consolidation. Such a memory is told beside those that were remembered, and
    -- never takes the place of one.
    ADD COLUMN derived boolean NOT NULL DEFAULT false,
    -- Something else was believed of it before: rows of `validity`, whose triggers keep this.
    ADD COLUMN revised boolean NOT NULL DEFAULT false;
CREATE INDEX memory_expires ON memory (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX memory_derived ON memory (project_id, id) WHERE derived;
-- A recall without filters reads its scope from this index alone.
DROP INDEX memory_project;
CREATE INDEX memory_project ON memory (project_id, id)
    INCLUDE (words, context_words, valid_from, valid_until, expires_at, derived, revised);

-- What was believed before of a memory: a row for each time that it changed. With the memory's own row, the last belief,
-- it says of any moment what was taken to be true then, and by what it was superseded.
CREATE TABLE validity (
    memory_id     bigint NOT NULL REFERENCES memory ON DELETE CASCADE,
    valid_from    timestamptz NOT NULL,
    valid_until   timestamptz,
    superseded_by uuid,
    known_until   timestamptz NOT NULL,
    -- It was true then, as is believed to this day: what changed is that it is true again, at another time.
    holds         boolean NOT NULL DEFAULT false,
    PRIMARY KEY (memory_id, known_until)
);

CREATE FUNCTION keep_validity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest timestamptz;
BEGIN
    -- Undoing a run takes its beliefs back as if they had never been; an import brings them along.
    IF coalesce(current_setting('athena.rewinding', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT greatest(max(known_until), OLD.recorded_at) INTO newest FROM validity WHERE memory_id = OLD.id;
    -- What a transaction changes twice, nobody else believed in between. One that waited for another which began later
    -- believes after it, all the same.
    IF newest IS DISTINCT FROM now() THEN
        INSERT INTO validity (memory_id, valid_from, valid_until, superseded_by, known_until, holds)
        VALUES (OLD.id, OLD.valid_from, OLD.valid_until, OLD.superseded_by,
                greatest(now(), newest + interval '1 microsecond'), coalesce(NEW.valid_from >= OLD.valid_until, false));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER memory_validity AFTER UPDATE OF valid_from, valid_until, superseded_by ON memory FOR EACH ROW
    WHEN ((OLD.valid_from, OLD.valid_until, OLD.superseded_by)
          IS DISTINCT FROM (NEW.valid_from, NEW.valid_until, NEW.superseded_by))
    EXECUTE FUNCTION keep_validity();

CREATE FUNCTION keep_revised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE memory SET revised = true WHERE id = NEW.memory_id AND NOT revised;
    ELSE
        UPDATE memory m SET revised = false
        WHERE id = OLD.memory_id AND NOT EXISTS (SELECT FROM validity v WHERE v.memory_id = m.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER validity_revised AFTER INSERT OR DELETE ON validity FOR EACH ROW EXECUTE FUNCTION keep_revised();

-- Whether a memory was believed, at `known_at` (NULL: today), to be true at `as_of`.
CREATE FUNCTION believed(
    memory bigint, valid_from timestamptz, valid_until timestamptz, as_of timestamptz, known_at timestamptz
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT then_from <= as_of AND (then_until IS NULL OR then_until > as_of)
    FROM (
        SELECT v.valid_from, v.valid_until, v.known_until FROM validity v
        WHERE v.memory_id = memory AND v.known_until > coalesce(known_at, 'infinity')
        UNION ALL
        SELECT $2, $3, 'infinity'
    ) belief (then_from, then_until, known_until)
    ORDER BY known_until LIMIT 1
) OR EXISTS (
    SELECT FROM validity v
    WHERE v.memory_id = memory AND v.holds AND v.known_until <= coalesce(known_at, 'infinity')
      AND v.valid_from <= as_of AND v.valid_until > as_of
);

-- What a memory was superseded by, as far as was known at `known_at`.
CREATE FUNCTION superseded_then(memory bigint, superseded_by uuid, known_at timestamptz) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT by_then
    FROM (
        SELECT v.superseded_by, v.known_until FROM validity v WHERE v.memory_id = memory AND v.known_until > known_at
        UNION ALL
        SELECT $2, 'infinity'
    ) belief (by_then, known_until)
    ORDER BY known_until LIMIT 1
);

-- Which memories a reader asked for. Plain SQL and one expression, so that the planner
-- puts it into the statement and can use every index on `memory`; a NULL asks for nothing. What was concluded is there
-- only for who names the kinds.
DROP FUNCTION in_scope(
    memory, int, bigint, text, text, memory_kind[], text[], timestamptz, timestamptz, timestamptz
);
CREATE FUNCTION in_scope(
    m memory, project int, session bigint, "user" text, agent text, kinds memory_kind[], tags text[],
    since timestamptz, until timestamptz, as_of timestamptz, known_at timestamptz
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN m.project_id = project
    AND (session IS NULL OR m.session_no = session)
    AND (m.expires_at IS NULL OR m.expires_at > now())
    AND ("user" IS NULL OR m.user_id = "user")
    AND (agent IS NULL OR m.agent_id = agent)
    AND CASE WHEN kinds IS NULL THEN NOT m.derived ELSE m.kind = ANY (kinds) END
    AND (tags IS NULL OR m.tags @> tags)
    AND (since IS NULL OR m.happened_at >= since)
    AND (until IS NULL OR m.happened_at < until)
    AND (known_at IS NULL OR m.recorded_at <= known_at)
    -- Its own row says of nearly every memory all that was ever believed; looking further costs a hundred times as much.
    AND (as_of IS NULL
         OR ((known_at IS NULL OR NOT m.revised)
             AND m.valid_from <= as_of AND (m.valid_until IS NULL OR m.valid_until > as_of))
         OR (m.revised AND (known_at IS NOT NULL OR as_of < m.valid_from)
             AND believed(m.id, m.valid_from, m.valid_until, as_of, known_at)));

-- What was superseded before there was a record of beliefs: until its successor was written, nothing was known of that.
INSERT INTO validity (memory_id, valid_from, valid_until, known_until)
SELECT m.id, m.valid_from, CASE WHEN m.valid_until < s.valid_from THEN m.valid_until END, s.recorded_at
FROM memory m JOIN memory s ON s.uid = m.superseded_by
WHERE s.recorded_at > m.recorded_at;

-- How often a memory was recalled, and when last.
CREATE TABLE memory_use (
    memory_id        bigint PRIMARY KEY REFERENCES memory ON DELETE CASCADE,
    project_id       int NOT NULL,
    recalls          bigint NOT NULL,
    last_recalled_at timestamptz NOT NULL
) WITH (fillfactor = 80);

-- What was recalled lately, as hashes of its words in threes: by them it is recognised when it comes back as if it were
-- news. 0 stands for a memory that is too short to have any. No foreign keys: they would cost more than the rows.
CREATE TABLE shingle (
    project_id int NOT NULL,
    hash       bigint NOT NULL,
    memory_id  bigint NOT NULL,
    PRIMARY KEY (project_id, hash, memory_id)
);
CREATE INDEX shingle_memory ON shingle (memory_id);

-- What a pattern was concluded from, and the words there that speak for it.
CREATE TABLE evidence (
    pattern_id bigint NOT NULL REFERENCES memory ON DELETE CASCADE,
    memory_id  bigint NOT NULL REFERENCES memory ON DELETE CASCADE,
    quote      text NOT NULL,
    PRIMARY KEY (pattern_id, memory_id)
);
CREATE INDEX evidence_memory ON evidence (memory_id);

-- `memory_id` says what `original_id` said before it, in nearly the same words: a recall gives one of them.
CREATE TABLE twin (
    memory_id   bigint PRIMARY KEY REFERENCES memory ON DELETE CASCADE,
    original_id bigint NOT NULL REFERENCES memory ON DELETE CASCADE,
    likeness    real NOT NULL,
    since       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX twin_original ON twin (original_id);

-- What stands on a memory that is true no longer: to be looked at by a person.
CREATE TABLE review (
    memory_id  bigint NOT NULL REFERENCES memory ON DELETE CASCADE,
    because_id bigint NOT NULL REFERENCES memory ON DELETE CASCADE,
    since      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (memory_id, because_id)
);
CREATE INDEX review_because ON review (because_id);

CREATE TYPE run_state AS ENUM ('running', 'done', 'failed', 'undone');

-- A run of consolidation. One at a time per project, by an advisory lock that ends with its holder; a row that is still
-- 'running' without it was interrupted, and the next run takes it up.
CREATE TABLE consolidation_run (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id int NOT NULL REFERENCES project,
    state      run_state NOT NULL DEFAULT 'running',
    cause      text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    -- Where it is: stage, done, total.
    progress   jsonb NOT NULL DEFAULT '{}',
    counts     jsonb NOT NULL DEFAULT '{}',
    error      text
);
CREATE INDEX consolidation_run_project ON consolidation_run (project_id, id);
CREATE UNIQUE INDEX consolidation_run_running ON consolidation_run (project_id) WHERE state = 'running';

-- Every change of a run, in order. Memories by uid: they may be forgotten. `before` and `after` hold no words of theirs.
CREATE TABLE consolidation_change (
    run_id  bigint NOT NULL REFERENCES consolidation_run ON DELETE CASCADE,
    place   bigint GENERATED ALWAYS AS IDENTITY,
    action  text NOT NULL,
    subject uuid NOT NULL,
    object  uuid,
    before  jsonb,
    after   jsonb,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, place)
);
CREATE INDEX consolidation_change_subject ON consolidation_change (subject);

-- What the local model said of a cluster, by the hash of what it was asked: the same isn't asked twice.
CREATE TABLE verdict (
    project_id int NOT NULL REFERENCES project,
    key        bytea NOT NULL,
    verdict    jsonb NOT NULL,
    memories   uuid[] NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, key)
);
CREATE INDEX verdict_memories ON verdict USING gin (memories);

-- What consolidation could not use, and why. `not_before` NULL: not tried again, left for a person.
CREATE TABLE dead_letter (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id int NOT NULL REFERENCES project,
    run_id     bigint REFERENCES consolidation_run ON DELETE SET NULL,
    key        bytea NOT NULL,
    code       text NOT NULL,
    reason     text NOT NULL,
    memories   uuid[] NOT NULL,
    attempts   int NOT NULL DEFAULT 1,
    not_before timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, key, code)
);
CREATE INDEX dead_letter_memories ON dead_letter USING gin (memories);

-- A pattern that a person has forgotten isn't found again from the same events.
CREATE TABLE rejection (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id int NOT NULL REFERENCES project,
    memories   uuid[] NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rejection_project ON rejection (project_id);
