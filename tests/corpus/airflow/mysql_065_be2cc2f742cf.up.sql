-- apache-airflow-core 3.3.2, revision be2cc2f742cf, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade d469d27e2a64 -> be2cc2f742cf

DELETE FROM dag_priority_parsing_request;

ALTER TABLE dag_priority_parsing_request ADD COLUMN bundle_name VARCHAR(250) NOT NULL;

ALTER TABLE dag_priority_parsing_request ADD COLUMN relative_fileloc VARCHAR(2000) NOT NULL;

ALTER TABLE dag_priority_parsing_request DROP COLUMN fileloc;

UPDATE alembic_version SET version_num='be2cc2f742cf' WHERE alembic_version.version_num = 'd469d27e2a64';
