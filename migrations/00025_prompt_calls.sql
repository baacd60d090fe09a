-- +goose Up
-- Which version of which prompt a call used, and by what label it was found. No foreign key: a record outlives what it names.
ALTER TABLE calls
    ADD COLUMN prompt_id      text    NOT NULL DEFAULT '' CHECK (octet_length(prompt_id) <= 64), -- '': none
    ADD COLUMN prompt_version integer NOT NULL DEFAULT 0 CHECK (prompt_version >= 0),
    ADD COLUMN prompt_label   text    NOT NULL DEFAULT '' CHECK (octet_length(prompt_label) <= 64); -- '': the version was named
CREATE INDEX calls_prompt ON calls (org_id, prompt_id, prompt_version, started_at) WHERE prompt_id <> '';

-- Costs by prompt and version. Rows of before have none.
ALTER TABLE usage_hourly
    ADD COLUMN prompt_id      text    NOT NULL DEFAULT '',
    ADD COLUMN prompt_version integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT usage_hourly_pkey,
    ADD PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, task, experiment_id, arm, prompt_id, prompt_version);

-- What the calls of a version came to in an hour, by the label that they asked for. Rows are computed from calls and scores, an organization's
-- hour at a time, and replaced as a whole; nothing is ever added to one.
CREATE TABLE prompt_hourly (
    org_id         text        NOT NULL REFERENCES orgs (id),
    prompt_id      text        NOT NULL CHECK (prompt_id <> ''),
    hour           timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    version        integer     NOT NULL,
    label          text        NOT NULL,
    calls          bigint      NOT NULL CHECK (calls > 0),
    errors         bigint      NOT NULL CHECK (errors BETWEEN 0 AND calls),
    cost_nano      bigint      NOT NULL CHECK (cost_nano >= 0), -- nano-dollars, of calls that have a price
    unpriced       bigint      NOT NULL CHECK (unpriced BETWEEN 0 AND calls),
    input          bigint      NOT NULL CHECK (input >= 0),     -- tokens, however served
    output         bigint      NOT NULL CHECK (output >= 0),
    cached         bigint      NOT NULL CHECK (cached >= 0),    -- of input: read from a provider's cache
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    total_at       integer[]   NOT NULL, -- histogram of times: which buckets,
    total_n        bigint[]    NOT NULL, -- and how many calls in each
    first_byte_at  integer[]   NOT NULL,
    first_byte_n   bigint[]    NOT NULL,
    scores         jsonb       CHECK (jsonb_typeof(scores) = 'object'), -- name: {n, sum}; NULL: none
    PRIMARY KEY (org_id, prompt_id, hour, version, label)
);
SELECT tenant_wall('prompt_hourly');
CREATE INDEX prompt_hourly_hour ON prompt_hourly (org_id, hour);

-- Hours to be computed again: calls of a prompt were stored, or judged. As with usage_dirty, writers append and nobody updates; who computes
-- deletes exactly the rows read before.
CREATE TABLE prompt_dirty (
    org_id text        NOT NULL REFERENCES orgs (id),
    hour   timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    seq    bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (org_id, hour, seq)
);
SELECT tenant_wall('prompt_dirty');

-- +goose Down
DROP TABLE prompt_dirty;
DROP TABLE prompt_hourly;

SET LOCAL ROLE tollgate_system;
-- Rows that differ in what goes become one.
WITH gone AS (DELETE FROM usage_hourly RETURNING *)
INSERT INTO usage_hourly (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, task, experiment_id, arm, calls, errors, input,
    cache_read, cache_write_5m, cache_write_1h, output, reasoning, input_audio, output_audio, web_search, input_image, output_image, image, audio_ms,
    character, search_unit, page, request, file_search, code_session, cost_nano, unpriced, estimated)
SELECT org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, task, experiment_id, arm, sum(calls), sum(errors),
    least(sum(input), 9223372036854775807), least(sum(cache_read), 9223372036854775807), least(sum(cache_write_5m), 9223372036854775807),
    least(sum(cache_write_1h), 9223372036854775807), least(sum(output), 9223372036854775807), least(sum(reasoning), 9223372036854775807),
    least(sum(input_audio), 9223372036854775807), least(sum(output_audio), 9223372036854775807), least(sum(web_search), 9223372036854775807),
    least(sum(input_image), 9223372036854775807), least(sum(output_image), 9223372036854775807), least(sum(image), 9223372036854775807),
    least(sum(audio_ms), 9223372036854775807), least(sum(character), 9223372036854775807), least(sum(search_unit), 9223372036854775807),
    least(sum(page), 9223372036854775807), least(sum(request), 9223372036854775807), least(sum(file_search), 9223372036854775807),
    least(sum(code_session), 9223372036854775807), least(sum(cost_nano), 9223372036854775807), sum(unpriced), sum(estimated)
FROM gone GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13;
RESET ROLE;

ALTER TABLE usage_hourly
    DROP CONSTRAINT usage_hourly_pkey,
    ADD PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, task, experiment_id, arm),
    DROP COLUMN prompt_id,
    DROP COLUMN prompt_version;

DROP INDEX calls_prompt;
ALTER TABLE calls
    DROP COLUMN prompt_id,
    DROP COLUMN prompt_version,
    DROP COLUMN prompt_label;
