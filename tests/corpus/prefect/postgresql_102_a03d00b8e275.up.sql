-- prefect 3.9.1, revision a03d00b8e275, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade c163acd7e8e3 -> a03d00b8e275

COMMIT;

ALTER TABLE deployment_schedule ADD COLUMN slug VARCHAR;

CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_deployment_schedule__slug
            ON deployment_schedule(slug);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS
            ix_deployment_schedule__deployment_id__slug
            ON deployment_schedule(deployment_id, slug)
            WHERE slug IS NOT NULL;;

BEGIN;

UPDATE alembic_version SET version_num='a03d00b8e275' WHERE alembic_version.version_num = 'c163acd7e8e3';

COMMIT;
