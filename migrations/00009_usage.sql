-- +goose Up
-- Usage: what was spent in an hour (UTC) by dimensions. Rows are computed from calls, an organization's hour at a time,
-- and replaced as a whole; nothing is ever added to one. Units, cost and unpriced belong to the provider and model of
-- the attempt that used them; calls, errors and estimated to those of the call, so each call is counted once.
CREATE TABLE usage_hourly (
    org_id         text        NOT NULL REFERENCES orgs (id),
    hour           timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    team_id        text        NOT NULL,
    key_id         text        NOT NULL,
    workflow       text        NOT NULL,
    environment    text        NOT NULL,
    alias          text        NOT NULL,
    provider       text        NOT NULL,
    model          text        NOT NULL,
    calls          bigint      NOT NULL CHECK (calls >= 0),
    errors         bigint      NOT NULL CHECK (errors BETWEEN 0 AND calls),
    input          bigint      NOT NULL CHECK (input >= 0),
    cache_read     bigint      NOT NULL CHECK (cache_read >= 0),
    cache_write_5m bigint      NOT NULL CHECK (cache_write_5m >= 0),
    cache_write_1h bigint      NOT NULL CHECK (cache_write_1h >= 0),
    output         bigint      NOT NULL CHECK (output >= 0),
    reasoning      bigint      NOT NULL CHECK (reasoning >= 0),
    input_audio    bigint      NOT NULL CHECK (input_audio >= 0),
    output_audio   bigint      NOT NULL CHECK (output_audio >= 0),
    web_search     bigint      NOT NULL CHECK (web_search >= 0),
    cost_nano      bigint      NOT NULL CHECK (cost_nano >= 0), -- nano-dollars
    unpriced       bigint      NOT NULL CHECK (unpriced >= 0),  -- calls whose cost is not known
    estimated      bigint      NOT NULL CHECK (estimated BETWEEN 0 AND calls),
    PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model)
);
SELECT tenant_wall('usage_hourly');

-- +goose Down
DROP TABLE usage_hourly;
