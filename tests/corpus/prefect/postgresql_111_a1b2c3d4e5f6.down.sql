-- prefect 3.9.1, revision a1b2c3d4e5f6, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade a1b2c3d4e5f6 -> 9e83011d1f2a

COMMIT;

DROP INDEX CONCURRENTLY IF EXISTS ix_flow_run__schedule_id_scheduler;;

BEGIN;

UPDATE alembic_version SET version_num='9e83011d1f2a' WHERE alembic_version.version_num = 'a1b2c3d4e5f6';

COMMIT;
