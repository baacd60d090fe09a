package postgres_test

// tenantTables is every table that is not on the list of global ones, with the column that holds its organization.
// Partitions are reached through their parent only and have a rule of their own.
const tenantTables = `(SELECT c.oid, c.relname::text AS name, c.relrowsecurity, c.relforcerowsecurity,
		CASE c.relname WHEN 'orgs' THEN 'id' ELSE 'org_id' END AS owner_column
	FROM pg_class c
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND c.relname <> ALL (@global::text[])) AS t`

// A rule is a query that names the objects which break it.
type rule struct{ says, sql string }

// seal is the condition of the policy named tenant, as the server prints it.
const seal = `format('(%I = NULLIF(current_setting(''app.org_id''::text, true), ''''::text))', t.owner_column)`

var rules = []rule{
	{"needs org_id text NOT NULL, or a line in testdata/global_tables.txt", `
		SELECT t.name FROM {tenant} WHERE NOT EXISTS (SELECT FROM pg_attribute a
			WHERE a.attrelid = t.oid AND a.attname = t.owner_column AND a.attnotnull AND a.atttypid = 'text'::regtype AND NOT a.attisdropped)`},
	{"org_id must refer to orgs (id), alone or through a table that does", `
		SELECT t.name FROM {tenant} WHERE t.name <> 'orgs' AND NOT EXISTS (
			SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'org_id' AND a.attnum = ANY (f.conkey)
			WHERE f.conrelid = t.oid AND f.contype = 'f')`},
	{"row-level security must be enabled and forced (SELECT tenant_wall('...'))", `
		SELECT t.name FROM {tenant} WHERE NOT (t.relrowsecurity AND t.relforcerowsecurity)`},
	{"must have exactly the policies tenant and system of tenant_wall", `
		SELECT t.name FROM {tenant} WHERE 2 <> (SELECT count(*) FROM pg_policy p WHERE p.polrelid = t.oid)
			OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'tenant' AND p.polpermissive AND p.polcmd = '*'
				AND p.polroles = ARRAY['tollgate_app'::regrole::oid]
				AND pg_get_expr(p.polqual, t.oid) = ` + seal + ` AND pg_get_expr(p.polwithcheck, t.oid) = ` + seal + `)
			OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'system' AND p.polpermissive AND p.polcmd = '*'
				AND p.polroles = ARRAY['tollgate_system'::regrole::oid]
				AND pg_get_expr(p.polqual, t.oid) = 'true' AND pg_get_expr(p.polwithcheck, t.oid) = 'true')`},
	{"needs a primary key", `
		SELECT t.name FROM {tenant} WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)`},
	// A unique index without the organization tells one tenant what another has. A hash of random bits tells nothing.
	{"a unique index must carry the organization, unless it is over one bytea hash", `
		SELECT t.name || '.' || i.indexrelid::regclass FROM {tenant} JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
		WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = t.owner_column AND a.attnum = ANY (i.indkey))
			AND NOT (i.indnkeyatts = 1 AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0]
				AND a.atttypid = 'bytea'::regtype AND a.attname LIKE '%hash'))`},
	{"an exclusion constraint must carry the organization", `
		SELECT t.name || '.' || x.conname FROM {tenant} JOIN pg_constraint x ON x.conrelid = t.oid AND x.contype = 'x'
		WHERE pg_get_constraintdef(x.oid) !~ ('\m' || t.owner_column || '\M')`},
	// Foreign keys are checked past row policies: without the organization one accepts another tenant's row.
	{"a foreign key to a tenant's table must pair org_id with its organization", `
		SELECT f.conrelid::regclass || '.' || f.conname FROM {tenant} JOIN pg_constraint f ON f.confrelid = t.oid AND f.contype = 'f'
		WHERE NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS pair (here, there)
			JOIN pg_attribute h ON h.attrelid = f.conrelid AND h.attnum = pair.here AND h.attname = 'org_id'
			JOIN pg_attribute r ON r.attrelid = t.oid AND r.attnum = pair.there AND r.attname = t.owner_column)`},
	{"is on the list of global tables with access system: needs system_wall, and only that", `
		SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (@system::text[])
			AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity
				OR 1 <> (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
				OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'system' AND p.polroles = ARRAY['tollgate_system'::regrole::oid]))`},
	{"is on the list of global tables and does not exist", `
		SELECT name FROM unnest(@global::text[]) AS name WHERE to_regclass('public.' || quote_ident(name)) IS NULL`},
	{"grants the application more than testdata/global_tables.txt allows", `
		SELECT c.relname || ' ' || p FROM unnest(@global::text[], @allowed::text[]) AS g (name, may)
			JOIN pg_class c ON c.relnamespace = 'public'::regnamespace AND c.relname = g.name,
			unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
		WHERE p <> ALL (string_to_array(g.may, ',')) AND CASE WHEN p IN ('DELETE', 'TRUNCATE') THEN has_table_privilege('tollgate_app', c.oid, p)
			ELSE has_any_column_privilege('tollgate_app', c.oid, p) END`},
	// TRUNCATE is not subject to row policies.
	{"grants TRUNCATE, which row policies do not bind", `
		SELECT c.relname || ' ' || r FROM pg_class c, unnest(ARRAY['tollgate_app', 'tollgate_system']) AS r
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege(r, c.oid, 'TRUNCATE')`},
	{"grants rights to everybody", `
		SELECT c.relname::text FROM pg_class c, aclexplode(c.relacl) AS g
		WHERE c.relnamespace = 'public'::regnamespace AND g.grantee = 0
		UNION SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) AS g
		WHERE c.relnamespace = 'public'::regnamespace AND g.grantee = 0`},
	// A partition that is queried by its own name obeys its own policies, not its parent's.
	{"is a partition and grants rights", `
		SELECT DISTINCT c.relname || ' ' || r FROM pg_class c, unnest(ARRAY['tollgate_app', 'tollgate_system']) AS r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p
		WHERE c.relnamespace = 'public'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p') AND has_any_column_privilege(r, c.oid, p)`},
	{"is a view and must be made WITH (security_invoker = true)", `
		SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
			AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)`},
	{"is a materialized view, which has no row policies", `
		SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'm'`},
	{"is SECURITY DEFINER and not in testdata/security_definer.txt", `
		SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.proname <> ALL (@definers::text[])`},
	{"is a role that may walk through the wall, log in, or own a table", `
		SELECT r.rolname::text FROM pg_roles r WHERE r.rolname IN ('tollgate_app', 'tollgate_system')
			AND (r.rolsuper OR r.rolbypassrls OR r.rolcanlogin OR r.rolcreaterole
				OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)
				OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid))`},
	{"is a schema that the wall test does not know", `
		SELECT nspname::text FROM pg_namespace WHERE nspname NOT IN ('public', 'information_schema') AND nspname NOT LIKE 'pg\_%'`},
}
