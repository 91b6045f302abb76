-- prefect 3.9.1, revision 54c1876c68ae, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade 41e5ed9e1034 -> 54c1876c68ae

COMMIT;

CREATE INDEX CONCURRENTLY ix_flow_run__scheduler_deployment_id_auto_scheduled_next_scheduled_start_time 
            ON flow_run (deployment_id, auto_scheduled, next_scheduled_start_time) 
            WHERE state_type = 'SCHEDULED';;

BEGIN;

UPDATE alembic_version SET version_num='54c1876c68ae' WHERE alembic_version.version_num = '41e5ed9e1034';

COMMIT;
