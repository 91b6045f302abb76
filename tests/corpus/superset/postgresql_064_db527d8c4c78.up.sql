-- apache-superset 6.1.0, revision db527d8c4c78, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade b318dfe5fb6c -> db527d8c4c78

ALTER TABLE clusters ADD COLUMN verbose_name VARCHAR(250);

ALTER TABLE dbs ADD COLUMN verbose_name VARCHAR(250);

ALTER TABLE dbs ADD UNIQUE (verbose_name);

ALTER TABLE clusters ADD UNIQUE (verbose_name);

UPDATE alembic_version SET version_num='db527d8c4c78' WHERE alembic_version.version_num = 'b318dfe5fb6c';

COMMIT;
