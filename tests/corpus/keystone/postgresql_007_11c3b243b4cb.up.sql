-- keystone 30.0.0, revision 11c3b243b4cb, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade b4f8b3f584e0 -> 11c3b243b4cb

ALTER TABLE service_provider ALTER COLUMN relay_state_prefix DROP DEFAULT;

UPDATE alembic_version SET version_num='11c3b243b4cb' WHERE alembic_version.version_num = 'b4f8b3f584e0';

COMMIT;
