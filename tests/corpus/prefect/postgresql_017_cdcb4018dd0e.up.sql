-- prefect 3.9.1, revision cdcb4018dd0e, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade 2fe6fe6ca16e -> cdcb4018dd0e

ALTER TABLE flow_run_alert_policy RENAME TO flow_run_notification_policy;

ALTER INDEX pk_flow_run_alert RENAME TO pk_flow_run_notification_policy;;

ALTER INDEX ix_flow_run_alert_policy__name RENAME TO ix_flow_run_notification_policy__name;;

ALTER INDEX ix_flow_run_alert_policy__updated RENAME TO ix_flow_run_notification_policy__updated;;

ALTER TABLE flow_run_alert_queue RENAME TO flow_run_notification_queue;

ALTER INDEX pk_flow_run_alert_queue RENAME TO pk_flow_run_notification_queue;;

ALTER INDEX ix_flow_run_alert_queue__updated RENAME TO ix_flow_run_notification_queue__updated;;

ALTER TABLE flow_run_notification_queue RENAME flow_run_alert_policy_id TO flow_run_notification_policy_id;

UPDATE alembic_version SET version_num='cdcb4018dd0e' WHERE alembic_version.version_num = '2fe6fe6ca16e';

COMMIT;
