-- +goose Up
-- How versions of prompts reach the calls: by and by, at a time, by somebody else's leave, and which label an environment reads.

-- A label under way: share of 10,000 units already get to_version, the others the version on which the label stands. It ends with a move.
CREATE TABLE prompt_ramps (
    org_id     text        NOT NULL REFERENCES orgs (id),
    prompt_id  text        NOT NULL,
    label      text        NOT NULL,
    to_version integer     NOT NULL,
    share      integer     NOT NULL CHECK (share > 0 AND share < 10000),
    shares     jsonb       NOT NULL CHECK (jsonb_typeof(shares) = 'array'),  -- of all steps, growing, to 10,000
    pause      interval    NOT NULL CHECK (pause >= interval '1 minute'),    -- between steps
    stop_over  integer     NOT NULL DEFAULT 0 CHECK (stop_over >= 0 AND stop_over <= 10000), -- hundredths of a per cent; 0: nothing stops it
    next_at    timestamptz,                                                  -- NULL: it is held
    stepped_at timestamptz NOT NULL,                                         -- when share became what it is
    started_at timestamptz NOT NULL,
    started_by text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, prompt_id, label),
    CONSTRAINT prompt_ramps_label FOREIGN KEY (org_id, prompt_id, label) REFERENCES prompt_labels (org_id, prompt_id, label) ON DELETE CASCADE,
    CONSTRAINT prompt_ramps_version FOREIGN KEY (org_id, prompt_id, to_version) REFERENCES prompt_versions (org_id, prompt_id, number) ON DELETE CASCADE
);
SELECT tenant_wall('prompt_ramps');
CREATE INDEX prompt_ramps_due ON prompt_ramps (next_at) WHERE next_at IS NOT NULL;

-- Which label calls of an environment use when they name none; production where there is no row.
CREATE TABLE prompt_environments (
    org_id      text NOT NULL REFERENCES orgs (id),
    environment text NOT NULL CHECK (environment ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    label       text NOT NULL CHECK (label ~ '^[a-z0-9][a-z0-9._-]{0,35}$'),
    PRIMARY KEY (org_id, environment)
);
SELECT tenant_wall('prompt_environments');

-- Organizations that want another person's leave for moves of protected labels.
CREATE TABLE prompt_settings (
    org_id    text    NOT NULL PRIMARY KEY REFERENCES orgs (id),
    approvals boolean NOT NULL DEFAULT false,
    revision  integer NOT NULL DEFAULT 1 CHECK (revision > 0) -- of the settings, the protected labels and the environments, for If-Match
);
SELECT tenant_wall('prompt_settings');

-- A move that is not made yet: it waits for an approval, for its time, or for both.
CREATE TABLE prompt_requests (
    org_id       text        NOT NULL REFERENCES orgs (id),
    id           text        NOT NULL CHECK (id LIKE 'preq\_%'),
    prompt_id    text        NOT NULL,
    label        text        NOT NULL CHECK (label ~ '^[a-z0-9][a-z0-9._-]{0,35}$'),
    from_version integer,                                                 -- on which the label stood when it was asked; NULL: nowhere
    to_version   integer,                                                 -- NULL: it is taken off
    plan         jsonb       CHECK (jsonb_typeof(plan) = 'object'),       -- NULL: all at once
    at           timestamptz,                                             -- NULL: as soon as it may be
    why          text        NOT NULL DEFAULT '' CHECK (length(why) <= 500),
    state        text        NOT NULL CHECK (state IN ('waiting', 'planned', 'done', 'declined', 'withdrawn', 'failed')),
    asked_by     text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    answered_by  text        NOT NULL DEFAULT '',
    answered_at  timestamptz,
    answer       text        NOT NULL DEFAULT '' CHECK (length(answer) <= 500),
    ended_at     timestamptz,
    reason       text        NOT NULL DEFAULT '' CHECK (length(reason) <= 1000), -- why it failed
    PRIMARY KEY (org_id, id),
    CONSTRAINT prompt_requests_prompt FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id) ON DELETE CASCADE,
    CONSTRAINT prompt_requests_open CHECK ((ended_at IS NULL) = (state IN ('waiting', 'planned'))),
    CONSTRAINT prompt_requests_planned CHECK (state <> 'planned' OR at IS NOT NULL)
);
SELECT tenant_wall('prompt_requests');
CREATE INDEX prompt_requests_of ON prompt_requests (org_id, prompt_id);
CREATE INDEX prompt_requests_due ON prompt_requests (at) WHERE state = 'planned';

CREATE TABLE prompt_comments (
    org_id      text        NOT NULL REFERENCES orgs (id),
    id          text        NOT NULL CHECK (id LIKE 'pcom\_%'),
    prompt_id   text        NOT NULL,
    version     integer,                                              -- NULL: on the prompt as such
    body        text        NOT NULL CHECK (body <> '' AND length(body) <= 4000),
    author      text        NOT NULL,
    created_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, id),
    CONSTRAINT prompt_comments_prompt FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id) ON DELETE CASCADE,
    CONSTRAINT prompt_comments_version FOREIGN KEY (org_id, prompt_id, version) REFERENCES prompt_versions (org_id, prompt_id, number) ON DELETE CASCADE
);
SELECT tenant_wall('prompt_comments');
CREATE INDEX prompt_comments_of ON prompt_comments (org_id, prompt_id);

-- What is to be told of changes: written with the change, told by a worker afterwards, each once.
CREATE TABLE prompt_news (
    org_id text        NOT NULL REFERENCES orgs (id),
    seq    bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    notice jsonb       NOT NULL CHECK (jsonb_typeof(notice) = 'object'),
    at     timestamptz NOT NULL,
    PRIMARY KEY (org_id, seq)
);
SELECT tenant_wall('prompt_news');

-- What the history says of a move beyond its two ends.
ALTER TABLE prompt_moves
    ADD COLUMN share integer CHECK (share > 0 AND share < 10000), -- of 10,000 units that get is_at; NULL: all of them
    ADD COLUMN why   text NOT NULL DEFAULT '' CHECK (length(why) <= 1000);

-- Who changed a prompt last.
ALTER TABLE prompts ADD COLUMN updated_by text NOT NULL DEFAULT '';
DROP TRIGGER config_insert ON prompts;
DROP TRIGGER config_update ON prompts;
DROP TRIGGER config_delete ON prompts;
SELECT config_watch('prompts', 'org_id', 'id', 'description', 'tags', 'revision', 'updated_at', 'updated_by');

SELECT config_watch('prompt_ramps', 'org_id', 'prompt_id', 'shares', 'pause', 'stop_over', 'next_at', 'stepped_at', 'started_at', 'started_by');
SELECT config_watch('prompt_environments', 'org_id', 'environment');

-- +goose Down
DROP TRIGGER config_insert ON prompts;
DROP TRIGGER config_update ON prompts;
DROP TRIGGER config_delete ON prompts;
SELECT config_watch('prompts', 'org_id', 'id', 'description', 'tags', 'revision', 'updated_at');
ALTER TABLE prompts DROP COLUMN updated_by;
ALTER TABLE prompt_moves DROP COLUMN why, DROP COLUMN share;
DROP TABLE prompt_news;
DROP TABLE prompt_comments;
DROP TABLE prompt_requests;
DROP TABLE prompt_settings;
DROP TABLE prompt_environments;
DROP TABLE prompt_ramps;
