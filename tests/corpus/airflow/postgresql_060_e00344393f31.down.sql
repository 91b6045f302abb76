-- apache-airflow-core 3.3.2, revision e00344393f31, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade e00344393f31 -> 6a9e7a527a88

ALTER TABLE dag_run ADD COLUMN external_trigger BOOLEAN;

UPDATE dag_run SET external_trigger=CASE WHEN (dag_run.run_type = 'manual') THEN true ELSE false END;

UPDATE alembic_version SET version_num='6a9e7a527a88' WHERE alembic_version.version_num = 'e00344393f31';

COMMIT;
