-- zenml 0.98.0, revision af27025fe19c, downgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running downgrade af27025fe19c -> 0.91.0

ALTER TABLE step_configuration DROP CHECK ck_step_configuration_snapshot_step_run_exclusivity;

ALTER TABLE step_configuration DROP FOREIGN KEY fk_step_configuration_step_run_id_step_run;

ALTER TABLE step_configuration DROP INDEX unique_step_name_for_snapshot;

ALTER TABLE step_configuration ADD CONSTRAINT unique_step_name_for_snapshot UNIQUE (snapshot_id, name);

ALTER TABLE step_configuration MODIFY snapshot_id CHAR(32) NOT NULL;

ALTER TABLE step_configuration DROP COLUMN step_run_id;

ALTER TABLE pipeline_snapshot DROP COLUMN is_dynamic;

UPDATE alembic_version SET version_num='0.91.0' WHERE alembic_version.version_num = 'af27025fe19c';
