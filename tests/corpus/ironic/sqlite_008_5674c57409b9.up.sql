-- ironic 39.0.0, revision 5674c57409b9, upgrade, sqlite; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 242cc6a923b3 -> 5674c57409b9

UPDATE nodes SET provision_state='available' WHERE nodes.provision_state IS NULL;

UPDATE alembic_version SET version_num='5674c57409b9' WHERE alembic_version.version_num = '242cc6a923b3';
