-- +goose Up
-- Budgets: how much may be spent on the calls that a selector selects, in each of some periods. Proxies hold those that count.
CREATE TABLE budgets (
    org_id       text        NOT NULL REFERENCES orgs (id),
    id           text        NOT NULL CHECK (id LIKE 'bud\_%'),
    name         text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    selector     jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(selector) = 'object'), -- dimension: value; {}: every call
    each         text        NOT NULL DEFAULT '' CHECK (octet_length(each) <= 512),           -- '': one pot for all; else one for each value
    mode         text        NOT NULL CHECK (mode IN ('watch', 'warn', 'block')),
    action       text        NOT NULL DEFAULT 'refuse' CHECK (action IN ('refuse', 'move', 'clamp')),
    move_to      text        NOT NULL DEFAULT '' CHECK (octet_length(move_to) <= 256),        -- alias
    floor        bigint      NOT NULL DEFAULT 0 CHECK (floor >= 0),                           -- output tokens
    wait_us      bigint      NOT NULL DEFAULT 0,                                              -- 0: the default; negative: not at all
    offline      text        NOT NULL DEFAULT 'deny' CHECK (offline IN ('deny', 'standby')),
    standby_nano bigint      NOT NULL DEFAULT 0 CHECK (standby_nano >= 0),
    alert_at     integer[],                                                                   -- per cent; NULL: the default marks
    off          boolean     NOT NULL DEFAULT false,
    revision     integer     NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL DEFAULT '',
    updated_at   timestamptz NOT NULL,
    archived_at  timestamptz,                                                                 -- NULL: it is there
    PRIMARY KEY (org_id, id)
);
-- An archived budget gives its name free.
CREATE UNIQUE INDEX budgets_name_taken ON budgets (org_id, name) WHERE archived_at IS NULL;
SELECT tenant_wall('budgets');
SELECT config_watch('budgets', 'org_id', 'id', 'revision', 'updated_at');

CREATE TABLE budget_limits (
    org_id      text   NOT NULL,
    budget_id   text   NOT NULL,
    period      text   NOT NULL CHECK (period IN ('hour', 'day', 'week', 'month', 'fiscal_month', 'total')),
    amount_nano bigint NOT NULL CHECK (amount_nano >= 0), -- 0 blocks everything
    PRIMARY KEY (org_id, budget_id, period),
    FOREIGN KEY (org_id, budget_id) REFERENCES budgets (org_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('budget_limits');
SELECT config_watch('budget_limits', 'org_id', 'budget_id');

-- Raises lift one limit for a time. Proxies need not know: the authority looks at them whenever it lends.
CREATE TABLE budget_raises (
    org_id      text        NOT NULL,
    id          text        NOT NULL CHECK (id LIKE 'raise\_%'),
    budget_id   text        NOT NULL,
    period      text        NOT NULL CHECK (period IN ('hour', 'day', 'week', 'month', 'fiscal_month', 'total')),
    amount_nano bigint      NOT NULL CHECK (amount_nano > 0),
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL CHECK (to_at > from_at),
    reason      text        NOT NULL CHECK (length(reason) <= 1000),
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL DEFAULT '',
    ended_at    timestamptz,                       -- NULL: not ended early
    ended_by    text        NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, budget_id) REFERENCES budgets (org_id, id) ON DELETE CASCADE
);
CREATE INDEX budget_raises_budget ON budget_raises (org_id, budget_id, period, to_at);
SELECT tenant_wall('budget_raises');

-- A pot is the money of one budget, in one window of one period, for one subject. Its id is a hash of what it stands for.
-- committed is what can no longer be lent: what is lent out or was spent. It is written under the pot's row lock only, and always equals
--     Σ over the pot's leases of (granted - returned)  +  adjusted
CREATE TABLE budget_pots (
    org_id        text        NOT NULL REFERENCES orgs (id),
    id            uuid        NOT NULL,
    budget_id     text        NOT NULL,
    period        text        NOT NULL,
    subject       text        NOT NULL,           -- '': of a budget with one pot
    starts_at     timestamptz,                    -- NULL: of a total
    ends_at       timestamptz,                    -- NULL: of a total
    committed     bigint      NOT NULL DEFAULT 0, -- nano-dollars, as all amounts here
    adjusted      bigint      NOT NULL DEFAULT 0, -- by evidence that came later; signed
    -- The last grant: what the limit was then, with raises, and what was committed after it.
    lent_limit     bigint     NOT NULL DEFAULT 0,
    lent_committed bigint     NOT NULL DEFAULT 0,
    lent_at       timestamptz,                    -- NULL: nothing was lent yet
    -- Somebody came up short: others are asked for what they do not need.
    short_at      timestamptz,
    short_by      uuid,
    -- What was seen when it was last looked at, so that not every exchange has to count.
    looked_at     timestamptz NOT NULL DEFAULT '-infinity',
    looked_posted bigint      NOT NULL DEFAULT 0,
    looked_alive  integer     NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    closed_at     timestamptz,                    -- the window was finalised: what was held then counts as spent
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, budget_id) REFERENCES budgets (org_id, id),
    -- Nothing is ever lent beyond the limit of that moment.
    CONSTRAINT budget_pots_lent_within_limit CHECK (lent_committed <= lent_limit)
) WITH (fillfactor = 70);
CREATE INDEX budget_pots_budget ON budget_pots (org_id, budget_id, period, starts_at, subject);
CREATE INDEX budget_pots_open ON budget_pots (ends_at) WHERE closed_at IS NULL;
CREATE INDEX budget_pots_short ON budget_pots (short_at) WHERE short_at IS NOT NULL;
SELECT tenant_wall('budget_pots');

-- Who holds leases: runs of proxies, and batches (proxy ''). run is their order: a later run of a proxy succeeds the earlier ones.
CREATE TABLE budget_holders (
    id         uuid        PRIMARY KEY,
    run        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    proxy      text        NOT NULL,
    boot       text        NOT NULL,  -- of the machine; '': not known, and never the same as another
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    ended_at   timestamptz            -- it holds nothing any more, and is lent nothing any more
);
CREATE INDEX budget_holders_proxy ON budget_holders (proxy, boot) WHERE ended_at IS NULL;
SELECT system_wall('budget_holders');

-- A lease is what one holder has of one pot. Amounts are cumulative and only grow. granted holds what was lent, and what the holder spent
-- without having been lent it (kind overrun of the ledger). Rows are written under the pot's lock.
CREATE TABLE budget_leases (
    org_id   text        NOT NULL,
    pot      uuid        NOT NULL,
    holder   uuid        NOT NULL,
    granted  bigint      NOT NULL DEFAULT 0 CHECK (granted >= 0),
    returned bigint      NOT NULL DEFAULT 0 CHECK (returned >= 0),
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (org_id, pot, holder),
    FOREIGN KEY (org_id, pot) REFERENCES budget_pots (org_id, id),
    CONSTRAINT budget_leases_returned_within_granted CHECK (returned <= granted)
) WITH (fillfactor = 70);
CREATE INDEX budget_leases_holder ON budget_leases (holder);
SELECT tenant_wall('budget_leases');

-- What holders spent of pots, by the calls in the log. Written by ingest, in the transaction in which the calls enter the log, and by
-- nobody else: that is why it counts each call once. Apart from leases, so that ingest and lending do not wait for each other. A call may
-- have been made from a pot that the authority has not heard of yet.
CREATE TABLE budget_settlements (
    org_id    text        NOT NULL REFERENCES orgs (id),
    pot       uuid        NOT NULL,
    holder    uuid        NOT NULL,
    budget_id text        NOT NULL,
    settled   bigint      NOT NULL CHECK (settled >= 0),
    at        timestamptz NOT NULL,
    PRIMARY KEY (org_id, pot, holder)
) WITH (fillfactor = 70);
CREATE INDEX budget_settlements_budget ON budget_settlements (org_id, budget_id);
SELECT tenant_wall('budget_settlements');

-- The ledger. Every change of an amount above has its entry, and none is ever changed.
CREATE TABLE budget_entries (
    org_id  text        NOT NULL REFERENCES orgs (id),
    pot     uuid        NOT NULL,
    seq     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind    text        NOT NULL CHECK (kind IN ('grant', 'return', 'settle', 'overrun', 'adjust', 'finalise')),
    amount  bigint      NOT NULL,               -- signed for adjust
    holder  uuid,                               -- NULL: of adjust
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ingest  xid8,                               -- of settle: the calls that entered the log with it
    call_id uuid,                               -- of adjust
    note    text        NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
    PRIMARY KEY (org_id, pot, seq),
    CHECK (amount > 0 OR kind = 'adjust')
);
CREATE INDEX budget_entries_call ON budget_entries (org_id, call_id, pot) WHERE call_id IS NOT NULL;
CREATE INDEX budget_entries_at ON budget_entries USING brin (at);
SELECT tenant_wall('budget_entries');

-- +goose StatementBegin
CREATE FUNCTION budget_entries_stand() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '390 days' THEN
        RETURN OLD; -- retention
    END IF;
    RAISE EXCEPTION 'entries of the budget ledger are never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER stand BEFORE UPDATE OR DELETE ON budget_entries FOR EACH ROW EXECUTE FUNCTION budget_entries_stand();

-- An organization reads its books; it writes adjustments, and nothing else.
REVOKE INSERT, UPDATE, DELETE ON budget_pots, budget_leases, budget_settlements, budget_entries FROM tollgate_app;
REVOKE UPDATE ON budget_entries FROM tollgate_system;
GRANT UPDATE (committed, adjusted) ON budget_pots TO tollgate_app;
GRANT INSERT ON budget_entries TO tollgate_app;

-- When the books of an organization were last gone over, and what was found.
CREATE TABLE budget_checks (
    org_id      text        PRIMARY KEY REFERENCES orgs (id),
    at          timestamptz NOT NULL,
    differences integer     NOT NULL CHECK (differences >= 0),
    says        text        NOT NULL DEFAULT '' -- the first of them, in words
);
SELECT tenant_wall('budget_checks');
REVOKE INSERT, UPDATE, DELETE ON budget_checks FROM tollgate_app;

-- How pots stand. settled is by the calls in the log; held is lent and not spent yet; spent is what counts as spent: after the window
-- was finalised, what was held then as well.
CREATE VIEW budget_standings WITH (security_invoker = true) AS
SELECT p.org_id, p.budget_id, p.period, p.subject, p.starts_at, p.ends_at, p.id AS pot, p.closed_at, p.committed, p.adjusted, t.settled,
    CASE WHEN p.closed_at IS NULL THEN t.settled + p.adjusted ELSE p.committed END AS spent,
    CASE WHEN p.closed_at IS NULL THEN p.committed - t.settled - p.adjusted ELSE 0 END AS held
FROM budget_pots p, LATERAL (SELECT coalesce(sum(s.settled), 0)::bigint AS settled
    FROM budget_settlements s WHERE s.org_id = p.org_id AND s.pot = p.id) AS t;
GRANT SELECT ON budget_standings TO tollgate_app, tollgate_system;

-- What a budget lets be spent in a window of one period now, raises included. NULL: there is no such budget or limit, or it does not count.
-- +goose StatementBegin
CREATE FUNCTION budget_limit(of_org text, of_budget text, of_period text, of_subject text, clock timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN (SELECT l.amount_nano + (SELECT coalesce(sum(r.amount_nano), 0) FROM budget_raises r
            WHERE r.org_id = b.org_id AND r.budget_id = b.id AND r.period = l.period
                AND r.from_at <= clock AND r.to_at > clock AND (r.ended_at IS NULL OR r.ended_at > clock))
        FROM budgets b JOIN budget_limits l ON l.org_id = b.org_id AND l.budget_id = b.id AND l.period = of_period
        WHERE b.org_id = of_org AND b.id = of_budget AND b.archived_at IS NULL AND NOT b.off AND (b.each = '') = (of_subject = ''));
END
$$;
-- +goose StatementEnd

-- The lock under which a pot is made.
CREATE FUNCTION budget_birth(of_org text, of_pot uuid) RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, public
AS $$ SELECT hashtextextended(of_org || of_pot::text, 17) $$;

-- Counts what holders spent beyond what they were lent as lent, and so as committed: a call turned out dearer than its bound, or the
-- budget only watches. Returns by how much committed grew. The pot's lock is held afterwards.
--
-- Where there is no pot, whoever makes it counts what was spent of it. For the case that it is being made at this moment, both sides take
-- budget_birth's lock, here shared and there alone: the later one then sees what the earlier one did.
-- +goose StatementBegin
CREATE FUNCTION budget_cover(of_org text, of_pot uuid) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    grown bigint;
BEGIN
    PERFORM FROM budget_pots WHERE org_id = of_org AND id = of_pot FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM pg_advisory_xact_lock_shared(budget_birth(of_org, of_pot));
        PERFORM FROM budget_pots WHERE org_id = of_org AND id = of_pot FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN 0;
        END IF;
    END IF;
    -- A statement of its own, so that it sees what was committed while it waited.
    WITH lacking AS (
        SELECT s.holder, s.settled - coalesce(l.granted - l.returned, 0) AS amount
        FROM budget_settlements s LEFT JOIN budget_leases l USING (org_id, pot, holder)
        WHERE s.org_id = of_org AND s.pot = of_pot AND s.settled > coalesce(l.granted - l.returned, 0)
    ), leased AS (
        INSERT INTO budget_leases AS l (org_id, pot, holder, granted, seen_at)
        SELECT of_org, of_pot, holder, amount, '-infinity' FROM lacking
        ON CONFLICT (org_id, pot, holder) DO UPDATE SET granted = l.granted + excluded.granted
    ), entered AS (
        INSERT INTO budget_entries (org_id, pot, kind, amount, holder)
        SELECT of_org, of_pot, 'overrun', amount, holder FROM lacking
    )
    SELECT coalesce(sum(amount), 0) INTO grown FROM lacking;
    IF grown > 0 THEN
        UPDATE budget_pots SET committed = committed + grown WHERE org_id = of_org AND id = of_pot;
    END IF;
    RETURN grown;
END
$$;
-- +goose StatementEnd

-- Settles charges of calls that are new in the log, in the transaction that brings them in; one element of the arrays is one charge. It
-- waits for no lending, but where more was spent than lent. Run it last: it locks rows until the commit, in the order that all keep to.
-- Returns by how much hard budgets were overrun: 0, unless a bound was too low.
-- +goose StatementBegin
CREATE FUNCTION budget_settle(orgs text[], budgets text[], pots uuid[], holders uuid[], amounts bigint[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    r record;
    grown bigint;
    overrun bigint := 0;
BEGIN
    INSERT INTO budget_settlements AS s (org_id, pot, holder, budget_id, settled, at)
    SELECT org, pot, holder, min(budget), sum(amount), clock_timestamp()
    FROM unnest(orgs, budgets, pots, holders, amounts) AS c (org, budget, pot, holder, amount)
    WHERE amount > 0 GROUP BY org, pot, holder ORDER BY org, pot, holder
    ON CONFLICT (org_id, pot, holder) DO UPDATE SET settled = s.settled + excluded.settled, at = excluded.at;

    INSERT INTO budget_entries (org_id, pot, kind, amount, holder, ingest)
    SELECT org, pot, 'settle', sum(amount), holder, pg_current_xact_id()
    FROM unnest(orgs, pots, holders, amounts) AS c (org, pot, holder, amount)
    WHERE amount > 0 GROUP BY org, pot, holder;

    FOR r IN
        SELECT c.org, c.pot, bool_or(b.mode = 'block') AS hard
        FROM unnest(orgs, pots, holders, amounts) AS c (org, pot, holder, amount)
        JOIN budget_settlements s ON s.org_id = c.org AND s.pot = c.pot AND s.holder = c.holder
        LEFT JOIN budget_leases l ON l.org_id = c.org AND l.pot = c.pot AND l.holder = c.holder
        LEFT JOIN budgets b ON b.org_id = c.org AND b.id = s.budget_id
        WHERE c.amount > 0 AND s.settled > coalesce(l.granted - l.returned, 0)
        GROUP BY c.org, c.pot ORDER BY c.org, c.pot
    LOOP
        grown := budget_cover(r.org, r.pot);
        IF r.hard THEN
            overrun := overrun + grown;
        END IF;
    END LOOP;
    RETURN overrun;
END
$$;
-- +goose StatementEnd

-- budget_exchange is one proxy's report on its leases and its wish for more; element n of the arrays is one lease. See lease.Authority.
-- Pots are locked in the order of their ids, so that no two exchanges wait for each other in a ring. at is the time for tests; NULL: now.
-- verdict: 0 granted, 1 short, 2 closed, 3 gone; 4: the holder was ended, and nothing it says counts.
-- +goose StatementBegin
CREATE FUNCTION budget_exchange(me uuid, my_proxy text, my_boot text, orgs text[], budgets text[], periods text[], subjects text[],
    starts timestamptz[], ends timestamptz[], pots uuid[], gave bigint[], needs bigint[], wants bigint[], at timestamptz)
RETURNS TABLE (n int, granted bigint, limited bigint, committed bigint, posted bigint, alive int, verdict smallint)
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    clock   timestamptz;
    fenced  boolean;                -- this holder's money went to its successor
    p       budget_pots%ROWTYPE;
    ours    boolean;
    was     record;                 -- the lease before
    spent   bigint;
    back    bigint;                 -- returned, after
    over    bigint;
    free    bigint;
    more    bigint;                 -- granted now
    total   bigint;                 -- committed, after
    closed  boolean;
    touched boolean;                -- what is remembered of the pot, beside its amounts
BEGIN
    UPDATE budget_holders h SET seen_at = clock_timestamp() WHERE h.id = me AND h.seen_at < clock_timestamp() - interval '5 seconds';
    SELECT h.ended_at IS NOT NULL INTO fenced FROM budget_holders h WHERE h.id = me FOR SHARE;
    IF NOT FOUND THEN
        INSERT INTO budget_holders (id, proxy, boot, started_at, seen_at)
        VALUES (me, my_proxy, my_boot, clock_timestamp(), clock_timestamp()) ON CONFLICT (id) DO NOTHING;
        SELECT h.ended_at IS NOT NULL INTO fenced FROM budget_holders h WHERE h.id = me FOR SHARE;
    END IF;

    FOR n IN SELECT o.n::int FROM unnest(orgs, pots) WITH ORDINALITY AS o (org, pot, n) ORDER BY o.org, o.pot, o.n LOOP
        granted := 0; limited := 0; committed := 0; posted := 0; alive := 0; verdict := 4;
        IF fenced THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT * INTO p FROM budget_pots WHERE org_id = orgs[n] AND id = pots[n] FOR NO KEY UPDATE;
        clock := coalesce(at, clock_timestamp());
        closed := coalesce(clock < starts[n] - interval '2 seconds' OR clock >= ends[n] + interval '2 seconds', false); -- NULL: of a total
        IF p.id IS NULL THEN
            limited := budget_limit(orgs[n], budgets[n], periods[n], subjects[n], clock);
            IF limited IS NULL OR closed THEN
                verdict := CASE WHEN limited IS NULL THEN 3 ELSE 2 END;
                limited := coalesce(limited, 0);
                RETURN NEXT;
                CONTINUE;
            END IF;
            PERFORM pg_advisory_xact_lock(budget_birth(orgs[n], pots[n]));
            INSERT INTO budget_pots (org_id, id, budget_id, period, subject, starts_at, ends_at, created_at)
            VALUES (orgs[n], pots[n], budgets[n], periods[n], subjects[n], starts[n], ends[n], clock) ON CONFLICT (org_id, id) DO NOTHING;
            PERFORM budget_cover(orgs[n], pots[n]);
            SELECT * INTO STRICT p FROM budget_pots WHERE org_id = orgs[n] AND id = pots[n] FOR NO KEY UPDATE;
        END IF;
        -- After the lock: an edit that was committed while we waited counts.
        limited := budget_limit(orgs[n], budgets[n], periods[n], subjects[n], clock);
        ours := limited IS NOT NULL;
        touched := false;
        limited := coalesce(limited, 0);
        ours := ours AND p.budget_id = budgets[n] AND p.period = periods[n] AND p.subject = subjects[n]
            AND p.starts_at IS NOT DISTINCT FROM starts[n];
        closed := closed OR p.closed_at IS NOT NULL;

        SELECT l.granted, l.returned, l.seen_at INTO was
        FROM budget_leases l WHERE l.org_id = p.org_id AND l.pot = p.id AND l.holder = me;
        IF NOT FOUND THEN
            SELECT 0::bigint AS granted, 0::bigint AS returned, '-infinity'::timestamptz AS seen_at INTO was;
        END IF;
        SELECT coalesce((SELECT s.settled FROM budget_settlements s WHERE s.org_id = p.org_id AND s.pot = p.id AND s.holder = me), 0) INTO spent;

        IF p.looked_at < clock - interval '250 milliseconds' OR p.looked_at > clock THEN
            p.looked_at := clock; touched := true;
            SELECT coalesce(sum(s.settled), 0) INTO p.looked_posted FROM budget_settlements s WHERE s.org_id = p.org_id AND s.pot = p.id;
            SELECT count(*) INTO p.looked_alive FROM budget_leases l
            WHERE l.org_id = p.org_id AND l.pot = p.id AND l.holder <> me AND l.seen_at > clock - interval '15 seconds';
        END IF;

        -- What comes back, first. Messages may come late or twice: only more than was known counts, and never more than was lent. Settling
        -- may have seen the lease before this return and found nothing lacking, so it is looked at again (see budget_cover).
        back := least(greatest(was.returned, gave[n]), was.granted);
        over := greatest(spent - (was.granted - back), 0);
        total := p.committed - (back - was.returned) + over;

        -- Then what is lent: what is needed or nothing, and of what is wished no more than a share of what is left.
        free := greatest(limited - total, 0);
        more := 0;
        IF NOT ours THEN
            verdict := 3;
        ELSIF closed THEN
            verdict := 2;
        ELSIF needs[n] > free THEN
            verdict := 1;
        ELSE
            verdict := 0;
            more := greatest(needs[n], least(wants[n], free / (2 * (p.looked_alive + 1))));
        END IF;
        total := total + more;
        IF more > 0 THEN
            p.lent_limit := limited; p.lent_committed := total; p.lent_at := clock;
        END IF;

        INSERT INTO budget_entries (org_id, pot, kind, amount, holder)
        SELECT p.org_id, p.id, e.kind, e.amount, me
        FROM (VALUES ('return', back - was.returned), ('overrun', over), ('grant', more)) AS e (kind, amount) WHERE e.amount > 0;
        IF more > 0 OR back > was.returned OR over > 0 OR was.seen_at < clock - interval '5 seconds' THEN
            INSERT INTO budget_leases AS l (org_id, pot, holder, granted, returned, seen_at)
            VALUES (p.org_id, p.id, me, was.granted + over + more, back, clock)
            ON CONFLICT (org_id, pot, holder) DO UPDATE SET granted = excluded.granted, returned = excluded.returned, seen_at = excluded.seen_at;
        END IF;

        IF verdict = 1 AND (p.short_at IS NULL OR p.short_at < clock - interval '200 milliseconds' OR p.short_at > clock) THEN
            p.short_at := clock; p.short_by := me; touched := true;
            IF EXISTS (SELECT FROM budget_leases l LEFT JOIN budget_settlements s USING (org_id, pot, holder)
                WHERE l.org_id = p.org_id AND l.pot = p.id AND l.holder <> me AND l.granted - l.returned > coalesce(s.settled, 0)) THEN
                PERFORM pg_notify('tollgate_budget', p.org_id || ' ' || replace(p.id::text, '-', ''));
            END IF;
        END IF;
        IF touched OR total <> p.committed OR more > 0 THEN
            UPDATE budget_pots u SET committed = total, lent_limit = p.lent_limit, lent_committed = p.lent_committed, lent_at = p.lent_at,
                short_at = p.short_at, short_by = p.short_by,
                looked_at = p.looked_at, looked_posted = p.looked_posted, looked_alive = p.looked_alive
            WHERE u.org_id = p.org_id AND u.id = p.id;
        END IF;

        granted := was.granted + over + more;
        committed := total;
        posted := CASE WHEN p.closed_at IS NULL THEN p.looked_posted + p.adjusted ELSE total END;
        alive := p.looked_alive + 1;
        RETURN NEXT;
    END LOOP;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION budget_limit(text, text, text, text, timestamptz), budget_birth(text, uuid), budget_cover(text, uuid), budget_settle(text[], text[], uuid[], uuid[], bigint[]),
    budget_exchange(uuid, text, text, text[], text[], text[], text[], timestamptz[], timestamptz[], uuid[], bigint[], bigint[], bigint[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budget_limit(text, text, text, text, timestamptz), budget_birth(text, uuid), budget_cover(text, uuid), budget_settle(text[], text[], uuid[], uuid[], bigint[]),
    budget_exchange(uuid, text, text, text[], text[], text[], text[], timestamptz[], timestamptz[], uuid[], bigint[], bigint[], bigint[], timestamptz) TO tollgate_system;

-- +goose Down
DROP FUNCTION budget_exchange(uuid, text, text, text[], text[], text[], text[], timestamptz[], timestamptz[], uuid[], bigint[], bigint[], bigint[], timestamptz);
DROP FUNCTION budget_settle(text[], text[], uuid[], uuid[], bigint[]);
DROP FUNCTION budget_cover(text, uuid);
DROP FUNCTION budget_birth(text, uuid);
DROP FUNCTION budget_limit(text, text, text, text, timestamptz);
DROP VIEW budget_standings;
DROP TABLE budget_checks;
DROP TABLE budget_entries;
DROP FUNCTION budget_entries_stand();
DROP TABLE budget_settlements;
DROP TABLE budget_leases;
DROP TABLE budget_holders;
DROP TABLE budget_pots;
DROP TABLE budget_raises;
DROP TABLE budget_limits;
DROP TABLE budgets;
