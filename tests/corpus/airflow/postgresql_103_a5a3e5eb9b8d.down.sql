-- apache-airflow-core 3.3.2, revision a5a3e5eb9b8d, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade a5a3e5eb9b8d -> 55297ae24532

ALTER TABLE task_instance_history
            ALTER
            COLUMN external_executor_id TYPE VARCHAR(250)
            USING CASE
                WHEN external_executor_id IS NOT NULL THEN external_executor_id::VARCHAR(250)
                ELSE NULL
            END;

ALTER TABLE task_instance
            ALTER
            COLUMN external_executor_id TYPE VARCHAR(250)
            USING CASE
                WHEN external_executor_id IS NOT NULL THEN external_executor_id::VARCHAR(250)
                ELSE NULL
            END;

UPDATE alembic_version SET version_num='55297ae24532' WHERE alembic_version.version_num = 'a5a3e5eb9b8d';

COMMIT;
