-- manila 23.0.1, revision d5db24264f5c, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade d5db24264f5c -> 927920b37453

ALTER TABLE share_groups DROP COLUMN consistent_snapshot_support;

DROP TYPE consistent_snapshot_support;

UPDATE alembic_version SET version_num='927920b37453' WHERE alembic_version.version_num = 'd5db24264f5c';

COMMIT;
