-- +goose Up
-- Aliases: semantic model names. An alias points at one of its versions; versions are immutable and numbered from 1.
CREATE TABLE aliases (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'alias\_%'),
    name       text        NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    version    integer     NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT aliases_name_taken UNIQUE (org_id, name)
);
SELECT tenant_wall('aliases');

CREATE TABLE alias_versions (
    org_id     text        NOT NULL REFERENCES orgs (id),
    alias_id   text        NOT NULL,
    number     integer     NOT NULL CHECK (number > 0),
    route      jsonb       NOT NULL CHECK (jsonb_typeof(route -> 'targets') = 'array'),
    author     text        NOT NULL DEFAULT '',
    message    text        NOT NULL DEFAULT '' CHECK (length(message) <= 500),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, alias_id, number),
    CONSTRAINT alias_versions_alias FOREIGN KEY (org_id, alias_id) REFERENCES aliases (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('alias_versions');
REVOKE UPDATE ON alias_versions FROM tollgate_app, tollgate_system;

-- Checked at commit, since an alias and its first version are made together.
ALTER TABLE aliases ADD CONSTRAINT aliases_current FOREIGN KEY (org_id, id, version)
    REFERENCES alias_versions (org_id, alias_id, number) DEFERRABLE INITIALLY DEFERRED;

-- +goose Down
ALTER TABLE aliases DROP CONSTRAINT aliases_current;
DROP TABLE alias_versions;
DROP TABLE aliases;
