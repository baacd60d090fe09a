-- +goose Up
-- Data-encryption keys: one live one for each organization, wrapped by the installation's key-encryption key, which is
-- not in the database. Destroying the row destroys every secret under it.
CREATE TABLE org_deks (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'dek\_%'),
    kek        text        NOT NULL CHECK (kek <> ''),
    wrapped    bytea       NOT NULL CHECK (octet_length(wrapped) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,           -- NULL: new secrets are sealed under it
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX org_deks_one_live ON org_deks (org_id) WHERE retired_at IS NULL;
SELECT tenant_wall('org_deks');

-- Provider credentials. ciphertext is bound to organization, id, version, provider and base URL: a row that is moved,
-- mixed or redirected does not open. Changing provider or base_url therefore takes the secret again.
CREATE TABLE credentials (
    org_id        text        NOT NULL REFERENCES orgs (id),
    id            text        NOT NULL CHECK (id LIKE 'cred\_%'),
    provider      text        NOT NULL CHECK (provider <> '' AND length(provider) <= 64),
    name          text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    base_url      text        NOT NULL DEFAULT '' CHECK (length(base_url) <= 2048), -- '': the vendor's own
    hint          text        NOT NULL DEFAULT '' CHECK (length(hint) <= 4),
    version       integer     NOT NULL DEFAULT 1 CHECK (version > 0),  -- counts replacements of the secret
    revision      integer     NOT NULL DEFAULT 1 CHECK (revision > 0), -- counts changes, for If-Match
    is_default    boolean     NOT NULL,
    dek_id        text        NOT NULL,
    ciphertext    bytea       NOT NULL CHECK (octet_length(ciphertext) > 0),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    created_by    text        NOT NULL DEFAULT '',
    last_check_at timestamptz,        -- NULL: never tested
    last_check    text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, id),
    CONSTRAINT credentials_dek FOREIGN KEY (org_id, dek_id) REFERENCES org_deks (org_id, id),
    CONSTRAINT credentials_name_taken UNIQUE (org_id, name)
);
CREATE UNIQUE INDEX credentials_one_default ON credentials (org_id, provider) WHERE is_default;
SELECT tenant_wall('credentials');

-- +goose Down
DROP TABLE credentials;
DROP TABLE org_deks;
