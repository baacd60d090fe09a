-- +goose Up
-- Content is json, not jsonb: tools and schemas keep the order in which they were written, and the hash stays theirs.
-- Prompts: names with immutable versions, numbered from 1, and labels that stand on them. Proxies hold all of it.
CREATE TABLE prompts (
    org_id      text        NOT NULL REFERENCES orgs (id),
    id          text        NOT NULL CHECK (id LIKE 'prompt\_%'),
    name        text        NOT NULL CHECK (name <> '' AND length(name) <= 255), -- with its folders: 'support/greeting'
    kind        text        NOT NULL CHECK (kind IN ('text', 'chat')),
    description text        NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    tags        text[]      NOT NULL DEFAULT '{}',
    latest      integer     NOT NULL CHECK (latest > 0),
    revision    integer     NOT NULL DEFAULT 1 CHECK (revision > 0), -- counts changes of the prompt and its labels, for If-Match
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    archived_at timestamptz,                                         -- NULL: it is there
    PRIMARY KEY (org_id, id)
);
-- An archived prompt gives its name free.
CREATE UNIQUE INDEX prompts_name_taken ON prompts (org_id, name) WHERE archived_at IS NULL;
SELECT tenant_wall('prompts');

CREATE TABLE prompt_versions (
    org_id     text        NOT NULL REFERENCES orgs (id),
    prompt_id  text        NOT NULL,
    number     integer     NOT NULL CHECK (number > 0),
    content    json        NOT NULL CHECK (json_typeof(content) = 'object' AND octet_length(content::text) <= 1048576),
    hash       text        NOT NULL CHECK (length(hash) = 64),
    author     text        NOT NULL DEFAULT '',
    message    text        NOT NULL DEFAULT '' CHECK (length(message) <= 500),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, prompt_id, number),
    CONSTRAINT prompt_versions_prompt FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id)
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED -- a first version is written before its prompt
);
SELECT tenant_wall('prompt_versions');
REVOKE UPDATE ON prompt_versions FROM tollgate_app, tollgate_system;

-- Checked at commit, since a prompt and its first version are made together.
ALTER TABLE prompts ADD CONSTRAINT prompts_latest FOREIGN KEY (org_id, id, latest)
    REFERENCES prompt_versions (org_id, prompt_id, number) DEFERRABLE INITIALLY DEFERRED;

-- A label stands on one version of a prompt: that is its key.
CREATE TABLE prompt_labels (
    org_id    text        NOT NULL REFERENCES orgs (id),
    prompt_id text        NOT NULL,
    label     text        NOT NULL CHECK (label ~ '^[a-z0-9][a-z0-9._-]{0,35}$' AND label <> 'latest'),
    version   integer     NOT NULL,
    moved_at  timestamptz NOT NULL,
    moved_by  text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, prompt_id, label),
    CONSTRAINT prompt_labels_version FOREIGN KEY (org_id, prompt_id, version) REFERENCES prompt_versions (org_id, prompt_id, number) ON DELETE CASCADE
);
SELECT tenant_wall('prompt_labels');

-- Every move of a label, for the history of a prompt; never changed.
CREATE TABLE prompt_moves (
    org_id     text        NOT NULL REFERENCES orgs (id),
    prompt_id  text        NOT NULL,
    seq        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    label      text        NOT NULL,
    was        integer,                                              -- NULL: it stood nowhere
    is_at      integer,                                              -- NULL: it was taken off
    moved_at   timestamptz NOT NULL,
    moved_by   text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, prompt_id, seq),
    CONSTRAINT prompt_moves_prompt FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('prompt_moves');
REVOKE UPDATE ON prompt_moves FROM tollgate_app, tollgate_system;

-- Labels that only those may move who may release.
CREATE TABLE prompt_protections (
    org_id     text        NOT NULL REFERENCES orgs (id),
    label      text        NOT NULL CHECK (label ~ '^[a-z0-9][a-z0-9._-]{0,35}$'),
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, label)
);
SELECT tenant_wall('prompt_protections');

SELECT config_watch('prompts', 'org_id', 'id', 'description', 'tags', 'revision', 'updated_at');
SELECT config_watch('prompt_versions', 'org_id', 'prompt_id');
SELECT config_watch('prompt_labels', 'org_id', 'prompt_id', 'moved_at', 'moved_by');

-- +goose Down
DROP TABLE prompt_protections;
DROP TABLE prompt_moves;
DROP TABLE prompt_labels;
ALTER TABLE prompts DROP CONSTRAINT prompts_latest;
DROP TABLE prompt_versions;
DROP TABLE prompts;
