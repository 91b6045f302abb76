-- neutron 29.0.0, revision c879c5e1ee90, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade 89ab9a816d70 -> c879c5e1ee90

ALTER TABLE subnets ADD COLUMN segment_id VARCHAR(36);

ALTER TABLE subnets ADD FOREIGN KEY(segment_id) REFERENCES networksegments (id);

UPDATE alembic_version SET version_num='c879c5e1ee90' WHERE alembic_version.version_num = '89ab9a816d70';

COMMIT;
