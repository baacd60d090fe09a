-- +goose Up
-- A key of the playground is used from inside only: the data plane takes no secret for it.
ALTER TABLE keys DROP CONSTRAINT keys_kind_check, ADD CONSTRAINT keys_kind_check CHECK (kind IN ('service', 'personal', 'playground'));

-- The key that a team's playground calls with, and the budget that it was made with.
CREATE TABLE playground_keys (
    org_id     text        NOT NULL REFERENCES orgs (id),
    team_id    text        NOT NULL,
    key_id     text        NOT NULL,
    budget_id  text        NOT NULL DEFAULT '', -- it may be archived, and goes with its budget's own history
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, team_id),
    CONSTRAINT playground_keys_team FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id) ON DELETE CASCADE,
    CONSTRAINT playground_keys_key FOREIGN KEY (org_id, key_id) REFERENCES keys (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('playground_keys');

-- Runs of a dataset over the columns of a setup.
CREATE TABLE playground_runs (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'prun\_%'),
    name       text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    team_id    text        NOT NULL,
    key_id     text        NOT NULL,
    setup      json        NOT NULL CHECK (json_typeof(setup) = 'object'),
    columns    smallint    NOT NULL CHECK (columns BETWEEN 1 AND 3),
    checks     json        NOT NULL DEFAULT '[]',
    judge      json,                                                       -- NULL: nobody judges
    status     text        NOT NULL CHECK (status IN ('running', 'paused', 'cancelled', 'done')),
    reason     text        NOT NULL DEFAULT '',
    rows       integer     NOT NULL CHECK (rows BETWEEN 1 AND 1000),
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL DEFAULT '',
    ended_at   timestamptz,                                                -- NULL: it goes on
    revision   integer     NOT NULL DEFAULT 1 CHECK (revision > 0),
    PRIMARY KEY (org_id, id),
    CONSTRAINT playground_runs_key FOREIGN KEY (org_id, key_id) REFERENCES keys (org_id, id)
);
CREATE INDEX playground_runs_open ON playground_runs (org_id, id) WHERE status = 'running';
SELECT tenant_wall('playground_runs');

CREATE TABLE playground_rows (
    org_id    text    NOT NULL REFERENCES orgs (id),
    run_id    text    NOT NULL,
    number    integer NOT NULL CHECK (number > 0),
    variables json    NOT NULL CHECK (json_typeof(variables) = 'object'),
    message   text    NOT NULL DEFAULT '',
    expected  text    NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, run_id, number),
    CONSTRAINT playground_rows_run FOREIGN KEY (org_id, run_id) REFERENCES playground_runs (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('playground_rows');

-- One line for each row and column that is being asked or was: it is made, with the name of the call, before the call is.
CREATE TABLE playground_results (
    org_id     text        NOT NULL REFERENCES orgs (id),
    run_id     text        NOT NULL,
    number     integer     NOT NULL,
    col        smallint    NOT NULL CHECK (col BETWEEN 0 AND 2),
    call_id    uuid        NOT NULL,
    claimed_at timestamptz NOT NULL,
    done       boolean     NOT NULL DEFAULT false,
    failed     boolean     NOT NULL DEFAULT false,
    status     smallint    NOT NULL DEFAULT 0,
    answer     json,                               -- what was said; NULL: nothing
    cost_nano  bigint,                             -- NULL: not known
    input      bigint      NOT NULL DEFAULT 0,
    output     bigint      NOT NULL DEFAULT 0,
    first_ns   bigint      NOT NULL DEFAULT 0,
    took_ns    bigint      NOT NULL DEFAULT 0,
    verdicts   json        NOT NULL DEFAULT '[]',
    score      double precision CHECK (score BETWEEN 0 AND 1),
    note       text        NOT NULL DEFAULT '',
    judge_call uuid,
    judge_nano bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, run_id, number, col),
    CONSTRAINT playground_results_row FOREIGN KEY (org_id, run_id, number) REFERENCES playground_rows (org_id, run_id, number) ON DELETE CASCADE
);
CREATE INDEX playground_results_pending ON playground_results (org_id, run_id, claimed_at) WHERE NOT done;
SELECT tenant_wall('playground_results');

-- +goose Down
DROP TABLE playground_results;
DROP TABLE playground_rows;
DROP TABLE playground_runs;
DROP TABLE playground_keys;
-- Keys of a kind that is not known any more would be an application's: they are ended.
UPDATE keys SET kind = 'service', revoked_at = coalesce(revoked_at, now()) WHERE kind = 'playground';
ALTER TABLE keys DROP CONSTRAINT keys_kind_check, ADD CONSTRAINT keys_kind_check CHECK (kind IN ('service', 'personal'));
