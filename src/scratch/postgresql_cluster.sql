-- Run once in a new data directory, before it is cached.

-- Who migrations run as: owner of their database, may make roles, is no superuser.
CREATE ROLE migrator LOGIN CREATEROLE;

-- Without these roles nobody but a superuser reads or writes files of the machine or starts programs with COPY, whatever
-- a role that may make roles grants itself (possible up to PostgreSQL 15).
DELETE FROM pg_authid WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files');

REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
