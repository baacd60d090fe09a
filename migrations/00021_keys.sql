-- +goose Up
-- Secrets of keys. A key has one live secret, or two while it is rotated: the old one until not_after. hash is what the secret is found
-- by: HMAC-SHA-256 under the installation's pepper (hmac1), or, of a secret that was imported and not used since, the plain SHA-256 that
-- came with it (sha256). The secret itself is never stored.
CREATE TABLE key_secrets (
    org_id       text        NOT NULL,
    id           text        NOT NULL CHECK (id LIKE 'sec\_%'),
    key_id       text        NOT NULL,
    hash         bytea       NOT NULL CHECK (octet_length(hash) = 32),
    scheme       text        NOT NULL CHECK (scheme IN ('hmac1', 'sha256')),
    imported     boolean     NOT NULL DEFAULT false, -- made elsewhere: its text is not of our form
    prefix       text        NOT NULL CHECK (octet_length(prefix) <= 32),
    last4        text        NOT NULL CHECK (octet_length(last4) <= 16),
    not_after    timestamptz,                        -- NULL: as long as the key
    cut          boolean     NOT NULL DEFAULT false, -- calls under way end with it
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL DEFAULT '',
    revoked_at   timestamptz,                        -- NULL means live
    last_used_at timestamptz,                        -- NULL means never
    PRIMARY KEY (org_id, id),
    CONSTRAINT key_secrets_hash_taken UNIQUE (hash),
    CONSTRAINT key_secrets_key FOREIGN KEY (org_id, key_id) REFERENCES keys (org_id, id) ON DELETE CASCADE,
    CONSTRAINT key_secrets_imported CHECK (imported OR scheme <> 'sha256')
);
CREATE INDEX key_secrets_key ON key_secrets (org_id, key_id);
SELECT tenant_wall('key_secrets');

SET LOCAL ROLE tollgate_system;
INSERT INTO key_secrets (org_id, id, key_id, hash, scheme, prefix, last4, created_at, created_by, revoked_at, last_used_at)
SELECT org_id, 'sec_' || substr(id, 5), id, hash, 'hmac1', prefix, last4, created_at, created_by, revoked_at, last_used_at FROM keys;
RESET ROLE;

SELECT config_watch('key_secrets', 'org_id', 'key_id', 'last_used_at', 'created_by');

ALTER TABLE keys
    DROP COLUMN hash,
    DROP COLUMN pepper,
    DROP COLUMN prefix,
    DROP COLUMN last4,
    ADD COLUMN kind          text     NOT NULL DEFAULT 'service' CHECK (kind IN ('service', 'personal')),
    ADD COLUMN owner         text     NOT NULL DEFAULT '', -- user of a personal key
    ADD COLUMN template_id   text     NOT NULL DEFAULT '', -- that it was made from; it may be gone
    ADD COLUMN disabled_at   timestamptz,                  -- NULL means enabled
    ADD COLUMN cuts          integer  NOT NULL DEFAULT 0,  -- a call that was admitted at fewer cuts is ended
    ADD COLUMN budget_status smallint NOT NULL DEFAULT 402 CHECK (budget_status IN (402, 429)),
    ADD CONSTRAINT keys_owner CHECK ((kind = 'personal') = (owner <> ''));
CREATE INDEX keys_owner ON keys (org_id, owner) WHERE owner <> '' AND revoked_at IS NULL;

-- A personal key ends with its owner's membership, whoever ends that.
-- +goose StatementBegin
CREATE FUNCTION keys_end_with_member() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE key_secrets s SET revoked_at = now() FROM keys k
    WHERE k.org_id = OLD.org_id AND k.owner = OLD.user_id AND k.kind = 'personal' AND k.revoked_at IS NULL
        AND s.org_id = k.org_id AND s.key_id = k.id AND s.revoked_at IS NULL;
    UPDATE keys SET revoked_at = now(), cuts = cuts + 1, revision = revision + 1
    WHERE org_id = OLD.org_id AND owner = OLD.user_id AND kind = 'personal' AND revoked_at IS NULL;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER keys_end_with_member AFTER DELETE ON members FOR EACH ROW EXECUTE FUNCTION keys_end_with_member();

-- What keys of a team are made from. policy is key.Policy.
CREATE TABLE key_templates (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'tmpl\_%'),
    name       text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    team_id    text,                                   -- NULL: for every team
    standard   boolean     NOT NULL DEFAULT false,     -- taken where none is named
    bounding   boolean     NOT NULL DEFAULT false,     -- keys of non-admins may not go beyond it
    policy     jsonb       NOT NULL CHECK (jsonb_typeof(policy) = 'object' AND octet_length(policy::text) <= 65536),
    revision   integer     NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT key_templates_name_taken UNIQUE (org_id, name),
    CONSTRAINT key_templates_team FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id)
);
CREATE UNIQUE INDEX key_templates_standard_taken ON key_templates (org_id, coalesce(team_id, '')) WHERE standard;
SELECT tenant_wall('key_templates');

-- What an organization wants done with keys that were found in public.
CREATE TABLE key_settings (
    org_id  text PRIMARY KEY REFERENCES orgs (id),
    on_leak text NOT NULL DEFAULT 'revoke' CHECK (on_leak IN ('revoke', 'notify'))
);
SELECT tenant_wall('key_settings');

-- +goose Down
DROP TABLE key_settings;
DROP TABLE key_templates;
DROP TRIGGER keys_end_with_member ON members;
DROP FUNCTION keys_end_with_member();
DROP INDEX keys_owner;
ALTER TABLE keys
    DROP CONSTRAINT keys_owner,
    DROP COLUMN kind,
    DROP COLUMN owner,
    DROP COLUMN template_id,
    DROP COLUMN disabled_at,
    DROP COLUMN cuts,
    DROP COLUMN budget_status,
    ADD COLUMN prefix text CHECK (length(prefix) = 12),
    ADD COLUMN last4  text CHECK (length(last4) = 4),
    ADD COLUMN hash   bytea CHECK (octet_length(hash) = 32),
    ADD COLUMN pepper smallint NOT NULL DEFAULT 1;
-- A key keeps its newest secret. One that was imported and not used since is not found any more.
SET LOCAL ROLE tollgate_system;
UPDATE keys k SET hash = s.hash, prefix = left(rpad(s.prefix, 12, ' '), 12), last4 = left(rpad(s.last4, 4, ' '), 4)
FROM (SELECT DISTINCT ON (org_id, key_id) org_id, key_id, hash, prefix, last4 FROM key_secrets ORDER BY org_id, key_id, id DESC) AS s
WHERE s.org_id = k.org_id AND s.key_id = k.id;
RESET ROLE;
ALTER TABLE keys
    ALTER COLUMN prefix SET NOT NULL,
    ALTER COLUMN last4 SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL,
    ADD CONSTRAINT keys_hash_taken UNIQUE (hash);
DROP TABLE key_secrets;
