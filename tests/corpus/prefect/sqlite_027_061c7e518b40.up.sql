-- prefect 3.9.1, revision 061c7e518b40, upgrade, sqlite; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade e2dae764a603 -> 061c7e518b40

DELETE FROM block_type WHERE name = 'Debug Print Notification';

UPDATE alembic_version SET version_num='061c7e518b40' WHERE alembic_version.version_num = 'e2dae764a603';
