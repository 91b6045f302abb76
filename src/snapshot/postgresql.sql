-- Every object of a database that a migration can make or change, one row each: kind, name, the object it belongs to
-- (`kind name`), attributes as one list of name and value by turns. Runs on PostgreSQL 12 to 18: what only newer catalogues
-- have stands in braces where there are many rows, else it is read from to_jsonb(row), which gives NULL for no such column.
-- Wants an empty search_path, so that all names come out qualified.
WITH member AS MATERIALIZED (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), space AS MATERIALIZED (
    SELECT oid, nspname, pg_catalog.quote_ident(nspname) AS name, nspowner, nspacl
    FROM pg_catalog.pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'alembic_gate')
), named_collation AS MATERIALIZED (
    SELECT l.oid, l.collnamespace::pg_catalog.regnamespace::text || '.' || pg_catalog.quote_ident(l.collname) AS name FROM pg_catalog.pg_collation l
), relation AS MATERIALIZED (
    SELECT c.*, s.name || '.' || pg_catalog.quote_ident(c.relname) AS name,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table' ELSE 'table' END AS kind
    FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid)
), held AS MATERIALIZED (
    SELECT *, kind || ' ' || name AS object FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
), kept_type AS MATERIALIZED (
    SELECT t.*, s.name || '.' || pg_catalog.quote_ident(t.typname) AS name
    FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('b', 'c', 'd', 'e', 'p', 'r')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type a WHERE a.typarray = t.oid)
        AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
        AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)
), granted AS MATERIALIZED (
    -- What stands where nobody granted anything: the same for all objects of an owner.
    SELECT o.owner, k.kind, (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(pg_catalog.acldefault(k.kind, o.owner))) g) AS acl
    FROM (SELECT relowner AS owner FROM relation UNION SELECT typowner FROM kept_type
        UNION SELECT p.proowner FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace) o,
        pg_catalog.unnest('{r,s,T,f}'::"char"[]) AS k(kind)
)
SELECT kind, name, belongs_to, attributes::text FROM (

SELECT 'database' AS kind, 'database' AS name, NULL AS belongs_to, pg_catalog.json_build_array(
    'owner', pg_catalog.pg_get_userbyid(d.datdba), 'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid = d.dattablespace),
    'acl', (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)))) g)) AS attributes
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()

UNION ALL
SELECT 'setting', CASE setrole WHEN 0 THEN 'database' ELSE 'role ' || pg_catalog.pg_get_userbyid(setrole) END || ' ' || pg_catalog.split_part(setting, '=', 1), NULL,
    pg_catalog.json_build_array('value', pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1))
FROM pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) AS setting
WHERE setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())

UNION ALL
SELECT 'schema', name, NULL, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(nspowner),
    'acl', (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(coalesce(nspacl, pg_catalog.acldefault('n', nspowner)))) g))
FROM space
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.objid = space.oid)

UNION ALL
SELECT 'extension', pg_catalog.quote_ident(e.extname), NULL, pg_catalog.json_build_array('version', e.extversion,
    'schema', e.extnamespace::pg_catalog.regnamespace::text, 'owner', pg_catalog.pg_get_userbyid(e.extowner))
FROM pg_catalog.pg_extension e WHERE e.extname <> 'plpgsql'

UNION ALL
SELECT c.kind, c.name, 'schema ' || c.relnamespace::pg_catalog.regnamespace::text, pg_catalog.json_build_array(
    'owner', pg_catalog.pg_get_userbyid(c.relowner), 'persistence', c.relpersistence::text, 'partitioned', pg_catalog.pg_get_partkeydef(c.oid),
    'bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid),
    'parents', (SELECT pg_catalog.string_agg(i.inhparent::pg_catalog.regclass::text || CASE WHEN pg_catalog.to_jsonb(i) ->> 'inhdetachpending' = 'true' THEN ' (detach pending)' ELSE '' END,
        ', ' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
    'of_type', CASE WHEN c.reloftype <> 0 THEN c.reloftype::pg_catalog.regtype::text END,
    'options', (SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C") FROM pg_catalog.unnest(c.reloptions) o),
    'toast_options', (SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C") FROM pg_catalog.pg_class t, pg_catalog.unnest(t.reloptions) o WHERE t.oid = c.reltoastrelid),
    'row_security', NULLIF(c.relrowsecurity, false), 'force_row_security', NULLIF(c.relforcerowsecurity, false),
    'replica_identity', CASE WHEN c.relkind IN ('r', 'p', 'm') THEN c.relreplident::text END,
    'access_method', (SELECT amname FROM pg_catalog.pg_am WHERE oid = c.relam),
    'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid = c.reltablespace),
    'populated', CASE WHEN c.relkind = 'm' THEN c.relispopulated END,
    'body', CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END,
    'server', (SELECT s.srvname || ' (' || coalesce(pg_catalog.array_to_string(f.ftoptions, ', '), '') || ')' FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
    'disabled_foreign_keys', (SELECT NULLIF(pg_catalog.count(*), 0) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled <> 'O'),
    'acl', CASE WHEN c.relacl IS NULL THEN (SELECT d.acl FROM granted d WHERE d.kind = 'r' AND d.owner = c.relowner) ELSE (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(c.relacl)) g) END)
FROM held c

UNION ALL
SELECT 'column', c.name || '.' || pg_catalog.quote_ident(a.attname), c.object, pg_catalog.json_build_array(
    'rank', pg_catalog.row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum),
    'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'not_null', NULLIF(a.attnotnull, false),
    'default', CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
    'generated', CASE WHEN a.attgenerated <> '' THEN a.attgenerated::text || ' ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
    'identity', NULLIF(a.attidentity::text, ''),
    'collation', CASE WHEN a.attcollation <> t.typcollation THEN (SELECT l.name FROM named_collation l WHERE l.oid = a.attcollation) END,
    'storage', a.attstorage::text, 'compression', {compression},
    'statistics_target', NULLIF(a.attstattarget, -1),
    'options', pg_catalog.array_to_string(a.attoptions, ', '), 'foreign_options', pg_catalog.array_to_string(a.attfdwoptions, ', '),
    'inherited', CASE WHEN a.attinhcount > 0 THEN a.attinhcount || CASE WHEN a.attislocal THEN ' and local' ELSE '' END END,
    'acl', CASE WHEN a.attacl IS NOT NULL THEN (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(a.attacl)) g) END)
FROM held c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum

UNION ALL
SELECT 'constraint', coalesce(c.name, ty.name) || '.' || pg_catalog.quote_ident(x.conname),
    CASE WHEN x.contype = 'n' AND c.name IS NOT NULL THEN 'column ' || c.name || '.' || (SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = x.conrelid AND a.attnum = x.conkey[1])
        ELSE coalesce(c.object, 'type ' || ty.name) END,
    pg_catalog.json_build_array('own_name', pg_catalog.quote_ident(x.conname),
    'type', x.contype::text, 'definition', pg_catalog.pg_get_constraintdef(x.oid),
    'validated', x.convalidated, 'enforced', {enforced},
    'deferrable', NULLIF(x.condeferrable, false), 'deferred', NULLIF(x.condeferred, false), 'no_inherit', NULLIF(x.connoinherit, false),
    'inherited', CASE WHEN x.coninhcount > 0 THEN x.coninhcount || CASE WHEN x.conislocal THEN ' and local' ELSE '' END END,
    'index', CASE WHEN x.contype IN ('p', 'u', 'x') THEN (SELECT pg_catalog.concat_ws(', ', pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .*? USING ', ''),
        CASE WHEN NOT i.indisvalid THEN 'invalid' END, CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END,
        (SELECT 'tablespace ' || spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = ic.reltablespace))
        FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid WHERE i.indexrelid = x.conindid) END)
FROM pg_catalog.pg_constraint x
LEFT JOIN held c ON c.oid = x.conrelid
LEFT JOIN kept_type ty ON ty.oid = x.contypid
WHERE x.contype <> 't' AND (c.oid IS NOT NULL OR ty.oid IS NOT NULL)
    AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND m.objid = x.oid)

UNION ALL
SELECT 'index', r.name, c.object, pg_catalog.json_build_array('own_name', pg_catalog.quote_ident(r.relname), 'table', c.name,
    'definition', pg_catalog.replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' INDEX ' || pg_catalog.quote_ident(r.relname) || ' ON ', ' INDEX ON '),
    'valid', i.indisvalid, 'ready', i.indisready, 'clustered', NULLIF(i.indisclustered, false), 'replica_identity', NULLIF(i.indisreplident, false),
    'parents', (SELECT pg_catalog.string_agg(h.inhparent::pg_catalog.regclass::text, ', ') FROM pg_catalog.pg_inherits h WHERE h.inhrelid = r.oid),
    'statistics_targets', (SELECT pg_catalog.string_agg(a.attnum || '=' || a.attstattarget, ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attstattarget >= 0),
    'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = r.reltablespace))
FROM pg_catalog.pg_index i JOIN relation r ON r.oid = i.indexrelid JOIN held c ON c.oid = i.indrelid
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint x WHERE x.conindid = i.indexrelid AND x.contype IN ('p', 'u', 'x'))

UNION ALL
SELECT 'sequence', r.name, coalesce('column ' || o.name, 'schema ' || r.relnamespace::pg_catalog.regnamespace::text), pg_catalog.json_build_array('type', s.seqtypid::pg_catalog.regtype::text, 'start', s.seqstart, 'increment', s.seqincrement,
    'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', NULLIF(s.seqcycle, false), 'owned_by', o.name,
    'persistence', r.relpersistence::text, 'owner', pg_catalog.pg_get_userbyid(r.relowner),
    'acl', CASE WHEN r.relacl IS NULL THEN (SELECT d.acl FROM granted d WHERE d.kind = 's' AND d.owner = r.relowner) ELSE (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(r.relacl)) g) END)
FROM relation r JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid
LEFT JOIN (SELECT DISTINCT ON (d.objid) d.objid, c.name || '.' || pg_catalog.quote_ident(a.attname) AS name FROM pg_catalog.pg_depend d
    JOIN relation c ON c.oid = d.refobjid JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') ORDER BY d.objid, d.refobjid, d.refobjsubid) o ON o.objid = r.oid

UNION ALL
SELECT 'type', t.name, 'schema ' || t.typnamespace::pg_catalog.regnamespace::text, pg_catalog.json_build_array('kind', t.typtype::text, 'owner', pg_catalog.pg_get_userbyid(t.typowner),
    'labels', (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
    'base', CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
    'default', t.typdefault, 'not_null', NULLIF(t.typnotnull, false),
    'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 THEN (SELECT l.name FROM named_collation l WHERE l.oid = t.typcollation) END,
    'fields', (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation <> 0 THEN ' collate ' || (SELECT l.name FROM named_collation l WHERE l.oid = a.attcollation) ELSE '' END, ', ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
    'range', (SELECT pg_catalog.concat_ws(', ', pg_catalog.format_type(g.rngsubtype, NULL), (SELECT opcname FROM pg_catalog.pg_opclass WHERE oid = g.rngsubopc),
        CASE WHEN g.rngcollation <> 0 THEN (SELECT l.name FROM named_collation l WHERE l.oid = g.rngcollation) END, g.rngcanonical::text, g.rngsubdiff::text) FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid),
    'base_type', CASE WHEN t.typtype = 'b' THEN pg_catalog.concat_ws(', ', t.typlen, t.typbyval, t.typcategory, t.typalign, t.typstorage, t.typinput, t.typoutput, t.typreceive, t.typsend) END,
    'acl', CASE WHEN t.typacl IS NULL THEN (SELECT d.acl FROM granted d WHERE d.kind = 'T' AND d.owner = t.typowner) ELSE (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(t.typacl)) g) END)
FROM kept_type t

UNION ALL
SELECT 'function', s.name || '.' || pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', 'schema ' || s.name,
    pg_catalog.json_build_array('kind', p.prokind::text, 'owner', pg_catalog.pg_get_userbyid(p.proowner),
    'definition', CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) ELSE pg_catalog.pg_get_function_result(p.oid) || (SELECT (pg_catalog.to_jsonb(g) - 'aggfnoid')::text FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid = p.oid) END,
    'acl', CASE WHEN p.proacl IS NULL THEN (SELECT d.acl FROM granted d WHERE d.kind = 'f' AND d.owner = p.proowner) ELSE (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(p.proacl)) g) END)
FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = p.oid)
    -- The constructors of a range type come and go with it.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.deptype = 'i')

UNION ALL
SELECT 'trigger', c.name || '.' || pg_catalog.quote_ident(t.tgname), c.object,
    pg_catalog.json_build_array('definition', pg_catalog.pg_get_triggerdef(t.oid), 'enabled', t.tgenabled::text)
FROM pg_catalog.pg_trigger t JOIN held c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal

UNION ALL
SELECT 'event_trigger', pg_catalog.quote_ident(t.evtname), NULL, pg_catalog.json_build_array('event', t.evtevent, 'function', t.evtfoid::pg_catalog.regprocedure::text,
    'enabled', t.evtenabled::text, 'tags', pg_catalog.array_to_string(t.evttags, ', '), 'owner', pg_catalog.pg_get_userbyid(t.evtowner))
FROM pg_catalog.pg_event_trigger t WHERE t.evtname NOT LIKE 'alembic\_gate\_%'

UNION ALL
SELECT 'rule', c.name || '.' || pg_catalog.quote_ident(r.rulename), c.object,
    pg_catalog.json_build_array('definition', pg_catalog.pg_get_ruledef(r.oid), 'enabled', r.ev_enabled::text)
FROM pg_catalog.pg_rewrite r JOIN held c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'

UNION ALL
SELECT 'policy', c.name || '.' || pg_catalog.quote_ident(p.polname), c.object, pg_catalog.json_build_array('command', p.polcmd::text, 'permissive', p.polpermissive,
    'roles', (SELECT pg_catalog.string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(r)::text END, ', ' ORDER BY 1) FROM pg_catalog.unnest(p.polroles) r),
    'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p JOIN held c ON c.oid = p.polrelid

UNION ALL
SELECT 'statistics', s.name || '.' || pg_catalog.quote_ident(x.stxname), c.object, pg_catalog.json_build_array('definition', pg_catalog.pg_get_statisticsobjdef(x.oid),
    'target', NULLIF(pg_catalog.to_jsonb(x) ->> 'stxstattarget', '-1'), 'owner', pg_catalog.pg_get_userbyid(x.stxowner))
FROM pg_catalog.pg_statistic_ext x JOIN space s ON s.oid = x.stxnamespace LEFT JOIN held c ON c.oid = x.stxrelid

UNION ALL
SELECT 'comment', i.type || ' ' || i.identity,
    CASE WHEN i.type IN ('table column', 'view column', 'materialized view column', 'foreign table column') THEN 'column ' || i.identity
        WHEN i.identity LIKE '% on %' THEN 'table ' || pg_catalog.regexp_replace(i.identity, '^.* on ', '')
        ELSE pg_catalog.replace(i.type, ' ', '_') || ' ' || i.identity END,
    pg_catalog.json_build_array('text', d.description)
FROM pg_catalog.pg_description d, LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= 16384 AND i.identity IS NOT NULL AND i.identity NOT LIKE 'pg\_toast%' AND i.schema IS DISTINCT FROM 'alembic_gate'
    AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classoid AND m.objid = d.objoid)
    AND d.classoid <> 'pg_catalog.pg_extension'::pg_catalog.regclass

UNION ALL
SELECT 'default_privileges', pg_catalog.concat_ws(' ', pg_catalog.pg_get_userbyid(d.defaclrole), CASE WHEN d.defaclnamespace <> 0 THEN 'in ' || d.defaclnamespace::pg_catalog.regnamespace::text END, d.defaclobjtype), NULL,
    pg_catalog.json_build_array('acl', (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(d.defaclacl)) g))
FROM pg_catalog.pg_default_acl d

UNION ALL
SELECT 'publication', pg_catalog.quote_ident(p.pubname), NULL, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(p.pubowner), 'all_tables', p.puballtables,
    'options', (pg_catalog.to_jsonb(p) - 'oid' - 'pubname' - 'pubowner' - 'puballtables')::text,
    'tables', CASE WHEN NOT p.puballtables THEN (SELECT pg_catalog.string_agg((pg_catalog.to_jsonb(t) - 'pubname')::text, ', ' ORDER BY t.schemaname, t.tablename) FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname) END)
FROM pg_catalog.pg_publication p

UNION ALL
SELECT 'cast', pg_catalog.format_type(c.castsource, NULL) || ' as ' || pg_catalog.format_type(c.casttarget, NULL), NULL, pg_catalog.json_build_array(
    'function', CASE WHEN c.castfunc <> 0 THEN c.castfunc::pg_catalog.regprocedure::text END, 'context', c.castcontext::text, 'method', c.castmethod::text)
FROM pg_catalog.pg_cast c WHERE c.oid >= 16384
    -- That of a range to its multirange comes and goes with it.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'i')
    AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND m.objid = c.oid)

UNION ALL
SELECT 'collation', s.name || '.' || pg_catalog.quote_ident(c.collname), 'schema ' || s.name, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(c.collowner),
    'definition', (pg_catalog.to_jsonb(c) - 'oid' - 'collname' - 'collnamespace' - 'collowner' - 'collversion')::text)
FROM pg_catalog.pg_collation c JOIN space s ON s.oid = c.collnamespace
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND m.objid = c.oid)

UNION ALL
SELECT 'operator', o.oid::pg_catalog.regoperator::text, 'schema ' || s.name, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(o.oprowner),
    'function', o.oprcode::text, 'commutator', NULLIF(o.oprcom, 0)::pg_catalog.regoperator::text, 'negator', NULLIF(o.oprnegate, 0)::pg_catalog.regoperator::text,
    'restrict', NULLIF(o.oprrest, 0)::text, 'join', NULLIF(o.oprjoin, 0)::text, 'merges', o.oprcanmerge, 'hashes', o.oprcanhash)
FROM pg_catalog.pg_operator o JOIN space s ON s.oid = o.oprnamespace
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND m.objid = o.oid)

UNION ALL
SELECT 'operator_class', s.name || '.' || pg_catalog.quote_ident(o.opcname) || ' using ' || a.amname, 'schema ' || s.name, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(o.opcowner),
    'type', pg_catalog.format_type(o.opcintype, NULL), 'default', o.opcdefault, 'key', NULLIF(o.opckeytype, 0)::pg_catalog.regtype::text,
    'family', (SELECT f.opfnamespace::pg_catalog.regnamespace::text || '.' || f.opfname FROM pg_catalog.pg_opfamily f WHERE f.oid = o.opcfamily))
FROM pg_catalog.pg_opclass o JOIN space s ON s.oid = o.opcnamespace JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND m.objid = o.oid)

UNION ALL
SELECT 'operator_family', s.name || '.' || pg_catalog.quote_ident(f.opfname) || ' using ' || a.amname, 'schema ' || s.name, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(f.opfowner),
    'operators', (SELECT pg_catalog.string_agg(o.amopstrategy || ' ' || o.amopopr::pg_catalog.regoperator::text, ', ' ORDER BY o.amopstrategy, o.amopopr) FROM pg_catalog.pg_amop o WHERE o.amopfamily = f.oid),
    'functions', (SELECT pg_catalog.string_agg(p.amprocnum || ' ' || p.amproc::pg_catalog.regprocedure::text, ', ' ORDER BY p.amprocnum, p.amproc) FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = f.oid))
FROM pg_catalog.pg_opfamily f JOIN space s ON s.oid = f.opfnamespace JOIN pg_catalog.pg_am a ON a.oid = f.opfmethod
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND m.objid = f.oid)

UNION ALL
SELECT 'text_search_configuration', s.name || '.' || pg_catalog.quote_ident(c.cfgname), 'schema ' || s.name, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(c.cfgowner),
    'parser', (SELECT prsname FROM pg_catalog.pg_ts_parser p WHERE p.oid = c.cfgparser),
    'mapping', (SELECT pg_catalog.string_agg(m.maptokentype || ' ' || m.mapseqno || ' ' || m.mapdict::pg_catalog.regdictionary::text, ', ' ORDER BY m.maptokentype, m.mapseqno) FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = c.oid))
FROM pg_catalog.pg_ts_config c JOIN space s ON s.oid = c.cfgnamespace
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND m.objid = c.oid)

UNION ALL
SELECT 'text_search_dictionary', s.name || '.' || pg_catalog.quote_ident(d.dictname), 'schema ' || s.name, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(d.dictowner),
    'template', (SELECT tmplname FROM pg_catalog.pg_ts_template t WHERE t.oid = d.dicttemplate), 'options', d.dictinitoption)
FROM pg_catalog.pg_ts_dict d JOIN space s ON s.oid = d.dictnamespace
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND m.objid = d.oid)

UNION ALL
SELECT 'language', pg_catalog.quote_ident(l.lanname), NULL, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(l.lanowner), 'trusted', l.lanpltrusted)
FROM pg_catalog.pg_language l WHERE l.oid >= 16384
    AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_language'::pg_catalog.regclass AND m.objid = l.oid)

UNION ALL
SELECT 'access_method', pg_catalog.quote_ident(a.amname), NULL, pg_catalog.json_build_array('handler', a.amhandler::text, 'type', a.amtype::text)
FROM pg_catalog.pg_am a WHERE a.oid >= 16384
    AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_am'::pg_catalog.regclass AND m.objid = a.oid)

UNION ALL
SELECT 'foreign_data_wrapper', pg_catalog.quote_ident(w.fdwname), NULL, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(w.fdwowner),
    'handler', w.fdwhandler::text, 'options', pg_catalog.array_to_string(w.fdwoptions, ', '))
FROM pg_catalog.pg_foreign_data_wrapper w
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass AND m.objid = w.oid)

UNION ALL
SELECT 'foreign_server', pg_catalog.quote_ident(s.srvname), NULL, pg_catalog.json_build_array('owner', pg_catalog.pg_get_userbyid(s.srvowner),
    'type', s.srvtype, 'version', s.srvversion, 'wrapper', (SELECT fdwname FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.oid = s.srvfdw), 'options', pg_catalog.array_to_string(s.srvoptions, ', '),
    'acl', (SELECT pg_catalog.string_agg(entry, ', ' ORDER BY entry COLLATE pg_catalog."C") FROM (SELECT pg_catalog.format('%s %s%s',
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee) END, privilege_type, CASE WHEN is_grantable THEN '*' END) AS entry
        FROM pg_catalog.aclexplode(coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner)))) g))
FROM pg_catalog.pg_foreign_server s

UNION ALL
-- Its options hold passwords: only that they changed is of interest.
SELECT 'user_mapping', u.usename || ' for ' || u.srvname, 'foreign_server ' || pg_catalog.quote_ident(u.srvname),
    pg_catalog.json_build_array('options_digest', pg_catalog.md5(pg_catalog.array_to_string(u.umoptions, ', ')))
FROM pg_catalog.pg_user_mappings u

UNION ALL
SELECT 'transform', pg_catalog.format_type(t.trftype, NULL) || ' for ' || l.lanname, NULL,
    pg_catalog.json_build_array('from', NULLIF(t.trffromsql, 0)::text, 'to', NULLIF(t.trftosql, 0)::text)
FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_transform'::pg_catalog.regclass AND m.objid = t.oid)

UNION ALL
SELECT 'security_label', l.objtype || ' ' || l.objname || ' by ' || l.provider, NULL, pg_catalog.json_build_array('label', l.label)
FROM pg_catalog.pg_seclabels l WHERE l.objoid >= 16384
) object
