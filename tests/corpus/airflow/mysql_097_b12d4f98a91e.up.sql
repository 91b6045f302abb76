-- apache-airflow-core 3.3.2, revision b12d4f98a91e, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 665854ef0536 -> b12d4f98a91e

ALTER TABLE connection DROP FOREIGN KEY connection_team_id_fkey;

ALTER TABLE variable DROP FOREIGN KEY variable_team_id_fkey;

ALTER TABLE slot_pool DROP FOREIGN KEY slot_pool_team_id_fkey;

ALTER TABLE dag_bundle_team DROP FOREIGN KEY dag_bundle_team_team_id_fkey;

DROP INDEX idx_dag_bundle_team_team_id ON dag_bundle_team;

ALTER TABLE connection CHANGE team_id team_name VARCHAR(50) NULL;

ALTER TABLE variable CHANGE team_id team_name VARCHAR(50) NULL;

ALTER TABLE slot_pool CHANGE team_id team_name VARCHAR(50) NULL;

ALTER TABLE dag_bundle_team CHANGE team_id team_name VARCHAR(50) NOT NULL;

ALTER TABLE team DROP PRIMARY KEY;

ALTER TABLE team DROP INDEX team_name_uq;

ALTER TABLE team DROP COLUMN id;

ALTER TABLE team ADD CONSTRAINT team_pkey PRIMARY KEY (name);

CREATE INDEX idx_dag_bundle_team_team_name ON dag_bundle_team (team_name);

ALTER TABLE dag_bundle_team ADD CONSTRAINT dag_bundle_team_team_name_fkey FOREIGN KEY(team_name) REFERENCES team (name) ON DELETE CASCADE;

ALTER TABLE connection ADD CONSTRAINT connection_team_name_fkey FOREIGN KEY(team_name) REFERENCES team (name) ON DELETE SET NULL;

ALTER TABLE variable ADD CONSTRAINT variable_team_name_fkey FOREIGN KEY(team_name) REFERENCES team (name) ON DELETE SET NULL;

ALTER TABLE slot_pool ADD CONSTRAINT slot_pool_team_name_fkey FOREIGN KEY(team_name) REFERENCES team (name) ON DELETE SET NULL;

UPDATE alembic_version SET version_num='b12d4f98a91e' WHERE alembic_version.version_num = '665854ef0536';
