-- mlflow 3.18.0, revision c48cb773bb87, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 39d1c3be5f05 -> c48cb773bb87

ALTER TABLE metrics MODIFY is_nan BOOL NOT NULL DEFAULT '0';

ALTER TABLE metrics ADD CHECK (is_nan IN (0, 1));

UPDATE alembic_version SET version_num='c48cb773bb87' WHERE alembic_version.version_num = '39d1c3be5f05';
