-- neutron 29.0.0, revision 0ff9e3881597, upgrade, mariadb; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade fb0167bd9639 -> 0ff9e3881597

CREATE TABLE network_segment_ranges (
    id VARCHAR(36) NOT NULL, 
    name VARCHAR(255), 
    `default` BOOL NOT NULL, 
    shared BOOL NOT NULL, 
    project_id VARCHAR(255), 
    network_type ENUM('vlan','vxlan','gre','geneve') NOT NULL, 
    physical_network VARCHAR(64), 
    minimum INTEGER, 
    maximum INTEGER, 
    standard_attr_id BIGINT NOT NULL, 
    PRIMARY KEY (id), 
    FOREIGN KEY(standard_attr_id) REFERENCES standardattributes (id) ON DELETE CASCADE, 
    UNIQUE (standard_attr_id)
);

UPDATE alembic_version SET version_num='0ff9e3881597' WHERE alembic_version.version_num = 'fb0167bd9639';
