-- zenml 0.98.0, revision 1cb6477f72d6, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade 1cb6477f72d6 -> c22561cbb3a9

ALTER TABLE step_run_output_artifact ADD COLUMN type TEXT;

UPDATE step_run_output_artifact
        SET type = (
            SELECT max(artifact_version.save_type)
            FROM artifact_version
            WHERE step_run_output_artifact.artifact_id = artifact_version.id
            GROUP BY artifact_id
        );

UPDATE step_run_output_artifact
        SET type = 'default'
        WHERE step_run_output_artifact.type = 'step_output';

ALTER TABLE step_run_output_artifact ALTER COLUMN type SET NOT NULL;

ALTER TABLE artifact_version DROP COLUMN save_type;

UPDATE alembic_version SET version_num='c22561cbb3a9' WHERE alembic_version.version_num = '1cb6477f72d6';

COMMIT;
