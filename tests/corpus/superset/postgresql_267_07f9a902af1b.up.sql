-- apache-superset 6.1.0, revision 07f9a902af1b, upgrade, postgresql; rendered by Alembic 1.20.1 from the package's migration; licence Apache-2.0, see ../README.md
BEGIN;

-- Running upgrade b5ea9d343307 -> 07f9a902af1b

ALTER TABLE "tagged_object" ALTER COLUMN "object_type" TYPE VARCHAR;

ALTER TABLE "tag" ALTER COLUMN "type" TYPE VARCHAR;

DROP TYPE IF EXISTS objecttypes;

DROP TYPE IF EXISTS tagtypes;

UPDATE alembic_version SET version_num='07f9a902af1b' WHERE alembic_version.version_num = 'b5ea9d343307';

COMMIT;
