-- neutron 29.0.0, revision 4bcd4df1f426, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 8fd3918ef6f4 -> 4bcd4df1f426

ALTER TABLE ml2_dvr_port_bindings RENAME TO ml2_distributed_port_bindings;

UPDATE alembic_version SET version_num='4bcd4df1f426' WHERE alembic_version.version_num = '8fd3918ef6f4';
