-- octavia 19.0.0, revision fac584114642, upgrade, mariadb; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade fc5582da7d8a -> fac584114642

ALTER TABLE health_monitor ADD COLUMN id VARCHAR(36);

ALTER TABLE health_monitor DROP FOREIGN KEY fk_health_monitor_pool_id;

UPDATE health_monitor SET id = pool_id;

ALTER TABLE health_monitor MODIFY id varchar(36) NOT NULL;

ALTER TABLE health_monitor DROP PRIMARY KEY,ADD PRIMARY KEY(id);;

ALTER TABLE health_monitor ADD CONSTRAINT fk_health_monitor_pool_id FOREIGN KEY(pool_id) REFERENCES pool (id);

CREATE UNIQUE INDEX uq_health_monitor_pool ON health_monitor (pool_id);

UPDATE alembic_version SET version_num='fac584114642' WHERE alembic_version.version_num = 'fc5582da7d8a';
