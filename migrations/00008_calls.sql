-- +goose Up
-- The call log: one row a call, in daily partitions. A call id is a UUIDv7 and started_at is the time inside it, so the
-- pair is stable across redeliveries and "the key carries the partition column" costs nothing. Rows are only ever
-- inserted (ON CONFLICT DO NOTHING) and dropped with their day. There are no foreign keys to teams and keys: a record
-- outlives what it names.
CREATE TABLE calls (
    org_id         text        NOT NULL REFERENCES orgs (id),
    call_id        uuid        NOT NULL,
    started_at     timestamptz NOT NULL,
    ingested       xid8        NOT NULL DEFAULT pg_current_xact_id(), -- for live tails: what committed after what
    proxy          text        NOT NULL,
    team_id        text        NOT NULL,
    key_id         text        NOT NULL,
    environment    text        NOT NULL CHECK (octet_length(environment) <= 64),
    workflow       text        NOT NULL CHECK (octet_length(workflow) <= 256),
    end_user       text        NOT NULL,
    tags           jsonb       NOT NULL CHECK (jsonb_typeof(tags) = 'object'),
    endpoint       text        NOT NULL,
    dialect        text        NOT NULL,
    requested      text        NOT NULL,                                      -- as the client wrote it
    alias          text        NOT NULL CHECK (octet_length(alias) <= 256),   -- '': a model was named directly
    alias_version  integer     NOT NULL,
    provider       text        NOT NULL CHECK (octet_length(provider) <= 64), -- of the attempt that answered, or the last one
    model          text        NOT NULL CHECK (octet_length(model) <= 256),
    stream         boolean     NOT NULL,
    status         integer     NOT NULL,
    outcome        text        NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed', 'broken', 'client_gone', 'interrupted')),
    error_code     text        NOT NULL,
    finish         text        NOT NULL,
    -- Units of the disjoint classes: Σ of the attempts'.
    input          bigint      NOT NULL CHECK (input >= 0),
    cache_read     bigint      NOT NULL CHECK (cache_read >= 0),
    cache_write_5m bigint      NOT NULL CHECK (cache_write_5m >= 0),
    cache_write_1h bigint      NOT NULL CHECK (cache_write_1h >= 0),
    output         bigint      NOT NULL CHECK (output >= 0),
    reasoning      bigint      NOT NULL CHECK (reasoning >= 0),
    input_audio    bigint      NOT NULL CHECK (input_audio >= 0),
    output_audio   bigint      NOT NULL CHECK (output_audio >= 0),
    web_search     bigint      NOT NULL CHECK (web_search >= 0),
    usage_source   smallint    NOT NULL CHECK (usage_source BETWEEN 0 AND 2), -- unknown, reported, estimated
    cost_nano      bigint      NOT NULL CHECK (cost_nano >= 0),               -- nano-dollars, Σ of the attempts'
    price_state    text        NOT NULL CHECK (price_state IN ('unpriced', 'priced', 'free')),
    estimated      boolean     NOT NULL,
    duration_us    bigint      NOT NULL CHECK (duration_us >= 0),
    first_byte_us  bigint      NOT NULL CHECK (first_byte_us >= 0),           -- 0: none
    overhead_us    bigint      NOT NULL,
    request_bytes  bigint      NOT NULL,
    response_bytes bigint      NOT NULL,
    marks          jsonb       NOT NULL CHECK (jsonb_typeof(marks) = 'array'),
    attempts       jsonb       NOT NULL CHECK (jsonb_typeof(attempts) = 'array'),
    split          boolean     NOT NULL, -- attempts on more than one (provider, model) were used: usage is read from attempts
    has_payload    boolean     NOT NULL,
    PRIMARY KEY (org_id, started_at, call_id) -- pages are read along it, backwards
) PARTITION BY RANGE (started_at);
CREATE INDEX calls_key ON calls (org_id, key_id, started_at);
CREATE INDEX calls_tail ON calls (org_id, ingested);
CREATE INDEX calls_bad ON calls (org_id, started_at) WHERE outcome <> 'ok';
CREATE INDEX calls_split ON calls (org_id, started_at) WHERE split;
SELECT tenant_wall('calls');

-- What was said, where a key keeps it: apart, so that it can go earlier than the call.
CREATE TABLE call_payloads (
    org_id     text        NOT NULL REFERENCES orgs (id),
    call_id    uuid        NOT NULL,
    started_at timestamptz NOT NULL,
    request    bytea       NOT NULL,
    response   bytea       NOT NULL,
    cut        boolean     NOT NULL, -- one of the bodies was longer than what is kept
    PRIMARY KEY (org_id, started_at, call_id)
) PARTITION BY RANGE (started_at);
SELECT tenant_wall('call_payloads');

-- What lands outside the days made ahead. It must stay empty: making a day moves its rows out.
CREATE TABLE calls_rest PARTITION OF calls DEFAULT;
CREATE TABLE call_payloads_rest PARTITION OF call_payloads DEFAULT;
-- A partition obeys its own policies when it is named directly: it has none, so nobody passes.
ALTER TABLE calls_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE calls_rest FORCE ROW LEVEL SECURITY;
ALTER TABLE call_payloads_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE call_payloads_rest FORCE ROW LEVEL SECURITY;

-- Hours whose usage has to be computed again. Every ingest appends its own rows and nobody updates one, so writers do
-- not wait for each other; the rollup deletes exactly those it has read. ended_at is the earliest end of the calls that
-- a row stands for: figures are complete up to the least of them.
CREATE TABLE usage_dirty (
    org_id   text        NOT NULL REFERENCES orgs (id),
    hour     timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    seq      bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, hour, seq)
);
SELECT tenant_wall('usage_dirty');

-- Proxies and how far their spools are shipped: every call of theirs that ended before shipped_until is in calls.
CREATE TABLE proxies (
    id            text        PRIMARY KEY,
    shipped_until timestamptz,          -- NULL: not known yet
    seen_at       timestamptz NOT NULL,
    spool_bytes   bigint      NOT NULL
);
SELECT system_wall('proxies');

-- How far back the call log reaches. A record older than that is not taken: its hour could not be computed again.
CREATE TABLE calls_kept (
    one   boolean     PRIMARY KEY DEFAULT true CHECK (one),
    since timestamptz NOT NULL
);
SELECT system_wall('calls_kept');
SET LOCAL ROLE tollgate_system;
INSERT INTO calls_kept (since) VALUES ('-infinity');
RESET ROLE;

-- Waits until no ingest is under way and lets none begin before the transaction ends. An ingest locks calls first, and
-- so does whatever makes or drops days: they wait for each other, never in a ring. It gives up after two seconds, in
-- which ingests queue behind it.
-- +goose StatementBegin
CREATE FUNCTION calls_lock() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('lock_timeout', '2s', true);
    LOCK TABLE public.calls IN ACCESS EXCLUSIVE MODE;
END
$$;
-- +goose StatementEnd

-- Makes the partitions of the given days that are missing, and moves rows of those days out of the default ones. It
-- runs with its owner's rights because making tables needs them; it takes a day and a count, so it can do nothing else.
-- Returns the number of partitions made.
-- +goose StatementBegin
CREATE FUNCTION calls_make_days(first date, days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent text;
    day date;
    part text;
    low timestamptz;
    high timestamptz;
    astray boolean;
    made int := 0;
BEGIN
    IF days NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION 'days out of range: %', days;
    END IF;
    IF NOT EXISTS (SELECT FROM generate_series(0, days - 1) AS i, unnest(ARRAY['calls', 'call_payloads']) AS t
        WHERE to_regclass(format('public.%s_%s', t, to_char(first + i, 'YYYYMMDD'))) IS NULL) THEN
        RETURN 0;
    END IF;
    PERFORM public.calls_lock();
    FOREACH parent IN ARRAY ARRAY['calls', 'call_payloads'] LOOP
        FOR i IN 0 .. days - 1 LOOP
            day := first + i;
            part := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
            low := day::timestamp AT TIME ZONE 'UTC';
            high := (day + 1)::timestamp AT TIME ZONE 'UTC';
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, parent);
            -- The owner too obeys the policies; to move rows it steps over them, inside this transaction only. Rows go in
            -- after the partition is attached: attaching checks foreign keys under the policies, and would find no organization.
            EXECUTE format('ALTER TABLE public.%I NO FORCE ROW LEVEL SECURITY', parent || '_rest');
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE started_at >= $1 AND started_at < $2)', parent || '_rest')
                INTO astray USING low, high;
            IF astray THEN
                EXECUTE format('CREATE TEMP TABLE calls_moved ON COMMIT DROP AS SELECT * FROM public.%I WHERE started_at >= $1 AND started_at < $2',
                    parent || '_rest') USING low, high;
                EXECUTE format('DELETE FROM public.%I WHERE started_at >= $1 AND started_at < $2', parent || '_rest') USING low, high;
            END IF;
            EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', parent || '_rest');
            EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', parent, part, low, high);
            IF astray THEN
                EXECUTE format('INSERT INTO public.%I SELECT * FROM pg_temp.calls_moved', part);
                DROP TABLE pg_temp.calls_moved;
            END IF;
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
            EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
-- +goose StatementEnd

-- Drops the partitions of calls or call_payloads that hold days before cutoff. Returns their number.
-- +goose StatementBegin
CREATE FUNCTION calls_drop_days(parent text, cutoff date) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part text;
    dropped int := 0;
BEGIN
    IF parent NOT IN ('calls', 'call_payloads') OR cutoff >= (now() AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'refused to drop % before %', parent, cutoff; -- nobody may lose what is young
    END IF;
    FOR part IN
        SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = ('public.' || parent)::regclass AND c.relname ~ '_\d{8}$' AND right(c.relname, 8) < to_char(cutoff, 'YYYYMMDD')
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, part);
        EXECUTE format('DROP TABLE public.%I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
-- +goose StatementEnd

-- Ends the retention of calls before cutoff and of payloads before payload_cutoff. While an hour of those days waits for
-- its usage, calls are kept: computed again without them, the hour would be empty. Returns the number of partitions dropped.
-- +goose StatementBegin
CREATE FUNCTION calls_retire(cutoff date, payload_cutoff date) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    floor timestamptz := cutoff::timestamp AT TIME ZONE 'UTC';
    dropped int;
BEGIN
    payload_cutoff := greatest(payload_cutoff, cutoff);
    IF NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent IN ('public.calls'::regclass, 'public.call_payloads'::regclass) AND c.relname ~ '_\d{8}$'
            AND right(c.relname, 8) < to_char(CASE i.inhparent WHEN 'public.calls'::regclass THEN cutoff ELSE payload_cutoff END, 'YYYYMMDD')) THEN
        RETURN 0;
    END IF;
    PERFORM calls_lock(); -- before looking for dirty hours: an ingest under way may bring one
    dropped := calls_drop_days('call_payloads', payload_cutoff);
    IF NOT EXISTS (SELECT FROM public.usage_dirty WHERE hour < floor) THEN
        UPDATE public.calls_kept SET since = greatest(since, floor);
        dropped := dropped + calls_drop_days('calls', cutoff);
    END IF;
    RETURN dropped;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION calls_make_days(date, int), calls_drop_days(text, date), calls_retire(date, date), calls_lock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION calls_make_days(date, int), calls_drop_days(text, date), calls_retire(date, date), calls_lock() TO tollgate_system;

-- +goose Down
DROP FUNCTION calls_retire(date, date);
DROP FUNCTION calls_drop_days(text, date);
DROP FUNCTION calls_lock();
DROP FUNCTION calls_make_days(date, int);
DROP TABLE calls_kept;
DROP TABLE proxies;
DROP TABLE usage_dirty;
DROP TABLE call_payloads;
DROP TABLE calls;
