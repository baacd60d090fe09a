-- +goose Up
-- POST requests with an Idempotency-Key, kept for a day. status 0 is a request that still runs, or died while it ran.
-- body is the answer as it was sent; it is empty where the answer held a secret.
CREATE TABLE idempotency (
    org_id     text        NOT NULL REFERENCES orgs (id),
    actor      text        NOT NULL CHECK (actor <> ''),
    route      text        NOT NULL,
    key        text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_hash  bytea       NOT NULL CHECK (octet_length(body_hash) = 32),
    claimed_at timestamptz NOT NULL,
    status     integer     NOT NULL DEFAULT 0,
    header     jsonb       NOT NULL DEFAULT '{}',
    body       bytea       NOT NULL DEFAULT '',
    secret     boolean     NOT NULL DEFAULT false,
    resource   text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, actor, route, key),
    CONSTRAINT idempotency_secret_not_kept CHECK (NOT secret OR octet_length(body) = 0)
);
CREATE INDEX idempotency_age ON idempotency (org_id, claimed_at);
SELECT tenant_wall('idempotency');
-- +goose Down
DROP TABLE idempotency;
