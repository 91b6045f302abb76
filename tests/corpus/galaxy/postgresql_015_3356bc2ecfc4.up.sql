-- galaxy-data 26.1.2, revision 3356bc2ecfc4, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence MIT, see ../README.md
BEGIN;

-- Running upgrade 460d0ecd1dd8 -> 3356bc2ecfc4

DROP VIEW IF EXISTS collection_job_state_summary_view;

UPDATE alembic_version SET version_num='3356bc2ecfc4' WHERE alembic_version.version_num = '460d0ecd1dd8';

COMMIT;
