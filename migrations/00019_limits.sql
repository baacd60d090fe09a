-- +goose Up
-- Limits: how fast calls may come. What is counted is not here, but in each proxy's memory or on the server that proxies share.
CREATE TABLE limits (
    org_id      text        NOT NULL REFERENCES orgs (id),
    id          text        NOT NULL CHECK (id LIKE 'lim\_%'),
    name        text        NOT NULL CHECK (name <> '' AND length(name) <= 100),
    selector    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(selector) = 'object'), -- dimension to value; empty: every call
    each        text        NOT NULL DEFAULT '',  -- dimension whose values count by themselves; empty: all together
    metric      text        NOT NULL CHECK (metric IN ('requests', 'input_tokens', 'output_tokens', 'tokens', 'concurrency')),
    amount      bigint      NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    per_seconds integer     NOT NULL CHECK (per_seconds IN (0, 1, 60, 3600, 86400) AND (per_seconds = 0) = (metric = 'concurrency')),
    watch       boolean     NOT NULL DEFAULT false,
    off         boolean     NOT NULL DEFAULT false,
    revision    integer     NOT NULL CHECK (revision > 0),
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    archived_at timestamptz,                      -- NULL: it stands
    PRIMARY KEY (org_id, id)
);
SELECT tenant_wall('limits');
CREATE UNIQUE INDEX limits_name_taken ON limits (org_id, name) WHERE archived_at IS NULL;
SELECT config_watch('limits', 'org_id', 'id', 'revision', 'updated_at');

-- +goose Down
DROP TABLE limits;
