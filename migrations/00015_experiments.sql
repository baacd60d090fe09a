-- +goose Up
-- Experiments: A/B tests on aliases. plan is what was decided before the start; arms is what proxies deal units by, and they hold it
-- while live. There is no foreign key to aliases: what was found out outlives the alias.
CREATE TABLE experiments (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'exp\_%'),
    name       text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    alias_id   text        NOT NULL,
    alias_name text        NOT NULL,
    status     text        NOT NULL CHECK (status IN ('draft', 'running', 'stopped', 'promoted', 'reverted', 'invalid')),
    live       boolean     NOT NULL DEFAULT false,
    plan       jsonb       NOT NULL CHECK (jsonb_typeof(plan) = 'object'),
    salt       text        NOT NULL,
    arms       jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(arms) = 'array'),
    horizon    bigint      NOT NULL DEFAULT 0, -- units expected at the end, fixed at the start
    alias_at   integer     NOT NULL DEFAULT 0, -- version of the alias that the test is about; 0: not started
    started_at timestamptz,
    ended_at   timestamptz,
    looked_at  timestamptz,                    -- the newest look; NULL: none yet
    winner     text        NOT NULL DEFAULT '',
    ramp       jsonb       CHECK (jsonb_typeof(ramp) = 'object'), -- NULL: no promotion under way
    revision   integer     NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL,
    acted_by   text        NOT NULL,           -- who set it going last, in whose name the worker goes on
    PRIMARY KEY (org_id, id)
);
SELECT tenant_wall('experiments');
CREATE UNIQUE INDEX experiments_alias_busy ON experiments (org_id, alias_id) WHERE live;
CREATE INDEX experiments_tended ON experiments (status) WHERE status IN ('running', 'promoted'); -- what the worker looks after

-- A look at an experiment: its figures and verdict then. One at most for an instant.
CREATE TABLE experiment_readings (
    org_id        text        NOT NULL,
    experiment_id text        NOT NULL,
    at            timestamptz NOT NULL,
    reading       jsonb       NOT NULL CHECK (jsonb_typeof(reading) = 'object'),
    PRIMARY KEY (org_id, experiment_id, at),
    FOREIGN KEY (org_id, experiment_id) REFERENCES experiments (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('experiment_readings');

-- What a unit did in an hour. Rows are computed from calls and scores, an organization's hour at a time, and replaced as a whole;
-- nothing is ever added to one.
CREATE TABLE experiment_units (
    org_id        text             NOT NULL,
    experiment_id text             NOT NULL,
    arm           text             NOT NULL, -- assigned
    unit          bigint           NOT NULL,
    hour          timestamptz      NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    calls         bigint           NOT NULL CHECK (calls > 0),
    errors        bigint           NOT NULL,
    fallbacks     bigint           NOT NULL, -- answered by what is no target of the arm
    cost_nano     bigint           NOT NULL, -- nano-dollars
    unpriced      bigint           NOT NULL,
    scored        bigint           NOT NULL, -- calls with a judgement of the plan's name
    score         double precision NOT NULL, -- their sum, each 0 to 1
    schema_asked  bigint           NOT NULL,
    schema_valid  bigint           NOT NULL,
    tool_called   bigint           NOT NULL,
    tool_valid    bigint           NOT NULL,
    refusals      bigint           NOT NULL,
    cut_short     bigint           NOT NULL,
    repeated      bigint           NOT NULL, -- calls that the unit made again within five minutes
    first_at      timestamptz      NOT NULL, -- its first call in the hour
    first_bytes   bigint           NOT NULL, -- and the size of that request
    first_byte_ms integer[]        NOT NULL, -- of up to 200 calls that streamed or answered
    total_ms      integer[]        NOT NULL,
    PRIMARY KEY (org_id, experiment_id, arm, unit, hour),
    FOREIGN KEY (org_id, experiment_id) REFERENCES experiments (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('experiment_units');
CREATE INDEX experiment_units_hour ON experiment_units (org_id, hour);

-- What the judge has spent, so that a crash between asking and scoring is counted too.
CREATE TABLE experiment_judgements (
    org_id        text        NOT NULL,
    experiment_id text        NOT NULL,
    call_id       uuid        NOT NULL,
    started_at    timestamptz NOT NULL,           -- of the call
    state         text        NOT NULL CHECK (state IN ('asked', 'scored', 'failed')),
    cost_nano     bigint      NOT NULL CHECK (cost_nano >= 0), -- while asked: what it may cost at most
    note          text        NOT NULL DEFAULT '' CHECK (octet_length(note) <= 2000), -- the judge's reason
    at            timestamptz NOT NULL,
    PRIMARY KEY (org_id, experiment_id, call_id),
    FOREIGN KEY (org_id, experiment_id) REFERENCES experiments (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('experiment_judgements');

-- Proxies hold live, arms and what these belong to; the rest changes without their asking.
SELECT config_watch('experiments', 'org_id', 'id', 'name', 'status', 'plan', 'horizon', 'alias_at', 'started_at', 'ended_at', 'looked_at', 'winner',
    'ramp', 'revision', 'created_at', 'created_by', 'acted_by');

-- +goose Down
DROP TABLE experiment_judgements;
DROP TABLE experiment_units;
DROP TABLE experiment_readings;
DROP TABLE experiments;
