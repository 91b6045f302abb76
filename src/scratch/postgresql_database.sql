-- Run on `template1` of a new data directory, and on a database that is not made from it: what every scratch database has.

CREATE SCHEMA alembic_gate;

-- Most extensions can only be made by a superuser (all of them up to PostgreSQL 12). Those that stay inside of the
-- database are made as one: `migrator` is lifted for the one statement that makes them. Extensions that reach
-- out (dblink, postgres_fdw, file_fdw, untrusted languages) are not in the list, nor is one that we do not know.
CREATE FUNCTION alembic_gate.lift() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $lift$
DECLARE
    name text;
BEGIN
    IF TG_TAG = 'CREATE EXTENSION' THEN
        FOR name IN SELECT lower((regexp_matches(current_query(),
            'extension\s+(?:if\s+not\s+exists\s+)?"?([a-z0-9_-]+)', 'gi'))[1])
        LOOP
            IF name <> ALL (ARRAY['address_standardizer', 'address_standardizer_data_us', 'age', 'amcheck', 'bloom',
                'btree_gin', 'btree_gist', 'citext', 'cube', 'dict_int', 'dict_xsyn', 'earthdistance', 'fuzzystrmatch',
                'hll', 'hstore', 'hypopg', 'intarray', 'ip4r', 'isn', 'ltree', 'pageinspect', 'pg_buffercache',
                'pg_freespacemap', 'pg_hashids', 'pg_ivm', 'pg_jsonschema', 'pg_prewarm', 'pg_repack', 'pg_stat_statements',
                'pg_trgm', 'pg_uuidv7', 'pg_visibility', 'pgcrypto', 'pgrouting', 'pgrowlocks', 'pgstattuple', 'pgvector',
                'postgis', 'postgis_raster', 'postgis_sfcgal', 'postgis_tiger_geocoder', 'postgis_topology', 'prefix',
                'rum', 'seg', 'semver', 'tablefunc', 'tcn', 'timescaledb', 'tsm_system_rows', 'tsm_system_time',
                'unaccent', 'unit', 'uuid-ossp', 'vector', 'vectorscale', 'xml2'])
            THEN
                RETURN;
            END IF;
        END LOOP;
    ELSIF current_query() ~* 'create\s+extension' THEN
        -- A statement of an extension's own script: its end must not lower what its extension still needs.
        RETURN;
    END IF;
    UPDATE pg_authid SET rolsuper = true WHERE rolname = session_user AND rolname = 'migrator';
END $lift$;

CREATE FUNCTION alembic_gate.lower() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $lower$
BEGIN
    IF TG_TAG <> 'CREATE EXTENSION' AND current_query() ~* 'create\s+extension' THEN
        RETURN;
    END IF;
    UPDATE pg_authid SET rolsuper = false WHERE rolname = 'migrator' AND rolsuper;
END $lower$;

-- Publications of all tables and operator classes are for superusers too, and reach nowhere. Which commands are lifted
-- and which are lowered must be the same, or `migrator` would stay a superuser.
CREATE EVENT TRIGGER alembic_gate_lift ON ddl_command_start
    WHEN TAG IN ('CREATE EXTENSION', 'CREATE PUBLICATION', 'ALTER PUBLICATION', 'CREATE OPERATOR CLASS',
        'CREATE OPERATOR FAMILY', 'ALTER OPERATOR FAMILY')
    EXECUTE FUNCTION alembic_gate.lift();
CREATE EVENT TRIGGER alembic_gate_lower ON ddl_command_end
    WHEN TAG IN ('CREATE EXTENSION', 'CREATE PUBLICATION', 'ALTER PUBLICATION', 'CREATE OPERATOR CLASS',
        'CREATE OPERATOR FAMILY', 'ALTER OPERATOR FAMILY')
    EXECUTE FUNCTION alembic_gate.lower();

-- Up to PostgreSQL 14 the schema `public` belongs to the superuser; as in 15 it shall belong to the owner of the database.
DO $$
BEGIN
    IF current_setting('server_version_num')::int < 150000 THEN
        ALTER SCHEMA public OWNER TO migrator;
    END IF;
END $$;
