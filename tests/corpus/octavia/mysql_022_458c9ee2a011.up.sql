-- octavia 19.0.0, revision 458c9ee2a011, upgrade, mysql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 29ff921a6eb -> 458c9ee2a011

CREATE TABLE l7rule_type (
    name VARCHAR(36) NOT NULL, 
    description VARCHAR(255), 
    PRIMARY KEY (name)
);

INSERT INTO l7rule_type (name) VALUES ('HOST_NAME');

INSERT INTO l7rule_type (name) VALUES ('PATH');

INSERT INTO l7rule_type (name) VALUES ('FILE_TYPE');

INSERT INTO l7rule_type (name) VALUES ('HEADER');

INSERT INTO l7rule_type (name) VALUES ('COOKIE');

CREATE TABLE l7rule_compare_type (
    name VARCHAR(36) NOT NULL, 
    description VARCHAR(255), 
    PRIMARY KEY (name)
);

INSERT INTO l7rule_compare_type (name) VALUES ('REGEX');

INSERT INTO l7rule_compare_type (name) VALUES ('STARTS_WITH');

INSERT INTO l7rule_compare_type (name) VALUES ('ENDS_WITH');

INSERT INTO l7rule_compare_type (name) VALUES ('CONTAINS');

INSERT INTO l7rule_compare_type (name) VALUES ('EQUAL_TO');

CREATE TABLE l7policy_action (
    name VARCHAR(36) NOT NULL, 
    description VARCHAR(255), 
    PRIMARY KEY (name)
);

INSERT INTO l7policy_action (name) VALUES ('REJECT');

INSERT INTO l7policy_action (name) VALUES ('REDIRECT_TO_URL');

INSERT INTO l7policy_action (name) VALUES ('REDIRECT_TO_POOL');

CREATE TABLE l7policy (
    id VARCHAR(36) NOT NULL, 
    name VARCHAR(255), 
    description VARCHAR(255), 
    listener_id VARCHAR(36) NOT NULL, 
    action VARCHAR(36) NOT NULL, 
    redirect_pool_id VARCHAR(36), 
    redirect_url VARCHAR(255), 
    position INTEGER NOT NULL, 
    enabled BOOL NOT NULL, 
    PRIMARY KEY (id), 
    CONSTRAINT fk_l7policy_listener_id FOREIGN KEY(listener_id) REFERENCES listener (id), 
    CONSTRAINT fk_l7policy_pool_id FOREIGN KEY(redirect_pool_id) REFERENCES pool (id), 
    CONSTRAINT fk_l7policy_l7policy_action_name FOREIGN KEY(action) REFERENCES l7policy_action (name)
);

CREATE TABLE l7rule (
    id VARCHAR(36) NOT NULL, 
    l7policy_id VARCHAR(36) NOT NULL, 
    type VARCHAR(36) NOT NULL, 
    compare_type VARCHAR(36) NOT NULL, 
    `key` VARCHAR(255), 
    value VARCHAR(255) NOT NULL, 
    invert BOOL NOT NULL, 
    PRIMARY KEY (id), 
    CONSTRAINT fk_l7rule_l7policy_id FOREIGN KEY(l7policy_id) REFERENCES l7policy (id), 
    CONSTRAINT fk_l7rule_l7rule_type_name FOREIGN KEY(type) REFERENCES l7rule_type (name), 
    CONSTRAINT fk_l7rule_l7rule_compare_type_name FOREIGN KEY(compare_type) REFERENCES l7rule_compare_type (name)
);

UPDATE alembic_version SET version_num='458c9ee2a011' WHERE alembic_version.version_num = '29ff921a6eb';
