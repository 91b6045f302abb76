-- prefect 3.9.1, revision 9c493c02ca6d, upgrade, sqlite; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
-- Running upgrade 22ef3915ccd8 -> 9c493c02ca6d

CREATE INDEX ix_block_document_name_case_insensitive on block_document (name COLLATE NOCASE);;

UPDATE alembic_version SET version_num='9c493c02ca6d' WHERE alembic_version.version_num = '22ef3915ccd8';
