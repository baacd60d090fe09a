-- +goose Up
-- Virtual keys. The secret is never stored: hash is its HMAC-SHA-256 under the named pepper. A key is revoked, not
-- deleted, so that what it spent keeps its name.
CREATE TABLE keys (
    org_id       text        NOT NULL REFERENCES orgs (id),
    id           text        NOT NULL CHECK (id LIKE 'key\_%'),
    team_id      text        NOT NULL,
    name         text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    prefix       text        NOT NULL CHECK (length(prefix) = 12),
    last4        text        NOT NULL CHECK (length(last4) = 4),
    environment  text        NOT NULL CHECK (environment ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    aliases      text[]      NOT NULL DEFAULT '{}', -- with models both empty: everything
    models       text[]      NOT NULL DEFAULT '{}',
    endpoints    text[]      NOT NULL DEFAULT '{}', -- empty: every endpoint
    networks     cidr[]      NOT NULL DEFAULT '{}', -- empty: any network
    expires_at   timestamptz,                       -- NULL means never
    workflow     text        NOT NULL DEFAULT '' CHECK (octet_length(workflow) <= 256),
    tags         jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object'),
    privacy      text        NOT NULL CHECK (privacy IN ('none', 'metadata', 'full')),
    hash         bytea       NOT NULL CHECK (octet_length(hash) = 32),
    pepper       smallint    NOT NULL DEFAULT 1,    -- version of the pepper of hash
    revision     integer     NOT NULL DEFAULT 1 CHECK (revision > 0), -- counts changes, for If-Match
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL DEFAULT '',
    revoked_at   timestamptz,                       -- NULL means live
    last_used_at timestamptz,                       -- NULL means never
    PRIMARY KEY (org_id, id),         -- others refer to (org_id, key_id): no reference crosses tenants
    CONSTRAINT keys_hash_taken UNIQUE (hash),
    CONSTRAINT keys_team FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id)
);
-- A revoked key gives its name free.
CREATE UNIQUE INDEX keys_name_taken ON keys (org_id, name) WHERE revoked_at IS NULL;
CREATE INDEX keys_team ON keys (org_id, team_id);
SELECT tenant_wall('keys');

-- +goose Down
DROP TABLE keys;
