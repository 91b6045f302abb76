-- magnum 23.0.0, revision 720f640f43d1, upgrade, mariadb; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade fb03fdef8919 -> 720f640f43d1

ALTER TABLE bay CHANGE baymodel_id cluster_template_id VARCHAR(255) NULL;

ALTER TABLE bay CHANGE bay_create_timeout create_timeout INTEGER NULL;

ALTER TABLE bay RENAME TO cluster;

UPDATE alembic_version SET version_num='720f640f43d1' WHERE alembic_version.version_num = 'fb03fdef8919';
