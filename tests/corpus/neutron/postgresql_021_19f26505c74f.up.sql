-- neutron 29.0.0, revision 19f26505c74f, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade 1df244e556f5 -> 19f26505c74f

CREATE TABLE auto_allocated_topologies (
    tenant_id VARCHAR(255) NOT NULL, 
    network_id VARCHAR(36) NOT NULL, 
    router_id VARCHAR(36), 
    PRIMARY KEY (tenant_id), 
    FOREIGN KEY(network_id) REFERENCES networks (id) ON DELETE CASCADE, 
    FOREIGN KEY(router_id) REFERENCES routers (id) ON DELETE SET NULL
);

ALTER TABLE externalnetworks ADD COLUMN is_default BOOLEAN DEFAULT false NOT NULL;

UPDATE alembic_version SET version_num='19f26505c74f' WHERE alembic_version.version_num = '1df244e556f5';

COMMIT;
