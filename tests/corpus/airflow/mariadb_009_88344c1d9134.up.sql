-- apache-airflow-core 3.3.2, revision 88344c1d9134, upgrade, mariadb; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 10b52ebd31f7 -> 88344c1d9134

DROP INDEX IF EXISTS ti_state_incl_start_date ON task_instance;

UPDATE alembic_version SET version_num='88344c1d9134' WHERE alembic_version.version_num = '10b52ebd31f7';
