-- +goose Up
-- The version of the configuration, for those who keep a copy of it. Every statement that changes what a copy holds
-- takes the next revision, writes down what it touched and notifies. The row lock on config_rev is held until commit, so
-- revisions become visible in their order, and "everything above the revision I have" forgets nothing.
CREATE TABLE config_rev (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    rev    bigint  NOT NULL DEFAULT 1,
    pruned bigint  NOT NULL DEFAULT 0 -- changes up to here are no longer in config_change
);
INSERT INTO config_rev DEFAULT VALUES;

-- org_id is '' for what belongs to every organization (the price catalogue). No foreign key: the organization may be gone.
CREATE TABLE config_change (
    rev    bigint      NOT NULL,
    org_id text        NOT NULL,
    kind   text        NOT NULL, -- the table
    id     text        NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX config_change_rev ON config_change (rev);

-- Writers bump and append, in their own transaction and with their own rights; only the system reads what was touched.
GRANT SELECT, UPDATE ON config_rev TO tollgate_app, tollgate_system;
GRANT INSERT ON config_change TO tollgate_app;
GRANT SELECT, INSERT, DELETE ON config_change TO tollgate_system;

-- config_changed(owner column, id column, quiet columns…): a change of quiet columns alone is no change.
-- +goose StatementBegin
CREATE FUNCTION config_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    quiet   text[] := coalesce(TG_ARGV[2:], '{}');
    touched jsonb;
    next    bigint;
BEGIN
    -- Rows as documents, so that one function serves every table.
    IF TG_OP = 'INSERT' THEN
        SELECT jsonb_agg(DISTINCT jsonb_build_array(j ->> TG_ARGV[0], j ->> TG_ARGV[1])) INTO touched
        FROM (SELECT to_jsonb(n) AS j FROM new_rows AS n) AS rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT jsonb_agg(DISTINCT jsonb_build_array(j ->> TG_ARGV[0], j ->> TG_ARGV[1])) INTO touched
        FROM (SELECT to_jsonb(o) AS j FROM old_rows AS o) AS rows;
    ELSE
        SELECT jsonb_agg(DISTINCT jsonb_build_array(j ->> TG_ARGV[0], j ->> TG_ARGV[1])) INTO touched
        FROM ((SELECT to_jsonb(n) - quiet AS j FROM new_rows AS n EXCEPT SELECT to_jsonb(o) - quiet FROM old_rows AS o)
            UNION (SELECT to_jsonb(o) - quiet FROM old_rows AS o EXCEPT SELECT to_jsonb(n) - quiet FROM new_rows AS n)) AS rows;
    END IF;
    IF touched IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE config_rev SET rev = rev + 1 RETURNING rev INTO next;
    INSERT INTO config_change (rev, org_id, kind, id)
    SELECT next, coalesce(t ->> 0, ''), TG_TABLE_NAME, coalesce(t ->> 1, '') FROM jsonb_array_elements(touched) AS t;
    PERFORM pg_notify('tollgate_config', ''); -- one notice a transaction
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- config_watch puts the triggers on a table: config_watch(table, owner column, id column, quiet columns…).
-- +goose StatementBegin
CREATE FUNCTION config_watch(watched regclass, VARIADIC arguments text[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    list text := (SELECT string_agg(quote_literal(a), ', ') FROM unnest(arguments) AS a);
BEGIN
    EXECUTE format('CREATE TRIGGER config_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION config_changed(%s)', watched, list);
    EXECUTE format('CREATE TRIGGER config_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION config_changed(%s)', watched, list);
    EXECUTE format('CREATE TRIGGER config_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION config_changed(%s)', watched, list);
END
$$;
-- +goose StatementEnd

SELECT config_watch('orgs', 'id', 'id');
SELECT config_watch('teams', 'org_id', 'id', 'color_step');
SELECT config_watch('org_deks', 'org_id', 'id');
SELECT config_watch('credentials', 'org_id', 'id', 'last_check_at', 'last_check', 'hint', 'revision', 'updated_at');
SELECT config_watch('keys', 'org_id', 'id', 'last_used_at');
SELECT config_watch('aliases', 'org_id', 'id');
SELECT config_watch('alias_versions', 'org_id', 'alias_id');
SELECT config_watch('prices', '', '');
SELECT config_watch('price_overrides', 'org_id', 'id');

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT tgrelid::regclass AS watched, tgname FROM pg_trigger WHERE tgfoid = 'config_changed'::regproc LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.watched);
    END LOOP;
END
$$;
-- +goose StatementEnd
DROP FUNCTION config_watch(regclass, text[]);
DROP FUNCTION config_changed();
DROP TABLE config_change;
DROP TABLE config_rev;
