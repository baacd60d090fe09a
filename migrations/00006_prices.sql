-- +goose Up
-- Prices that the operator imported into this installation. The catalogue that is shipped with a release is not here: it
-- is part of the program, and a row here stands before it from valid_from on. Rates are pico-dollars a unit by class.
--
-- Prices are effective-dated: a row that has priced a call is never changed but for its end. No two rows of a model hold
-- at the same instant; the exclusion compares a 64-bit hash of the name as a range of one, because text needs an extension.
CREATE TABLE prices (
    id             text        PRIMARY KEY CHECK (id LIKE 'price\_%'),
    provider       text        NOT NULL CHECK (provider <> '' AND provider = lower(provider) AND provider NOT LIKE '% %'),
    model          text        NOT NULL CHECK (model <> ''),
    rates          jsonb       NOT NULL CHECK (jsonb_typeof(rates) = 'object' AND rates <> '{}'),
    tiers          jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tiers) = 'array'),
    context_window bigint      NOT NULL DEFAULT 0 CHECK (context_window >= 0), -- 0: not known
    max_output     bigint      NOT NULL DEFAULT 0 CHECK (max_output >= 0),     -- 0: not known
    modality_in    smallint    NOT NULL DEFAULT 0,
    modality_out   smallint    NOT NULL DEFAULT 0,
    source         text        NOT NULL,
    valid_from     timestamptz NOT NULL,
    valid_to       timestamptz CHECK (valid_to > valid_from), -- NULL: open
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT prices_one_at_a_time EXCLUDE USING gist (
        int8range(hashtextextended(provider || ' ' || lower(model), 0), hashtextextended(provider || ' ' || lower(model), 0), '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    )
);
CREATE UNIQUE INDEX prices_open ON prices (provider, lower(model)) WHERE valid_to IS NULL;
-- Public list prices: every organization may read them, only the operator's import writes them.
SELECT system_wall('prices');
CREATE POLICY catalogue ON prices FOR SELECT TO tollgate_app USING (true);
GRANT SELECT ON prices TO tollgate_app;

-- An organization's own prices. until is the end that was asked for; valid_to is the end in force, earlier when another
-- price follows. The row that is taken away before it has begun gives its predecessor until back.
CREATE TABLE price_overrides (
    org_id     text        NOT NULL REFERENCES orgs (id),
    id         text        NOT NULL CHECK (id LIKE 'price\_%'),
    provider   text        NOT NULL CHECK (provider <> '' AND provider = lower(provider) AND provider NOT LIKE '% %'),
    model      text        NOT NULL CHECK (model <> ''),
    rates      jsonb       NOT NULL CHECK (jsonb_typeof(rates) = 'object' AND rates <> '{}'),
    tiers      jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tiers) = 'array'),
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz CHECK (valid_to > valid_from), -- NULL: open
    until      timestamptz CHECK (until > valid_from),
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL CHECK (created_by <> ''), -- the id of a user or a token
    PRIMARY KEY (org_id, id),
    CONSTRAINT price_overrides_one_at_a_time EXCLUDE USING gist (
        int8range(hashtextextended(org_id || ' ' || provider || ' ' || lower(model), 0), hashtextextended(org_id || ' ' || provider || ' ' || lower(model), 0), '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    )
);
SELECT tenant_wall('price_overrides');

-- +goose Down
DROP TABLE price_overrides;
DROP TABLE prices;
