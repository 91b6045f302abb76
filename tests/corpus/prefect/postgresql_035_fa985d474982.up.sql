-- prefect 3.9.1, revision fa985d474982, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade add97ce1937d -> fa985d474982

COMMIT;

CREATE INDEX CONCURRENTLY ix_flow_run__infrastructure_document_id ON flow_run (infrastructure_document_id);

BEGIN;

UPDATE alembic_version SET version_num='fa985d474982' WHERE alembic_version.version_num = 'add97ce1937d';

COMMIT;
