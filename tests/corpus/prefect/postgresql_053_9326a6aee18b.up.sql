-- prefect 3.9.1, revision 9326a6aee18b, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade d481d5058a19 -> 9326a6aee18b

ALTER TYPE state_type ADD VALUE IF NOT EXISTS 'CANCELLING';;

UPDATE alembic_version SET version_num='9326a6aee18b' WHERE alembic_version.version_num = 'd481d5058a19';

COMMIT;
