-- mlflow 3.18.0, revision 1bd49d398cd23, downgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running downgrade 1bd49d398cd23 -> bf29a5ff90ea

DROP TRIGGER IF EXISTS prevent_secrets_aad_mutation;;

DROP TABLE endpoint_tags;

DROP TABLE endpoint_bindings;

DROP TABLE endpoint_model_mappings;

DROP TABLE model_definitions;

DROP TABLE endpoints;

DROP TABLE secrets;

UPDATE alembic_version SET version_num='bf29a5ff90ea' WHERE alembic_version.version_num = '1bd49d398cd23';
