-- zenml 0.98.0, revision af27025fe19c, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade 0.91.0 -> af27025fe19c

ALTER TABLE pipeline_snapshot ADD COLUMN is_dynamic BOOLEAN;

UPDATE pipeline_snapshot SET is_dynamic = FALSE WHERE is_dynamic IS NULL;

ALTER TABLE pipeline_snapshot ALTER COLUMN is_dynamic SET NOT NULL;

ALTER TABLE step_configuration ADD COLUMN step_run_id UUID;

ALTER TABLE step_configuration ALTER COLUMN snapshot_id DROP NOT NULL;

ALTER TABLE step_configuration ADD CONSTRAINT unique_step_configuration_for_snapshot_or_step_run UNIQUE (snapshot_id, step_run_id, name);

ALTER TABLE step_configuration DROP CONSTRAINT unique_step_name_for_snapshot;

ALTER TABLE step_configuration ADD CONSTRAINT fk_step_configuration_step_run_id_step_run FOREIGN KEY(step_run_id) REFERENCES step_run (id) ON DELETE CASCADE;

ALTER TABLE step_configuration ADD CONSTRAINT ck_step_configuration_snapshot_step_run_exclusivity CHECK (((snapshot_id IS NULL AND step_run_id IS NOT NULL) OR (snapshot_id IS NOT NULL AND step_run_id IS NULL)));

UPDATE alembic_version SET version_num='af27025fe19c' WHERE alembic_version.version_num = '0.91.0';

COMMIT;
