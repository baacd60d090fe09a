-- +goose Up
-- Notices: what people are told of their organization, the channels by which they are told, and what was sent.
CREATE TABLE notices (
    org_id  text        NOT NULL REFERENCES orgs (id),
    id      text        NOT NULL CHECK (id LIKE 'note\_%'),
    kind    text        NOT NULL CHECK (kind <> ''),
    about   text        NOT NULL,               -- id of the thing; it may be gone
    once    text        NOT NULL DEFAULT '',    -- what is told once only; empty: any number of times
    title   text        NOT NULL CHECK (title <> ''),
    body    text        NOT NULL,
    path    text        NOT NULL,               -- on the dashboard
    data    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object'),
    at      timestamptz NOT NULL,
    read_at timestamptz,                        -- NULL: nobody has
    read_by text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, id)
);
SELECT tenant_wall('notices');
CREATE UNIQUE INDEX notices_once ON notices (org_id, kind, about, once) WHERE once <> '';
CREATE INDEX notices_unread ON notices (org_id) WHERE read_at IS NULL;

-- target is where it goes: an e-mail address in plain words, or an address that is a secret itself, sealed. secrets are what webhooks are
-- signed with, sealed: the newest, and while it is being exchanged the one before.
CREATE TABLE notice_channels (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'chan\_%'),
    name       text        NOT NULL CHECK (name <> '' AND length(name) <= 100),
    kind       text        NOT NULL CHECK (kind IN ('email', 'webhook', 'slack')),
    hint       text        NOT NULL,            -- the target as it may be shown
    sealed     bytea       NOT NULL,            -- target and secrets
    kinds      text[]      NOT NULL DEFAULT '{}', -- of notices; empty: all
    off        boolean     NOT NULL DEFAULT false,
    off_reason text        NOT NULL DEFAULT '', -- why it was turned off by itself
    failures   integer     NOT NULL DEFAULT 0,  -- in a row
    sent_at    timestamptz,                     -- the last that arrived; NULL: none yet
    revision   integer     NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT notice_channels_name_taken UNIQUE (org_id, name)
);
SELECT tenant_wall('notice_channels');

-- A notice on its way through a channel. Workers take what is due, and put next_at ahead while they are at it.
CREATE TABLE notice_deliveries (
    org_id     text        NOT NULL,
    id         text        NOT NULL CHECK (id LIKE 'dlv\_%'),
    notice_id  text        NOT NULL,
    channel_id text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('pending', 'sent', 'kept', 'failed')), -- kept: there is no mail server, it can be read on the dashboard
    attempts   integer     NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL,
    status     integer     NOT NULL DEFAULT 0,  -- of the last answer; 0: there was none
    error      text        NOT NULL DEFAULT '' CHECK (length(error) <= 500),
    at         timestamptz NOT NULL,            -- when it was made
    ended_at   timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, notice_id) REFERENCES notices (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES notice_channels (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('notice_deliveries');
CREATE INDEX notice_deliveries_due ON notice_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX notice_deliveries_channel ON notice_deliveries (org_id, channel_id, id);
CREATE INDEX notice_deliveries_notice ON notice_deliveries (org_id, notice_id);

-- +goose Down
DROP TABLE notice_deliveries;
DROP TABLE notice_channels;
DROP TABLE notices;
