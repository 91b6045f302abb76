-- octavia 19.0.0, revision fc5582da7d8a, upgrade, mariadb; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 443fe6676637 -> fc5582da7d8a

CREATE TABLE amphora_build_slots (
    id INTEGER NOT NULL AUTO_INCREMENT, 
    slots_used INTEGER, 
    PRIMARY KEY (id)
);

INSERT INTO amphora_build_slots (id, slots_used) VALUES (1, 0);

CREATE TABLE amphora_build_request (
    amphora_id VARCHAR(36), 
    priority INTEGER, 
    created_time DATETIME NOT NULL, 
    status VARCHAR(16) NOT NULL, 
    PRIMARY KEY (amphora_id)
);

UPDATE alembic_version SET version_num='fc5582da7d8a' WHERE alembic_version.version_num = '443fe6676637';
