-- manila 23.0.1, revision d5db24264f5c, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 927920b37453 -> d5db24264f5c

ALTER TABLE share_groups ADD COLUMN consistent_snapshot_support ENUM('pool','host');

UPDATE alembic_version SET version_num='d5db24264f5c' WHERE alembic_version.version_num = '927920b37453';
