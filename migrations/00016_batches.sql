-- +goose Up
-- Files of batches: what clients upload and what batches answer. The bytes stand in chunks, so that no statement holds a whole file.
CREATE TABLE batch_files (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL,
    team_id    text        NOT NULL,
    key_id     text        NOT NULL,
    purpose    text        NOT NULL CHECK (purpose IN ('batch', 'batch_output')),
    name       text        NOT NULL CHECK (octet_length(name) <= 255),
    bytes      bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    whole      boolean     NOT NULL DEFAULT false, -- false: still being written, and nobody's yet
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX batch_files_age ON batch_files (expires_at);
SELECT tenant_wall('batch_files');

CREATE TABLE batch_chunks (
    org_id  text    NOT NULL,
    file_id text    NOT NULL,
    number  integer NOT NULL CHECK (number >= 0),
    data    bytea   NOT NULL CHECK (octet_length(data) <= 4194304),
    PRIMARY KEY (org_id, file_id, number),
    FOREIGN KEY (org_id, file_id) REFERENCES batch_files (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('batch_chunks');

-- Batches, and single calls that may be answered later (shape 'job'). Work on one is held by a lease: holder, turn and until. Who
-- writes for a batch proves that the turn is still its own; a worker that died loses it when until has passed.
CREATE TABLE batches (
    org_id       text        NOT NULL REFERENCES orgs (id),
    id           text        NOT NULL,
    team_id      text        NOT NULL,
    key_id       text        NOT NULL,
    shape        text        NOT NULL CHECK (shape IN ('openai', 'anthropic', 'job')),
    endpoint     text        NOT NULL,
    input_file   text        NOT NULL DEFAULT '',
    output_file  text        NOT NULL DEFAULT '',
    error_file   text        NOT NULL DEFAULT '',
    status       text        NOT NULL CHECK (status IN
        ('validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled')),
    metadata     jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    problems     jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(problems) = 'array'),
    header       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(header) = 'object'), -- labels that hold for every line
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    started_at   timestamptz,
    finalizing_at timestamptz,
    cancelling_at timestamptz,
    ended_at     timestamptz,          -- completed, failed, expired or cancelled
    due_at       timestamptz,          -- when there is work to do; NULL: none before somebody says so
    holder       text        NOT NULL DEFAULT '',
    turn         bigint      NOT NULL DEFAULT 0,
    until        timestamptz,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX batches_due ON batches (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX batches_held ON batches (holder) WHERE holder <> '';
CREATE INDEX batches_newest ON batches (org_id, id DESC) WHERE shape <> 'job';
SELECT tenant_wall('batches');

-- What is sent to one place together: a batch at a provider (driver), or lines that the worker runs one by one (driver 'inline').
-- batch_id '' gathers jobs. Leased like batches.
CREATE TABLE batch_parcels (
    org_id      text        NOT NULL REFERENCES orgs (id),
    id          text        NOT NULL,
    batch_id    text        NOT NULL,
    driver      text        NOT NULL,
    provider    text        NOT NULL,
    credential  text        NOT NULL,
    model       text        NOT NULL,
    path        text        NOT NULL,     -- of the provider's endpoint, below its base URL
    dialect     text        NOT NULL,     -- of the provider
    status      text        NOT NULL CHECK (status IN ('gathering', 'planned', 'sent', 'done')),
    upstream    text        NOT NULL DEFAULT '',
    upstream_file text      NOT NULL DEFAULT '',
    tried_at    timestamptz,              -- when sending was last begun; NULL: never. Set before, so that a crash leaves a trace
    strangers   text[]      NOT NULL DEFAULT '{}', -- batches at the provider that turned out to be another's
    polls       integer     NOT NULL DEFAULT 0,
    failures    integer     NOT NULL DEFAULT 0,
    cancel      boolean     NOT NULL DEFAULT false,
    stopped     boolean     NOT NULL DEFAULT false, -- the provider was asked to stop
    trouble     text        NOT NULL DEFAULT '', -- the last failure, in words
    lines       integer     NOT NULL DEFAULT 0,
    bytes       bigint      NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    due_at      timestamptz,
    holder      text        NOT NULL DEFAULT '',
    turn        bigint      NOT NULL DEFAULT 0,
    until       timestamptz,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX batch_parcels_due ON batch_parcels (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX batch_parcels_held ON batch_parcels (holder) WHERE holder <> '';
CREATE INDEX batch_parcels_batch ON batch_parcels (org_id, batch_id);
SELECT tenant_wall('batch_parcels');

-- A line is one call, with the id that it will have in the call log. record is that call's record until it is there.
CREATE TABLE batch_lines (
    org_id     text        NOT NULL,
    batch_id   text        NOT NULL,
    number     integer     NOT NULL CHECK (number > 0),
    custom_id  text        NOT NULL,
    call_id    uuid        NOT NULL,
    body       bytea       NOT NULL,
    state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'planned', 'done', 'failed', 'cancelled', 'expired')),
    parcel_id  text        NOT NULL DEFAULT '',
    sent       bytea,                     -- the body for the provider; NULL: not planned, or no longer needed
    draft      bytea,                     -- how the line was routed, as a record that is not finished
    status     integer     NOT NULL DEFAULT 0, -- of the answer; 0: there is none
    answer     bytea,                     -- the answer's body, in the client's dialect
    error      text        NOT NULL DEFAULT '', -- why there is no answer: a code
    message    text        NOT NULL DEFAULT '',
    record     bytea,
    PRIMARY KEY (org_id, batch_id, number),
    UNIQUE (org_id, batch_id, custom_id),
    FOREIGN KEY (org_id, batch_id) REFERENCES batches (org_id, id) ON DELETE CASCADE
);
CREATE INDEX batch_lines_parcel ON batch_lines (org_id, parcel_id) WHERE parcel_id <> '';
CREATE INDEX batch_lines_open ON batch_lines (org_id, batch_id, number) WHERE state IN ('waiting', 'planned') OR record IS NOT NULL;
SELECT tenant_wall('batch_lines');

-- +goose Down
DROP TABLE batch_lines;
DROP TABLE batch_parcels;
DROP TABLE batches;
DROP TABLE batch_chunks;
DROP TABLE batch_files;
