-- +goose Up
-- How an organization counts days: windows of budgets start by its clock. The zone is a name of the IANA database; the program checks
-- that it knows it.
ALTER TABLE orgs
    ADD COLUMN time_zone  text     NOT NULL DEFAULT 'UTC' CHECK (time_zone <> '' AND length(time_zone) <= 64),
    ADD COLUMN fiscal_day smallint NOT NULL DEFAULT 1 CHECK (fiscal_day BETWEEN 1 AND 28);

-- What people were told of budgets, so that a mark that was passed is not looked at again. mark is a per cent of the limit, or a word.
CREATE TABLE budget_told (
    org_id text        NOT NULL REFERENCES orgs (id),
    about  text        NOT NULL CHECK (octet_length(about) <= 64),  -- a pot, in hexadecimal digits; a raise
    mark   text        NOT NULL CHECK (octet_length(mark) <= 32),
    at     timestamptz NOT NULL,
    PRIMARY KEY (org_id, about, mark)
);
CREATE INDEX budget_told_at ON budget_told (at);
SELECT tenant_wall('budget_told');

-- +goose Down
DROP TABLE budget_told;
ALTER TABLE orgs
    DROP COLUMN time_zone,
    DROP COLUMN fiscal_day;
