-- prefect 3.9.1, revision 7ae9e431e67a, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade 7ae9e431e67a -> 15768c2ec702

ALTER TABLE work_queue DROP COLUMN status;

ALTER TABLE work_pool DROP COLUMN status;

ALTER TABLE deployment DROP COLUMN status;

DROP TYPE work_queue_status;

DROP TYPE work_pool_status;

DROP TYPE deployment_status;

UPDATE alembic_version SET version_num='15768c2ec702' WHERE alembic_version.version_num = '7ae9e431e67a';

COMMIT;
