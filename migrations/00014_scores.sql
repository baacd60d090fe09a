-- +goose Up
-- How a call was routed, what experiment it is part of, and what its answer says of itself.
ALTER TABLE calls
    ADD COLUMN task          text     NOT NULL DEFAULT '' CHECK (octet_length(task) <= 64),
    ADD COLUMN task_by       text     NOT NULL DEFAULT '' CHECK (octet_length(task_by) <= 16),
    ADD COLUMN experiment_id text     NOT NULL DEFAULT '' CHECK (octet_length(experiment_id) <= 64), -- '': of none
    ADD COLUMN arm           text     NOT NULL DEFAULT '' CHECK (octet_length(arm) <= 32),           -- assigned
    ADD COLUMN arm_served    text     NOT NULL DEFAULT '' CHECK (octet_length(arm_served) <= 32),    -- whose target answered
    ADD COLUMN unit          bigint   NOT NULL DEFAULT 0,  -- a hash, its 64 bits as a signed number; 0: none
    ADD COLUMN unit_by       text     NOT NULL DEFAULT '' CHECK (octet_length(unit_by) <= 16),
    ADD COLUMN signals       integer  NOT NULL DEFAULT 0 CHECK (signals BETWEEN 0 AND 65535),        -- bits of calllog.Signals
    ADD COLUMN fingerprint   bigint   NOT NULL DEFAULT 0,  -- of the request's body, as unit
    ADD COLUMN batch_id      text     NOT NULL DEFAULT '' CHECK (octet_length(batch_id) <= 64),
    ADD COLUMN decision      jsonb    CHECK (jsonb_typeof(decision) = 'object');                     -- NULL: nothing was decided
CREATE INDEX calls_experiment ON calls (org_id, started_at) INCLUDE (experiment_id) WHERE experiment_id <> '';
CREATE INDEX calls_batch ON calls (org_id, batch_id, started_at) WHERE batch_id <> '';

-- Costs by task, experiment and arm. Rows of before have none of them.
ALTER TABLE usage_hourly
    ADD COLUMN task          text NOT NULL DEFAULT '',
    ADD COLUMN experiment_id text NOT NULL DEFAULT '',
    ADD COLUMN arm           text NOT NULL DEFAULT '',
    DROP CONSTRAINT usage_hourly_pkey,
    ADD PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, task, experiment_id, arm);

-- Judgements of calls. A newer one of the same name, source and author takes the older one's place. There is no foreign key to calls:
-- a judgement may come before the call's record, and then counts from when that is here. started_at is the time inside the call's id.
CREATE TABLE scores (
    org_id     text             NOT NULL REFERENCES orgs (id),
    call_id    uuid             NOT NULL,
    started_at timestamptz      NOT NULL,
    name       text             NOT NULL CHECK (name ~ '^[a-z][a-z0-9_.-]{0,63}$'),
    source     text             NOT NULL CHECK (source IN ('human', 'judge', 'heuristic', 'feedback', 'api')),
    author     text             NOT NULL CHECK (author <> '' AND octet_length(author) <= 64), -- a user, token or key; of a judge its alias
    id         text             NOT NULL CHECK (id LIKE 'score\_%'),
    kind       text             NOT NULL CHECK (kind IN ('numeric', 'boolean', 'category', 'comment')),
    value      double precision CHECK (value BETWEEN -1e9 AND 1e9), -- NULL: the kind has none
    text       text             NOT NULL CHECK (octet_length(text) <= 4096),
    team_id    text             NOT NULL DEFAULT '', -- whose calls the author may judge; '': every team's
    at         timestamptz      NOT NULL,
    PRIMARY KEY (org_id, call_id, name, source, author),
    UNIQUE (org_id, id),
    CHECK ((value IS NOT NULL) = (kind IN ('numeric', 'boolean'))),
    CHECK (kind <> 'category' OR octet_length(text) BETWEEN 1 AND 64)
);
CREATE INDEX scores_started ON scores (started_at); -- their retention is that of the calls
SELECT tenant_wall('scores');

-- Hours whose experiments have to be computed again: calls of one were stored, or judged. As with usage_dirty, writers append and
-- nobody updates; who computes deletes exactly the rows read before.
CREATE TABLE experiment_dirty (
    org_id text        NOT NULL REFERENCES orgs (id),
    hour   timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    seq    bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (org_id, hour, seq)
);
SELECT tenant_wall('experiment_dirty');

-- +goose Down
DROP TABLE experiment_dirty;
DROP TABLE scores;

SET LOCAL ROLE tollgate_system;
-- Rows that differ in what goes become one.
WITH gone AS (DELETE FROM usage_hourly RETURNING *)
INSERT INTO usage_hourly (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, calls, errors, input, cache_read,
    cache_write_5m, cache_write_1h, output, reasoning, input_audio, output_audio, web_search, input_image, output_image, image, audio_ms,
    character, search_unit, page, request, file_search, code_session, cost_nano, unpriced, estimated)
SELECT org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint, sum(calls), sum(errors),
    least(sum(input), 9223372036854775807), least(sum(cache_read), 9223372036854775807), least(sum(cache_write_5m), 9223372036854775807),
    least(sum(cache_write_1h), 9223372036854775807), least(sum(output), 9223372036854775807), least(sum(reasoning), 9223372036854775807),
    least(sum(input_audio), 9223372036854775807), least(sum(output_audio), 9223372036854775807), least(sum(web_search), 9223372036854775807),
    least(sum(input_image), 9223372036854775807), least(sum(output_image), 9223372036854775807), least(sum(image), 9223372036854775807),
    least(sum(audio_ms), 9223372036854775807), least(sum(character), 9223372036854775807), least(sum(search_unit), 9223372036854775807),
    least(sum(page), 9223372036854775807), least(sum(request), 9223372036854775807), least(sum(file_search), 9223372036854775807),
    least(sum(code_session), 9223372036854775807), least(sum(cost_nano), 9223372036854775807), sum(unpriced), sum(estimated)
FROM gone GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
RESET ROLE;

ALTER TABLE usage_hourly
    DROP CONSTRAINT usage_hourly_pkey,
    ADD PRIMARY KEY (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint),
    DROP COLUMN task,
    DROP COLUMN experiment_id,
    DROP COLUMN arm;

DROP INDEX calls_batch;
DROP INDEX calls_experiment;
ALTER TABLE calls
    DROP COLUMN task,
    DROP COLUMN task_by,
    DROP COLUMN experiment_id,
    DROP COLUMN arm,
    DROP COLUMN arm_served,
    DROP COLUMN unit,
    DROP COLUMN unit_by,
    DROP COLUMN signals,
    DROP COLUMN fingerprint,
    DROP COLUMN batch_id,
    DROP COLUMN decision;
