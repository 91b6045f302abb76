-- apache-airflow-core 3.3.2, revision 686269002441, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade bff083ad727d -> 686269002441

ALTER TABLE connection DROP CONSTRAINT IF EXISTS unique_conn_id;

ALTER TABLE connection DROP CONSTRAINT IF EXISTS connection_conn_id_uq;

ALTER TABLE connection ADD CONSTRAINT connection_conn_id_uq UNIQUE (conn_id);

UPDATE dag SET max_consecutive_failed_dag_runs='0';

ALTER TABLE dag ALTER COLUMN max_consecutive_failed_dag_runs SET NOT NULL;

ALTER TABLE task_instance DROP CONSTRAINT task_instance_dag_run_fkey;

ALTER TABLE task_reschedule DROP CONSTRAINT task_reschedule_dr_fkey;

ALTER TABLE dag_run DROP CONSTRAINT IF EXISTS dag_run_dag_id_execution_date_uq;

ALTER TABLE dag_run DROP CONSTRAINT IF EXISTS dag_run_dag_id_run_id_uq;

ALTER TABLE dag_run DROP CONSTRAINT IF EXISTS dag_run_dag_id_execution_date_key;

ALTER TABLE dag_run DROP CONSTRAINT IF EXISTS dag_run_dag_id_run_id_key;

ALTER TABLE dag_run ADD CONSTRAINT dag_run_dag_id_execution_date_key UNIQUE (dag_id, execution_date);

ALTER TABLE dag_run ADD CONSTRAINT dag_run_dag_id_run_id_key UNIQUE (dag_id, run_id);

ALTER TABLE task_instance ADD CONSTRAINT task_instance_dag_run_fkey FOREIGN KEY(dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE;

ALTER TABLE task_reschedule ADD CONSTRAINT task_reschedule_dr_fkey FOREIGN KEY(dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE;

UPDATE alembic_version SET version_num='686269002441' WHERE alembic_version.version_num = 'bff083ad727d';

COMMIT;
