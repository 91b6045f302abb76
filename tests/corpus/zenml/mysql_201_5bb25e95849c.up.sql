-- zenml 0.98.0, revision 5bb25e95849c, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 0.83.1 -> 5bb25e95849c

ALTER TABLE secret ADD COLUMN internal BOOL;

UPDATE secret 
            SET internal = TRUE 
            WHERE id IN (
                SELECT DISTINCT secret_id 
                FROM service_connector 
                WHERE secret_id IS NOT NULL
            );;

UPDATE secret 
            SET internal = FALSE 
            WHERE internal IS NULL;;

ALTER TABLE secret MODIFY internal BOOL NOT NULL;

UPDATE alembic_version SET version_num='5bb25e95849c' WHERE alembic_version.version_num = '0.83.1';
