-- +goose Up
-- Organizations: the tenant. Its own row is the one whose id is the scope's organization.
CREATE TABLE orgs (
    id         text        PRIMARY KEY CHECK (id LIKE 'org\_%'),
    name       text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    created_at timestamptz NOT NULL DEFAULT now()
);
SELECT tenant_wall('orgs', 'id');

-- Teams: cost centres. color_step is the fixed step of the chart palette, so that a team keeps its colour.
CREATE TABLE teams (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'team\_%'),
    name       text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    color_step smallint    CHECK (color_step >= 0), -- NULL: not assigned yet
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT teams_name_taken UNIQUE (org_id, name)
);
SELECT tenant_wall('teams');

-- Users are people, who may belong to several organizations: global, and only the system role reads them. The address
-- is stored as it is compared: trimmed and in lower case.
CREATE TABLE users (
    id            text        PRIMARY KEY CHECK (id LIKE 'user\_%'),
    email         text        NOT NULL CHECK (email = lower(btrim(email)) AND email LIKE '_%@_%' AND length(email) <= 320),
    password_hash text        NOT NULL CHECK (password_hash <> ''), -- argon2id in PHC form
    name          text        NOT NULL DEFAULT '' CHECK (length(name) <= 200),
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_taken UNIQUE (email)
);
SELECT system_wall('users');

-- Members: which user is what in which organization.
CREATE TABLE members (
    org_id     text        NOT NULL REFERENCES orgs (id),
    user_id    text        NOT NULL REFERENCES users (id),
    role       text        NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX members_user ON members (user_id); -- "which organizations is this user in", at log-in
SELECT tenant_wall('members');

-- Sessions of the dashboard. Global: a session is found by the hash of its cookie before any tenant is known, and it
-- belongs to a person, not to an organization; org_id is the organization that the person looks at now. It must be
-- one of theirs: a member who is removed loses the sessions that stand there.
CREATE TABLE sessions (
    id           text        PRIMARY KEY CHECK (id LIKE 'sess\_%'),
    token_hash   bytea       NOT NULL CHECK (octet_length(token_hash) = 32),
    user_id      text        NOT NULL REFERENCES users (id),
    org_id       text        NOT NULL REFERENCES orgs (id),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    user_agent   text        NOT NULL DEFAULT '' CHECK (length(user_agent) <= 1000),
    ip           text        NOT NULL DEFAULT '' CHECK (length(ip) <= 64),
    CONSTRAINT sessions_token_taken UNIQUE (token_hash),
    CONSTRAINT sessions_member FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE CASCADE
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);
SELECT system_wall('sessions');

-- Management tokens: keys to the control plane. The secret is never stored: hash is a keyed hash of it; prefix and
-- last4 are what a person sees. The hash is unique across organizations, which tells nobody anything: it is the image
-- of 256 random bits.
CREATE TABLE tokens (
    org_id       text        NOT NULL REFERENCES orgs (id),
    id           text        NOT NULL CHECK (id LIKE 'tok\_%'),
    name         text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    role         text        NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    prefix       text        NOT NULL,
    last4        text        NOT NULL CHECK (length(last4) = 4),
    hash         bytea       NOT NULL CHECK (octet_length(hash) = 32),
    created_by   text        REFERENCES users (id), -- NULL: made by another token or at installation
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz, -- NULL: never used
    expires_at   timestamptz, -- NULL: never
    revoked_at   timestamptz, -- NULL: live
    PRIMARY KEY (org_id, id),
    CONSTRAINT tokens_hash_taken UNIQUE (hash)
);
SELECT tenant_wall('tokens');

-- +goose Down
DROP TABLE tokens;
DROP TABLE sessions;
DROP TABLE members;
DROP TABLE users;
DROP TABLE teams;
DROP TABLE orgs;
