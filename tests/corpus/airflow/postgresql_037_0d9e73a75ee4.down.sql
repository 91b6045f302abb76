-- apache-airflow-core 3.3.2, revision 0d9e73a75ee4, downgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running downgrade 0d9e73a75ee4 -> 44eabb1904b4

delete from dataset as d1 where d1.is_orphaned = true and exists (select 1 from dataset as d2 where d1.uri = d2.uri and d2.is_orphaned = false);

with unique_dataset as (select min(id) as min_id, uri as uri from dataset group by id),
        duplicate_dataset_id as (
            select id from dataset join unique_dataset
            on dataset.uri = unique_dataset.uri
            where dataset.id > unique_dataset.min_id
        )
        delete from dataset where id in (select * from duplicate_dataset_id);

DROP INDEX idx_dataset_name_uri_unique;

CREATE UNIQUE INDEX idx_uri_unique ON dataset (uri);

ALTER TABLE dataset DROP COLUMN "group";

ALTER TABLE dataset DROP COLUMN name;

ALTER TABLE dataset ALTER COLUMN uri TYPE VARCHAR(3000);

ALTER TABLE dataset ALTER COLUMN uri SET NOT NULL;

DROP INDEX idx_dataset_alias_name_unique;

CREATE UNIQUE INDEX idx_name_unique ON dataset_alias (name);

UPDATE alembic_version SET version_num='44eabb1904b4' WHERE alembic_version.version_num = '0d9e73a75ee4';

COMMIT;
