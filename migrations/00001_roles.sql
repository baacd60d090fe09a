-- +goose Up
-- The tenant wall. Two roles that nobody logs in as: a transaction takes one of them on (SET LOCAL ROLE) and has its
-- rights until it ends. tollgate_app sees the rows of the organization in app.org_id and no others; tollgate_system
-- sees all, for what runs before the tenant is known or across tenants. Neither is a superuser nor owns a table.
--
-- Roles belong to the whole server, and several databases (and several migrations at once) share it: each step
-- therefore tolerates that another was faster. A login that may not make roles can run this when an administrator has
-- made both and granted them to it. INHERIT FALSE matters: a login that inherited the roles would see every row without
-- taking one on (servers before 16 cannot say it; postgres.Open warns).
-- +goose StatementBegin
DO $$
DECLARE
    wanted text;
    option text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH SET TRUE, INHERIT FALSE' ELSE '' END;
    member boolean;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tollgate_app', 'tollgate_system'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL; -- made by another migration just now
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'the login % may not make the role %', current_user, wanted
                        USING HINT = format('As an administrator: CREATE ROLE %I NOLOGIN; GRANT %I TO %I%s;', wanted, wanted, current_user, option);
            END;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted AND (rolsuper OR rolbypassrls)) THEN
            RAISE EXCEPTION 'role % may walk through row policies: ALTER ROLE % NOSUPERUSER NOBYPASSRLS', wanted, wanted;
        END IF;
        FOR attempt IN 1..20 LOOP
            -- Servers before 16 know no SET option: there every member may take the role on.
            EXECUTE CASE WHEN option = '' THEN 'SELECT pg_has_role(current_user, $1, ''MEMBER'')'
                         ELSE 'SELECT pg_has_role(current_user, $1, ''SET'')' END INTO member USING wanted;
            EXIT WHEN member;
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user) || option;
            EXCEPTION
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'the login % may not take on the role %', current_user, wanted
                        USING HINT = format('As an administrator: GRANT %I TO %I%s;', wanted, current_user, option);
                WHEN unique_violation OR internal_error THEN
                    PERFORM pg_sleep(0.01); -- another migration grants at the same time
            END;
        END LOOP;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', wanted);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- tenant_wall puts a table behind the wall. owner_column holds the organization; it is org_id everywhere but in orgs.
-- The setting is empty, not NULL, after a transaction that set it: hence nullif.
-- +goose StatementBegin
CREATE FUNCTION tenant_wall(walled regclass, owner_column text DEFAULT 'org_id') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', walled);
    EXECUTE format('CREATE POLICY tenant ON %1$s FOR ALL TO tollgate_app'
        ' USING (%2$I = nullif(current_setting(''app.org_id'', true), ''''))'
        ' WITH CHECK (%2$I = nullif(current_setting(''app.org_id'', true), ''''))', walled, owner_column);
    EXECUTE format('CREATE POLICY system ON %s FOR ALL TO tollgate_system USING (true) WITH CHECK (true)', walled);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO tollgate_app, tollgate_system', walled);
END
$$;
-- +goose StatementEnd

-- system_wall puts a table that belongs to no organization behind the wall: tollgate_system alone reaches it.
-- +goose StatementBegin
CREATE FUNCTION system_wall(walled regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', walled);
    EXECUTE format('CREATE POLICY system ON %s FOR ALL TO tollgate_system USING (true) WITH CHECK (true)', walled);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO tollgate_system', walled);
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION system_wall(regclass);
DROP FUNCTION tenant_wall(regclass, text);
REVOKE ALL ON SCHEMA public FROM tollgate_app, tollgate_system;
-- The roles go only when no other database of the server uses them and we may drop them.
-- +goose StatementBegin
DO $$
DECLARE
    unwanted text;
BEGIN
    FOREACH unwanted IN ARRAY ARRAY['tollgate_app', 'tollgate_system'] LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', unwanted);
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR object_in_use OR internal_error THEN
            NULL;
        END;
    END LOOP;
END
$$;
-- +goose StatementEnd
