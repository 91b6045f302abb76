-- apache-superset 6.1.0, revision c878781977c6, upgrade, sqlite; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 73fd22e742ab -> c878781977c6

CREATE TABLE _alembic_tmp_report_schedule (
    id INTEGER NOT NULL, 
    type VARCHAR(50) NOT NULL, 
    name VARCHAR(150) NOT NULL, 
    description TEXT, 
    context_markdown TEXT, 
    active BOOLEAN, 
    crontab VARCHAR(1000) NOT NULL, 
    sql TEXT, 
    chart_id INTEGER, 
    dashboard_id INTEGER, 
    database_id INTEGER, 
    last_eval_dttm DATETIME, 
    last_state VARCHAR(50), 
    last_value FLOAT, 
    last_value_row_json TEXT, 
    validator_type VARCHAR(100), 
    validator_config_json TEXT, 
    log_retention INTEGER, 
    grace_period INTEGER, 
    working_timeout INTEGER, 
    created_on DATETIME, 
    changed_on DATETIME, 
    created_by_fk INTEGER, 
    changed_by_fk INTEGER, 
    PRIMARY KEY (id), 
    CONSTRAINT uq_report_schedule_name_type UNIQUE (name, type), 
    FOREIGN KEY(created_by_fk) REFERENCES ab_user (id), 
    FOREIGN KEY(dashboard_id) REFERENCES dashboards (id), 
    FOREIGN KEY(database_id) REFERENCES dbs (id), 
    FOREIGN KEY(chart_id) REFERENCES slices (id), 
    FOREIGN KEY(changed_by_fk) REFERENCES ab_user (id)
);

INSERT INTO _alembic_tmp_report_schedule (id, type, name, description, context_markdown, active, crontab, sql, chart_id, dashboard_id, database_id, last_eval_dttm, last_state, last_value, last_value_row_json, validator_type, validator_config_json, log_retention, grace_period, working_timeout, created_on, changed_on, created_by_fk, changed_by_fk) SELECT report_schedule.id, report_schedule.type, report_schedule.name, report_schedule.description, report_schedule.context_markdown, report_schedule.active, report_schedule.crontab, report_schedule.sql, report_schedule.chart_id, report_schedule.dashboard_id, report_schedule.database_id, report_schedule.last_eval_dttm, report_schedule.last_state, report_schedule.last_value, report_schedule.last_value_row_json, report_schedule.validator_type, report_schedule.validator_config_json, report_schedule.log_retention, report_schedule.grace_period, report_schedule.working_timeout, report_schedule.created_on, report_schedule.changed_on, report_schedule.created_by_fk, report_schedule.changed_by_fk 
FROM report_schedule;

DROP TABLE report_schedule;

ALTER TABLE _alembic_tmp_report_schedule RENAME TO report_schedule;

UPDATE alembic_version SET version_num='c878781977c6' WHERE alembic_version.version_num = '73fd22e742ab';
