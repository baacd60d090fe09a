-- +goose Up
-- What surfaces beyond chat add to the ledger: units that are no tokens, what the provider itself says a call cost, what
-- was left out of a call, and the endpoint as a dimension of costs. Price state "none" is new beside "free": nothing was
-- used, or nothing is known of it; rows written before keep "free" for both.
ALTER TABLE calls
    ADD COLUMN input_image        bigint NOT NULL DEFAULT 0 CHECK (input_image >= 0),
    ADD COLUMN output_image       bigint NOT NULL DEFAULT 0 CHECK (output_image >= 0),
    ADD COLUMN image              bigint NOT NULL DEFAULT 0 CHECK (image >= 0),
    ADD COLUMN audio_ms           bigint NOT NULL DEFAULT 0 CHECK (audio_ms >= 0),
    ADD COLUMN character          bigint NOT NULL DEFAULT 0 CHECK (character >= 0),
    ADD COLUMN search_unit        bigint NOT NULL DEFAULT 0 CHECK (search_unit >= 0),
    ADD COLUMN page               bigint NOT NULL DEFAULT 0 CHECK (page >= 0),
    ADD COLUMN request            bigint NOT NULL DEFAULT 0 CHECK (request >= 0),
    ADD COLUMN file_search        bigint NOT NULL DEFAULT 0 CHECK (file_search >= 0),
    ADD COLUMN code_session       bigint NOT NULL DEFAULT 0 CHECK (code_session >= 0),
    ADD COLUMN provider_cost_nano bigint CHECK (provider_cost_nano >= 0), -- NULL: no attempt told; else Σ of those that did
    ADD COLUMN warnings           text[] NOT NULL DEFAULT '{}' CHECK (cardinality(warnings) <= 16),
    DROP CONSTRAINT calls_price_state_check,
    ADD CONSTRAINT calls_price_state_check CHECK (price_state IN ('unpriced', 'priced', 'free', 'none'));

-- Every call in the log until now was one of chat: no other endpoint wrote one.
ALTER TABLE usage_hourly
    ADD COLUMN endpoint     text   NOT NULL DEFAULT 'chat',
    ADD COLUMN input_image  bigint NOT NULL DEFAULT 0 CHECK (input_image >= 0),
    ADD COLUMN output_image bigint NOT NULL DEFAULT 0 CHECK (output_image >= 0),
    ADD COLUMN image        bigint NOT NULL DEFAULT 0 CHECK (image >= 0),
    ADD COLUMN audio_ms     bigint NOT NULL DEFAULT 0 CHECK (audio_ms >= 0),
    ADD COLUMN character    bigint NOT NULL DEFAULT 0 CHECK (character >= 0),
    ADD COLUMN search_unit  bigint NOT NULL DEFAULT 0 CHECK (search_unit >= 0),
    ADD COLUMN page         bigint NOT NULL DEFAULT 0 CHECK (page >= 0),
    ADD COLUMN request      bigint NOT NULL DEFAULT 0 CHECK (request >= 0),
    ADD COLUMN file_search  bigint NOT NULL DEFAULT 0 CHECK (file_search >= 0),
    ADD COLUMN code_session bigint NOT NULL DEFAULT 0 CHECK (code_session >= 0),
    DROP CONSTRAINT usage_hourly_pkey,
    ADD PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint);

-- What a target cannot express is dropped with a warning; otherwise the call is refused.
ALTER TABLE keys ADD COLUMN drop_unsupported boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE keys DROP COLUMN drop_unsupported;

SET LOCAL ROLE tollgate_system;
UPDATE calls SET price_state = 'free' WHERE price_state = 'none';
-- Rows that differ in their endpoint alone become one.
WITH gone AS (DELETE FROM usage_hourly RETURNING *)
INSERT INTO usage_hourly (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, calls, errors, input, cache_read,
    cache_write_5m, cache_write_1h, output, reasoning, input_audio, output_audio, web_search, cost_nano, unpriced, estimated)
SELECT org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, sum(calls), sum(errors), least(sum(input), 9223372036854775807),
    least(sum(cache_read), 9223372036854775807), least(sum(cache_write_5m), 9223372036854775807), least(sum(cache_write_1h), 9223372036854775807),
    least(sum(output), 9223372036854775807), least(sum(reasoning), 9223372036854775807), least(sum(input_audio), 9223372036854775807),
    least(sum(output_audio), 9223372036854775807), least(sum(web_search), 9223372036854775807), least(sum(cost_nano), 9223372036854775807),
    sum(unpriced), sum(estimated)
FROM gone GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
RESET ROLE;

ALTER TABLE usage_hourly
    DROP CONSTRAINT usage_hourly_pkey,
    ADD PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model),
    DROP COLUMN endpoint,
    DROP COLUMN input_image,
    DROP COLUMN output_image,
    DROP COLUMN image,
    DROP COLUMN audio_ms,
    DROP COLUMN character,
    DROP COLUMN search_unit,
    DROP COLUMN page,
    DROP COLUMN request,
    DROP COLUMN file_search,
    DROP COLUMN code_session;

ALTER TABLE calls
    DROP COLUMN input_image,
    DROP COLUMN output_image,
    DROP COLUMN image,
    DROP COLUMN audio_ms,
    DROP COLUMN character,
    DROP COLUMN search_unit,
    DROP COLUMN page,
    DROP COLUMN request,
    DROP COLUMN file_search,
    DROP COLUMN code_session,
    DROP COLUMN provider_cost_nano,
    DROP COLUMN warnings,
    DROP CONSTRAINT calls_price_state_check,
    ADD CONSTRAINT calls_price_state_check CHECK (price_state IN ('unpriced', 'priced', 'free'));
