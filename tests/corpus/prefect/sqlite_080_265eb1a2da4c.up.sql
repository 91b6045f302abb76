-- prefect 3.9.1, revision 265eb1a2da4c, upgrade, sqlite; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade c63a0a6dc787 -> 265eb1a2da4c

PRAGMA foreign_keys=OFF;

CREATE TABLE deployment_schedule (
    id CHAR(36) DEFAULT (
    (
        lower(hex(randomblob(4)))
        || '-'
        || lower(hex(randomblob(2)))
        || '-4'
        || substr(lower(hex(randomblob(2))),2)
        || '-'
        || substr('89ab',abs(random()) % 4 + 1, 1)
        || substr(lower(hex(randomblob(2))),2)
        || '-'
        || lower(hex(randomblob(6)))
    )
    ) NOT NULL, 
    created DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')) NOT NULL, 
    updated DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')) NOT NULL, 
    schedule JSON NOT NULL, 
    active BOOLEAN NOT NULL, 
    deployment_id CHAR(36) NOT NULL, 
    CONSTRAINT pk_deployment_schedule PRIMARY KEY (id), 
    CONSTRAINT fk_deployment_schedule__deployment_id__deployment FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);

CREATE INDEX ix_deployment_schedule__deployment_id ON deployment_schedule (deployment_id);

CREATE INDEX ix_deployment_schedule__updated ON deployment_schedule (updated);

ALTER TABLE deployment ADD COLUMN paused BOOLEAN DEFAULT '0' NOT NULL;

CREATE INDEX ix_deployment__paused ON deployment (paused);

INSERT INTO deployment_schedule (deployment_id, schedule, active)
        SELECT
            d.id AS deployment_id,
            d.schedule,
            d.is_schedule_active AS active
        FROM
            deployment d
        WHERE
            d.schedule IS NOT NULL
            and d.schedule != 'null';;

UPDATE deployment SET paused = NOT is_schedule_active where paused = is_schedule_active;;

PRAGMA foreign_keys=ON;

UPDATE alembic_version SET version_num='265eb1a2da4c' WHERE alembic_version.version_num = 'c63a0a6dc787';
