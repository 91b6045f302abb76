-- mlflow 3.18.0, revision e7d1f4b2a9c6, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade dc11669786a5 -> e7d1f4b2a9c6

CREATE TABLE skills (
    workspace VARCHAR(63) NOT NULL DEFAULT 'default', 
    organization VARCHAR(64) NOT NULL DEFAULT '', 
    name VARCHAR(128) NOT NULL, 
    description TEXT, 
    icons JSON, 
    search_text TEXT, 
    created_by VARCHAR(256), 
    last_updated_by VARCHAR(256), 
    created_at BIGINT NOT NULL, 
    last_updated_at BIGINT NOT NULL, 
    CONSTRAINT skills_pk PRIMARY KEY (workspace, organization, name)
);

CREATE TABLE skill_versions (
    workspace VARCHAR(63) NOT NULL DEFAULT 'default', 
    organization VARCHAR(64) NOT NULL DEFAULT '', 
    name VARCHAR(128) NOT NULL, 
    version INTEGER NOT NULL, 
    source_type VARCHAR(20), 
    source VARCHAR(2048), 
    ref VARCHAR(2048), 
    subpath VARCHAR(2048), 
    digest VARCHAR(64), 
    status VARCHAR(20) NOT NULL DEFAULT 'active', 
    created_by VARCHAR(256), 
    last_updated_by VARCHAR(256), 
    created_at BIGINT NOT NULL, 
    last_updated_at BIGINT NOT NULL, 
    CONSTRAINT skill_versions_pk PRIMARY KEY (workspace, organization, name, version), 
    CONSTRAINT skill_versions_skill_fkey FOREIGN KEY(workspace, organization, name) REFERENCES skills (workspace, organization, name) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE skill_tags (
    workspace VARCHAR(63) NOT NULL DEFAULT 'default', 
    organization VARCHAR(64) NOT NULL DEFAULT '', 
    name VARCHAR(128) NOT NULL, 
    `key` VARCHAR(250) COLLATE utf8mb4_bin NOT NULL, 
    value MEDIUMTEXT, 
    CONSTRAINT skill_tags_pk PRIMARY KEY (workspace, organization, name, `key`), 
    CONSTRAINT skill_tags_skill_fkey FOREIGN KEY(workspace, organization, name) REFERENCES skills (workspace, organization, name) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE skill_version_tags (
    workspace VARCHAR(63) NOT NULL DEFAULT 'default', 
    organization VARCHAR(64) NOT NULL DEFAULT '', 
    name VARCHAR(128) NOT NULL, 
    version INTEGER NOT NULL, 
    `key` VARCHAR(250) COLLATE utf8mb4_bin NOT NULL, 
    value MEDIUMTEXT, 
    CONSTRAINT skill_version_tags_pk PRIMARY KEY (workspace, organization, name, version, `key`), 
    CONSTRAINT skill_version_tags_version_fkey FOREIGN KEY(workspace, organization, name, version) REFERENCES skill_versions (workspace, organization, name, version) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE skill_aliases (
    workspace VARCHAR(63) NOT NULL DEFAULT 'default', 
    organization VARCHAR(64) NOT NULL DEFAULT '', 
    name VARCHAR(128) NOT NULL, 
    alias VARCHAR(256) NOT NULL, 
    version INTEGER NOT NULL, 
    CONSTRAINT skill_aliases_pk PRIMARY KEY (workspace, organization, name, alias), 
    CONSTRAINT skill_aliases_skill_fkey FOREIGN KEY(workspace, organization, name) REFERENCES skills (workspace, organization, name) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX ix_skill_versions_latest_lookup ON skill_versions (workspace, organization, name, status, version);

CREATE INDEX ix_skill_versions_digest ON skill_versions (workspace, organization, name, digest);

UPDATE alembic_version SET version_num='e7d1f4b2a9c6' WHERE alembic_version.version_num = 'dc11669786a5';
