-- octavia 19.0.0, revision 9bf4d21caaea, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade 8c0851bdf6c3 -> 9bf4d21caaea

ALTER TABLE listener_statistics ADD COLUMN amphora_id VARCHAR(36) NOT NULL;

ALTER TABLE listener_statistics DROP CONSTRAINT fk_listener_statistics_listener_id;

ALTER TABLE listener_statistics DROP CONSTRAINT "PRIMARY";

ALTER TABLE listener_statistics ADD CONSTRAINT pk_listener_statistics PRIMARY KEY (listener_id, amphora_id);

ALTER TABLE listener_statistics ADD CONSTRAINT fk_listener_statistics_listener_id FOREIGN KEY(listener_id) REFERENCES listener (id);

ALTER TABLE listener_statistics ADD CONSTRAINT fk_listener_statistic_amphora_id FOREIGN KEY(amphora_id) REFERENCES amphora (id);

UPDATE alembic_version SET version_num='9bf4d21caaea' WHERE alembic_version.version_num = '8c0851bdf6c3';

COMMIT;
