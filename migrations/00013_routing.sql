-- +goose Up
-- The routing file: what an organization's tasks mean, and every alias, as one document. The organization points at one of its
-- versions; versions are immutable and numbered from 1. The aliases table holds the same routes with histories of their own: both
-- change in one transaction.
CREATE TABLE routing (
    org_id     text        NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version    integer     NOT NULL CHECK (version > 0),
    tasks      jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tasks) = 'object'),
    auto       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(auto) = 'object'),
    updated_at timestamptz NOT NULL
);
SELECT tenant_wall('routing');

CREATE TABLE routing_versions (
    org_id     text        NOT NULL REFERENCES orgs (id),
    number     integer     NOT NULL CHECK (number > 0),
    document   jsonb       NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    source     text        NOT NULL DEFAULT '' CHECK (octet_length(source) <= 1048576), -- the YAML as it was applied; '': made otherwise
    author     text        NOT NULL DEFAULT '',
    message    text        NOT NULL DEFAULT '' CHECK (length(message) <= 500),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, number)
);
SELECT tenant_wall('routing_versions');
REVOKE UPDATE ON routing_versions FROM tollgate_app, tollgate_system;

ALTER TABLE routing ADD CONSTRAINT routing_current FOREIGN KEY (org_id, version)
    REFERENCES routing_versions (org_id, number) DEFERRABLE INITIALLY DEFERRED;

-- Several credentials of a provider share its calls by weight; 0: only where it is named, or where it is the default.
ALTER TABLE credentials ADD COLUMN weight integer NOT NULL DEFAULT 0 CHECK (weight BETWEEN 0 AND 1000);
-- What a call of the key is for, when it does not say; '': nothing.
ALTER TABLE keys ADD COLUMN task text NOT NULL DEFAULT '' CHECK (octet_length(task) <= 64);

SELECT config_watch('routing', 'org_id', 'org_id', 'updated_at');

-- +goose Down
ALTER TABLE keys DROP COLUMN task;
ALTER TABLE credentials DROP COLUMN weight;
ALTER TABLE routing DROP CONSTRAINT routing_current;
DROP TABLE routing_versions;
DROP TABLE routing;
