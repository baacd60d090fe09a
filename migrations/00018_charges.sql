-- +goose Up
-- What a call weighed on budgets, what budgets and limits did to it, and which of its key's secrets was sent.
ALTER TABLE calls
    ADD COLUMN charges   jsonb CHECK (jsonb_typeof(charges) = 'array'), -- NULL: nothing; objects of b(udget), p(ot), h(older), a(mount in nano-dollars)
    ADD COLUMN checks    jsonb CHECK (jsonb_typeof(checks) = 'array'),  -- NULL: nothing; objects of by, did, of (whom), per(iod or metric), lack
    ADD COLUMN secret_id text  NOT NULL DEFAULT '' CHECK (octet_length(secret_id) <= 64);
-- Blocked calls are few.
CREATE INDEX calls_checked ON calls (org_id, started_at) WHERE checks IS NOT NULL;

-- +goose Down
DROP INDEX calls_checked;
ALTER TABLE calls
    DROP COLUMN secret_id,
    DROP COLUMN checks,
    DROP COLUMN charges;
