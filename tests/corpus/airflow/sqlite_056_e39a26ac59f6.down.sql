-- apache-airflow-core 3.3.2, revision e39a26ac59f6, downgrade, sqlite; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running downgrade e39a26ac59f6 -> 38770795785f

ALTER TABLE dag_run ADD COLUMN conf_pickle BLOB;

ALTER TABLE dag_run DROP COLUMN conf;

ALTER TABLE dag_run RENAME COLUMN conf_pickle TO conf;

UPDATE alembic_version SET version_num='38770795785f' WHERE alembic_version.version_num = 'e39a26ac59f6';
