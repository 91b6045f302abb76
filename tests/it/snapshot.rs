//! Snapshots and their differences: each planted difference is noticed, in its own clone, with its class; a change that
//! is undone leaves none.

use alembic_gate::database::Connection;
use alembic_gate::dialect::Dialect;
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::snapshot::{Change, Class, SchemaDiff, SchemaSnapshot, diff};

use crate::scratch::{majors, mariadb, settings};

/// A planted difference: what it is, the SQL that makes it, what must be seen at least: object, change, class.
type Planted = (&'static str, &'static str, &'static [(&'static str, Change, Class)]);

use Change::{Changed, Gone, New};
use Class::{Blocking, LeftOver, NameOnly, Order, Privilege};

fn snapshot(connection: &mut Connection) -> SchemaSnapshot {
    SchemaSnapshot::take(connection).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

fn words(found: &SchemaDiff) -> String {
    found.differences.iter().map(|difference| format!("\n    [{}] {difference}", difference.class.word())).collect()
}

/// Runs each planted difference on a clone of `base`; gives what was not seen as it should be.
fn misses(server: &ScratchServer, base: &str, planted: &[Planted]) -> Vec<String> {
    let made = ScratchDatabase::create(server).unwrap();
    made.connect_admin().unwrap().execute(base).unwrap_or_else(|error| panic!("{}: {error}", server.server));
    let template = made.keep_as_template(&format!("planted {}", server.server)).unwrap();
    let mut missed = Vec::new();
    for (what, sql, expected) in planted {
        let database = ScratchDatabase::from_template(server, &template).unwrap();
        let mut connection = database.connect_admin().unwrap();
        let before = snapshot(&mut connection);
        // One at a time: some of them run in no transaction, and one fails on purpose.
        for statement in sql.split(";;") {
            let done = connection.execute(statement);
            if let Err(error) = done
                && !what.contains("invalid")
            {
                missed.push(format!("{what}: {error}"));
            }
        }
        let after = snapshot(&mut connection);
        let found = diff(&before, &after);
        if before.digest() == after.digest() {
            missed.push(format!("{what}: the digests are equal"));
        }
        for (object, change, class) in *expected {
            let is_seen = found.differences.iter().any(|seen| seen.object == *object && seen.change == *change && seen.class == *class);
            if !is_seen {
                missed.push(format!("{what}: no {change:?} {object} as {}; seen:{}", class.word(), words(&found)));
            }
        }
        if found.differences.len() != expected.len() && !missed.iter().any(|miss| miss.starts_with(what)) {
            missed.push(format!("{what}: {} differences, seen:{}", found.differences.len(), words(&found)));
        }
    }
    missed
}

const POSTGRESQL_BASE: &str = include_str!("../snapshot/postgresql_base.sql");

const POSTGRESQL: &[Planted] = &[
    ("CHECK gone", "ALTER TABLE item DROP CONSTRAINT ck_price", &[("constraint public.item.ck_price", Gone, Blocking)]),
    (
        "CHECK not validated",
        "ALTER TABLE item DROP CONSTRAINT ck_price;; ALTER TABLE item ADD CONSTRAINT ck_price CHECK (price >= 0) NOT VALID",
        &[("constraint public.item.ck_price", Changed, Blocking)],
    ),
    ("CHECK renamed", "ALTER TABLE item RENAME CONSTRAINT ck_price TO ck_other", &[("constraint public.item.ck_price", Changed, Blocking)]),
    (
        "CHECK under another name of the server",
        "ALTER TABLE item RENAME CONSTRAINT item_label_check TO item_label_check1",
        &[("constraint public.item.item_label_check", Changed, NameOnly)],
    ),
    (
        "exclusion constraint gone",
        "ALTER TABLE booking DROP CONSTRAINT no_overlap",
        &[("constraint public.booking.no_overlap", Gone, Blocking)],
    ),
    (
        "UNIQUE became an index",
        "ALTER TABLE item DROP CONSTRAINT uq_code;; CREATE UNIQUE INDEX uq_code ON item (code)",
        &[("constraint public.item.uq_code", Gone, Blocking), ("index public.uq_code", New, LeftOver)],
    ),
    ("index gone", "DROP INDEX ix_partial", &[("index public.ix_partial", Gone, Blocking)]),
    (
        "index lost its predicate",
        "DROP INDEX ix_partial;; CREATE INDEX ix_partial ON item (price)",
        &[("index public.ix_partial", Changed, Blocking)],
    ),
    (
        "index lost INCLUDE",
        "DROP INDEX ix_include;; CREATE INDEX ix_include ON item (price)",
        &[("index public.ix_include", Changed, Blocking)],
    ),
    (
        "index by another method",
        "DROP INDEX ix_hash;; CREATE INDEX ix_hash ON item (label)",
        &[("index public.ix_hash", Changed, Blocking)],
    ),
    (
        "index in another direction",
        "DROP INDEX ix_desc;; CREATE INDEX ix_desc ON item (price)",
        &[("index public.ix_desc", Changed, Blocking)],
    ),
    (
        "index lost its collation and operator class",
        "DROP INDEX ix_pattern;; CREATE INDEX ix_pattern ON item (label)",
        &[("index public.ix_pattern", Changed, Blocking)],
    ),
    (
        "an invalid index",
        "INSERT INTO item (label, price) VALUES ('a', 1), ('a', 1);; CREATE UNIQUE INDEX CONCURRENTLY uq_label ON item (label)",
        &[("index public.uq_label", New, LeftOver)],
    ),
    ("index renamed", "ALTER INDEX ix_partial RENAME TO ix_other", &[("index public.ix_partial", Changed, Blocking)]),
    ("CLUSTER mark", "ALTER TABLE item CLUSTER ON ix_include", &[("index public.ix_include", Changed, Blocking)]),
    (
        "statistics target of an expression index",
        "ALTER INDEX ix_lower ALTER COLUMN 1 SET STATISTICS 500",
        &[("index public.ix_lower", Changed, Blocking)],
    ),
    ("enum label left over", "ALTER TYPE mood ADD VALUE 'angry'", &[("type public.mood", Changed, LeftOver)]),
    ("enum label left over in the middle", "ALTER TYPE mood ADD VALUE 'so so' BEFORE 'happy'", &[("type public.mood", Changed, LeftOver)]),
    ("enum label renamed", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", &[("type public.mood", Changed, Blocking)]),
    (
        "enum labels in another order",
        "CREATE TYPE mood2 AS ENUM ('happy', 'sad');; ALTER TABLE item ALTER mood TYPE mood2 USING mood::text::mood2;; DROP TYPE mood;; ALTER TYPE mood2 RENAME TO mood",
        &[("type public.mood", Changed, Blocking)],
    ),
    ("orphan enum", "CREATE TYPE status AS ENUM ('on')", &[("type public.status", New, LeftOver)]),
    (
        "domain CHECK gone",
        "ALTER DOMAIN positive DROP CONSTRAINT is_positive",
        &[("constraint public.positive.is_positive", Gone, Blocking)],
    ),
    ("domain default", "ALTER DOMAIN positive SET DEFAULT 7", &[("type public.positive", Changed, Blocking)]),
    ("composite type", "ALTER TYPE pair ADD ATTRIBUTE c int", &[("type public.pair", Changed, Blocking)]),
    ("range type gone", "DROP TYPE span", &[("type public.span", Gone, Blocking)]),
    ("sequence options", "ALTER SEQUENCE counter INCREMENT 5", &[("sequence public.counter", Changed, Blocking)]),
    ("sequence no longer owned", "ALTER SEQUENCE item_id_seq OWNED BY NONE", &[("sequence public.item_id_seq", Changed, Blocking)]),
    ("orphan sequence", "CREATE SEQUENCE orphan", &[("sequence public.orphan", New, LeftOver)]),
    (
        "view body",
        "CREATE OR REPLACE VIEW cheap AS SELECT id, label FROM item WHERE price < 11",
        &[("view public.cheap", Changed, Blocking)],
    ),
    ("view option", "ALTER VIEW cheap SET (security_barrier = true)", &[("view public.cheap", Changed, Blocking)]),
    ("materialized view gone", "DROP MATERIALIZED VIEW total", &[("materialized_view public.total", Gone, Blocking)]),
    (
        "materialized view not populated",
        "REFRESH MATERIALIZED VIEW total WITH NO DATA",
        &[("materialized_view public.total", Changed, Blocking)],
    ),
    (
        "function body",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        &[("function public.one()", Changed, Blocking)],
    ),
    ("function volatility", "ALTER FUNCTION one() IMMUTABLE", &[("function public.one()", Changed, Blocking)]),
    (
        "orphan function",
        "CREATE FUNCTION one(int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        &[("function public.one(integer)", New, LeftOver)],
    ),
    ("procedure gone", "DROP PROCEDURE work()", &[("function public.work()", Gone, Blocking)]),
    (
        "aggregate",
        "DROP AGGREGATE plus(int);; CREATE AGGREGATE plus(int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')",
        &[("function public.plus(integer)", Changed, Blocking)],
    ),
    ("trigger gone", "DROP TRIGGER touch ON item", &[("trigger public.item.touch", Gone, Blocking)]),
    ("trigger disabled", "ALTER TABLE item DISABLE TRIGGER touch", &[("trigger public.item.touch", Changed, Blocking)]),
    (
        "trigger at another moment",
        "DROP TRIGGER touch ON item;; CREATE TRIGGER touch AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touched()",
        &[("trigger public.item.touch", Changed, Blocking)],
    ),
    ("checks of foreign keys disabled", "ALTER TABLE part DISABLE TRIGGER ALL", &[("table public.part", Changed, Blocking)]),
    (
        "event trigger",
        "CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watched()",
        &[("event_trigger watch", New, LeftOver)],
    ),
    ("row security off", "ALTER TABLE item DISABLE ROW LEVEL SECURITY", &[("table public.item", Changed, Blocking)]),
    ("row security not forced", "ALTER TABLE item NO FORCE ROW LEVEL SECURITY", &[("table public.item", Changed, Blocking)]),
    ("policy gone", "DROP POLICY own ON item", &[("policy public.item.own", Gone, Blocking)]),
    ("policy for others", "ALTER POLICY own ON item TO migrator", &[("policy public.item.own", Changed, Blocking)]),
    ("policy condition", "ALTER POLICY own ON item USING (price > 1)", &[("policy public.item.own", Changed, Blocking)]),
    ("GRANT gone", "REVOKE SELECT ON item FROM snapshot_reader", &[("table public.item", Changed, Privilege)]),
    ("GRANT on a column", "GRANT UPDATE (label) ON item TO snapshot_reader", &[("column public.item.label", Changed, Privilege)]),
    ("GRANT on a schema", "GRANT USAGE ON SCHEMA app TO snapshot_reader", &[("schema app", Changed, Privilege)]),
    ("GRANT on a function", "REVOKE EXECUTE ON FUNCTION one() FROM PUBLIC", &[("function public.one()", Changed, Privilege)]),
    ("GRANT on a sequence", "GRANT USAGE ON SEQUENCE counter TO snapshot_reader", &[("sequence public.counter", Changed, Privilege)]),
    ("GRANT on a type", "REVOKE USAGE ON TYPE mood FROM PUBLIC", &[("type public.mood", Changed, Privilege)]),
    (
        "default privileges",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO snapshot_reader",
        &[("default_privileges gate in app r", New, Privilege)],
    ),
    ("statistics gone", "DROP STATISTICS price_label", &[("statistics public.price_label", Gone, Blocking)]),
    ("fillfactor", "ALTER TABLE item RESET (fillfactor)", &[("table public.item", Changed, Blocking)]),
    ("option of the TOAST table", "ALTER TABLE item SET (toast.autovacuum_enabled = false)", &[("table public.item", Changed, Blocking)]),
    ("UNLOGGED", "ALTER TABLE loose SET UNLOGGED", &[("table public.loose", Changed, Blocking)]),
    (
        "partition detached",
        "ALTER TABLE event DETACH PARTITION event_1",
        &[
            ("table public.event_1", Changed, Blocking),
            ("index public.event_1_at_idx", Changed, Blocking),
            ("column public.event_1.at", Changed, Blocking),
            ("column public.event_1.note", Changed, Blocking),
        ],
    ),
    (
        "partition bound",
        "ALTER TABLE event DETACH PARTITION event_1;; ALTER TABLE event ATTACH PARTITION event_1 FOR VALUES FROM (0) TO (50)",
        &[("table public.event_1", Changed, Blocking)],
    ),
    ("rule gone", "DROP RULE quiet ON loose", &[("rule public.loose.quiet", Gone, Blocking)]),
    ("publication", "ALTER PUBLICATION feed SET (publish = 'insert')", &[("publication feed", Changed, Blocking)]),
    ("table of a publication", "ALTER PUBLICATION feed DROP TABLE part", &[("publication feed", Changed, Blocking)]),
    (
        "owner",
        "ALTER TABLE part OWNER TO snapshot_reader",
        &[("sequence public.part_id_seq", Changed, Privilege), ("table public.part", Changed, Privilege)],
    ),
    ("extension gone", "DROP EXTENSION pgcrypto", &[("extension pgcrypto", Gone, Blocking)]),
    ("extension left over", "CREATE EXTENSION hstore", &[("extension hstore", New, LeftOver)]),
    ("storage", "ALTER TABLE item ALTER label SET STORAGE EXTERNAL", &[("column public.item.label", Changed, Blocking)]),
    (
        "collation of a column",
        "ALTER TABLE part ALTER name TYPE text COLLATE \"default\"",
        &[("column public.part.name", Changed, Blocking)],
    ),
    (
        "generated expression",
        "ALTER TABLE item DROP COLUMN double;; ALTER TABLE item ADD COLUMN double int GENERATED ALWAYS AS (price * 3) STORED",
        &[("column public.item.double", Changed, Blocking)],
    ),
    (
        "columns in another order",
        "ALTER TABLE loose DROP COLUMN b;; ALTER TABLE loose ADD COLUMN b text",
        &[("table public.loose", Changed, Order)],
    ),
    ("column gone", "ALTER TABLE loose DROP COLUMN b", &[("column public.loose.b", Gone, Blocking)]),
    ("column left over", "ALTER TABLE loose ADD COLUMN d text", &[("column public.loose.d", New, LeftOver)]),
    ("default gone", "ALTER TABLE item ALTER price DROP DEFAULT", &[("column public.item.price", Changed, Blocking)]),
    ("default changed", "ALTER TABLE item ALTER price SET DEFAULT 1", &[("column public.item.price", Changed, Blocking)]),
    ("identity mode", "ALTER TABLE part ALTER id SET GENERATED BY DEFAULT", &[("column public.part.id", Changed, Blocking)]),
    (
        "identity gone",
        "ALTER TABLE part ALTER id DROP IDENTITY",
        &[("column public.part.id", Changed, Blocking), ("sequence public.part_id_seq", Gone, Blocking)],
    ),
    ("type of a column", "ALTER TABLE loose ALTER c TYPE varchar(20)", &[("column public.loose.c", Changed, Blocking)]),
    ("statistics target", "ALTER TABLE item ALTER price SET STATISTICS 500", &[("column public.item.price", Changed, Blocking)]),
    (
        "FK action",
        "ALTER TABLE part DROP CONSTRAINT fk_item;; ALTER TABLE part ADD CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id)",
        &[("constraint public.part.fk_item", Changed, Blocking)],
    ),
    (
        "FK deferrable",
        "ALTER TABLE part ALTER CONSTRAINT fk_item DEFERRABLE INITIALLY DEFERRED",
        &[("constraint public.part.fk_item", Changed, Blocking)],
    ),
    ("comment on a table", "COMMENT ON TABLE item IS NULL", &[("comment table public.item", Gone, Blocking)]),
    ("comment on a column", "COMMENT ON COLUMN item.label IS 'other'", &[("comment table column public.item.label", Changed, Blocking)]),
    (
        "comment on a constraint",
        "COMMENT ON CONSTRAINT ck_price ON item IS 'x'",
        &[("comment table constraint ck_price on public.item", New, LeftOver)],
    ),
    (
        "table gone, with all that belongs to it",
        "DROP TABLE part",
        &[("table public.part", Gone, Blocking), ("publication feed", Changed, Blocking)],
    ),
    (
        "table left over, with all that belongs to it",
        "CREATE TABLE more (id serial PRIMARY KEY, a int CHECK (a > 0), UNIQUE (a));; COMMENT ON COLUMN more.a IS 'a'",
        &[("table public.more", New, LeftOver)],
    ),
    ("schema gone", "DROP SCHEMA app CASCADE", &[("schema app", Gone, Blocking)]),
    (
        "setting of the database",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database()); END $$",
        &[("setting database work_mem", New, LeftOver)],
    ),
    ("cast", "CREATE CAST (pair AS text) WITH INOUT", &[("cast public.pair as text", New, LeftOver)]),
    ("collation", "CREATE COLLATION plain FROM \"C\"", &[("collation public.plain", New, LeftOver)]),
    (
        "operator",
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
        &[("operator public.===(integer,integer)", New, LeftOver)],
    ),
    ("operator family", "CREATE OPERATOR FAMILY fam USING btree", &[("operator_family public.fam using btree", New, LeftOver)]),
    (
        "text search",
        "ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR word",
        &[("text_search_configuration public.words", Changed, Blocking)],
    ),
    (
        "foreign server",
        "CREATE FOREIGN DATA WRAPPER w;; CREATE SERVER s FOREIGN DATA WRAPPER w;; CREATE USER MAPPING FOR migrator SERVER s OPTIONS (password 'secretword')",
        &[("foreign_data_wrapper w", New, LeftOver), ("foreign_server s", New, LeftOver)],
    ),
    ("replica identity", "ALTER TABLE item REPLICA IDENTITY FULL", &[("table public.item", Changed, Blocking)]),
    (
        "inheritance",
        "CREATE TABLE parent (b text);; ALTER TABLE loose INHERIT parent",
        &[("table public.parent", New, LeftOver), ("table public.loose", Changed, Blocking), ("column public.loose.b", Changed, Blocking)],
    ),
];

/// What a clean downgrade does: up and down again.
const POSTGRESQL_ROUND_TRIPS: &[(&str, &str)] = &[
    (
        "a table",
        "CREATE TABLE more (id serial PRIMARY KEY, a int CHECK (a > 0) UNIQUE REFERENCES item (id));; CREATE INDEX ix_more ON more (a);; DROP TABLE more",
    ),
    ("a column at the end", "ALTER TABLE item ADD COLUMN extra text NOT NULL DEFAULT 'x';; ALTER TABLE item DROP COLUMN extra"),
    ("a rename", "ALTER TABLE item RENAME COLUMN label TO title;; ALTER TABLE item RENAME COLUMN title TO label"),
    ("a table renamed", "ALTER TABLE item RENAME TO thing;; ALTER TABLE thing RENAME TO item"),
    ("NOT NULL", "ALTER TABLE item ALTER price SET NOT NULL;; ALTER TABLE item ALTER price DROP NOT NULL"),
    ("an index", "CREATE INDEX CONCURRENTLY ix_more ON item (label);; DROP INDEX CONCURRENTLY ix_more"),
    ("an index made again", "DROP INDEX ix_partial;; CREATE INDEX ix_partial ON item (price) WHERE price > 10"),
    (
        "a constraint made again",
        "ALTER TABLE item DROP CONSTRAINT ck_price;; ALTER TABLE item ADD CONSTRAINT ck_price CHECK (price >= 0) NOT VALID;; ALTER TABLE item VALIDATE CONSTRAINT ck_price",
    ),
    (
        "an enum",
        "CREATE TYPE more AS ENUM ('a');; ALTER TABLE item ADD COLUMN more more;; ALTER TABLE item DROP COLUMN more;; DROP TYPE more",
    ),
    ("GRANT and REVOKE", "GRANT INSERT ON item TO snapshot_reader;; REVOKE INSERT ON item FROM snapshot_reader"),
    (
        "the first GRANT ever on each kind",
        "GRANT SELECT ON part TO snapshot_reader;; REVOKE SELECT ON part FROM snapshot_reader;; GRANT EXECUTE ON FUNCTION touched() TO snapshot_reader;; REVOKE EXECUTE ON FUNCTION touched() FROM snapshot_reader;; GRANT USAGE ON TYPE pair TO snapshot_reader;; REVOKE USAGE ON TYPE pair FROM snapshot_reader;; GRANT USAGE ON SCHEMA app TO snapshot_reader;; REVOKE USAGE ON SCHEMA app FROM snapshot_reader;; GRANT UPDATE (name) ON part TO snapshot_reader;; REVOKE UPDATE (name) ON part FROM snapshot_reader;; GRANT USAGE ON SEQUENCE counter TO snapshot_reader;; REVOKE USAGE ON SEQUENCE counter FROM snapshot_reader",
    ),
    ("a comment", "COMMENT ON TABLE part IS 'x';; COMMENT ON TABLE part IS NULL"),
    ("a type widened and back", "ALTER TABLE loose ALTER c TYPE text;; ALTER TABLE loose ALTER c TYPE varchar(10)"),
    ("a view made again", "DROP VIEW cheap;; CREATE VIEW cheap AS SELECT id, label FROM item WHERE price < 10"),
    ("a partition", "CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (100) TO (200);; DROP TABLE event_2"),
    ("an extension", "CREATE EXTENSION hstore;; DROP EXTENSION hstore"),
    ("a trigger", "DROP TRIGGER touch ON item;; CREATE TRIGGER touch BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touched()"),
    (
        "row security",
        "ALTER TABLE part ENABLE ROW LEVEL SECURITY;; CREATE POLICY p ON part;; DROP POLICY p ON part;; ALTER TABLE part DISABLE ROW LEVEL SECURITY",
    ),
    (
        "rows, statistics and vacuum",
        "INSERT INTO loose SELECT g, 'b', 'c' FROM generate_series(1, 1000) g;; ANALYZE;; VACUUM FULL loose;; SELECT nextval('counter')",
    ),
    (
        "a table rewritten",
        "ALTER TABLE part ALTER item_id TYPE bigint;; ALTER TABLE part ALTER item_id TYPE int;; CLUSTER part USING part_pkey;; ALTER TABLE part SET WITHOUT CLUSTER",
    ),
];

/// What has no class of failure when it is undone.
fn changed_by_round_trips(server: &ScratchServer, base: &str, round_trips: &[(&str, &str)]) -> Vec<String> {
    let made = ScratchDatabase::create(server).unwrap();
    made.connect_admin().unwrap().execute(base).unwrap_or_else(|error| panic!("{}: {error}", server.server));
    let template = made.keep_as_template(&format!("round trips {}", server.server)).unwrap();
    let mut wrong = Vec::new();
    for (what, sql) in round_trips {
        let database = ScratchDatabase::from_template(server, &template).unwrap();
        let mut connection = database.connect_admin().unwrap();
        let before = snapshot(&mut connection);
        for statement in sql.split(";;") {
            if let Err(error) = connection.execute(statement) {
                wrong.push(format!("{what}: {error}"));
            }
        }
        let after = snapshot(&mut connection);
        let found = diff(&before, &after);
        if !found.is_empty() || before.digest() != after.digest() {
            wrong.push(format!("{what}:{}", words(&found)));
        }
    }
    wrong
}

fn postgresql(major: u16) -> ScratchServer {
    let wanted =
        alembic_gate::dialect::Server { dialect: Dialect::Postgresql, version: alembic_gate::dialect::ServerVersion::new(major, 0) };
    let server = ScratchServer::start(wanted, &settings()).unwrap();
    let database = ScratchDatabase::create(&server).unwrap();
    // Roles belong to the cluster: made once for all clones.
    database.connect_admin().unwrap().execute("CREATE ROLE snapshot_reader").unwrap();
    server
}

#[test]
fn every_planted_difference_is_seen_on_postgresql() {
    for major in majors() {
        let missed = misses(&postgresql(major), POSTGRESQL_BASE, POSTGRESQL);
        println!("PostgreSQL {major}: {} planted, {} missed", POSTGRESQL.len(), missed.len());
        assert!(missed.is_empty(), "PostgreSQL {major}:\n{}", missed.join("\n"));
    }
}

#[test]
fn what_is_undone_leaves_no_difference_on_postgresql() {
    for major in majors() {
        let wrong = changed_by_round_trips(&postgresql(major), POSTGRESQL_BASE, POSTGRESQL_ROUND_TRIPS);
        assert!(wrong.is_empty(), "PostgreSQL {major}:\n{}", wrong.join("\n"));
    }
}

const MARIADB_BASE: &str = include_str!("../snapshot/mariadb_base.sql");

const MARIADB: &[Planted] = &[
    ("table gone", "DROP TABLE part", &[("table part", Gone, Blocking)]),
    ("table left over", "CREATE TABLE more (id INT PRIMARY KEY, a INT UNIQUE)", &[("table more", New, LeftOver)]),
    ("engine", "ALTER TABLE loose ENGINE = MyISAM", &[("table loose", Changed, Blocking)]),
    ("row format", "ALTER TABLE loose ROW_FORMAT = COMPRESSED", &[("table loose", Changed, Blocking)]),
    ("collation of a table", "ALTER TABLE loose COLLATE utf8mb4_bin", &[("table loose", Changed, Blocking)]),
    ("character set of the database", "ALTER DATABASE CHARACTER SET latin1", &[("database database", Changed, Blocking)]),
    ("comment on a table", "ALTER TABLE item COMMENT = ''", &[("table item", Changed, Blocking)]),
    ("column gone", "ALTER TABLE loose DROP COLUMN b", &[("column loose.b", Gone, Blocking)]),
    ("column left over", "ALTER TABLE loose ADD COLUMN d INT", &[("column loose.d", New, LeftOver)]),
    ("columns in another order", "ALTER TABLE loose MODIFY b VARCHAR(10) AFTER c", &[("table loose", Changed, Order)]),
    ("type", "ALTER TABLE loose MODIFY b VARCHAR(20)", &[("column loose.b", Changed, Blocking)]),
    ("nullability", "ALTER TABLE loose MODIFY b VARCHAR(10) NOT NULL", &[("column loose.b", Changed, Blocking)]),
    ("default", "ALTER TABLE item ALTER price DROP DEFAULT", &[("column item.price", Changed, Blocking)]),
    ("empty default", "ALTER TABLE item ALTER label DROP DEFAULT", &[("column item.label", Changed, Blocking)]),
    ("comment on a column", "ALTER TABLE item MODIFY label VARCHAR(50) NOT NULL DEFAULT ''", &[("column item.label", Changed, Blocking)]),
    ("collation of a column", "ALTER TABLE loose MODIFY b VARCHAR(10) COLLATE utf8mb4_bin", &[("column loose.b", Changed, Blocking)]),
    (
        "ON UPDATE",
        "ALTER TABLE item MODIFY changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
        &[("column item.changed", Changed, Blocking)],
    ),
    (
        "AUTO_INCREMENT gone",
        "SET foreign_key_checks = 0;; ALTER TABLE item MODIFY id INT NOT NULL",
        &[("column item.id", Changed, Blocking)],
    ),
    ("generated expression", "ALTER TABLE item MODIFY twice INT AS (price * 3) VIRTUAL", &[("column item.twice", Changed, Blocking)]),
    ("enum label left over", "ALTER TABLE item MODIFY mood ENUM('sad', 'happy', 'angry')", &[("column item.mood", Changed, Blocking)]),
    ("index gone", "DROP INDEX ix_price ON item", &[("index item.ix_price", Gone, Blocking)]),
    ("index renamed", "ALTER TABLE item RENAME INDEX ix_price TO ix_other", &[("index item.ix_price", Changed, Blocking)]),
    ("index prefix", "ALTER TABLE item DROP INDEX ix_prefix, ADD INDEX ix_prefix (label)", &[("index item.ix_prefix", Changed, Blocking)]),
    ("index method", "ALTER TABLE item DROP INDEX ft_label, ADD INDEX ft_label (label)", &[("index item.ft_label", Changed, Blocking)]),
    (
        "index no longer unique",
        "ALTER TABLE item DROP INDEX uq_label, ADD INDEX uq_label (label)",
        &[("index item.uq_label", Changed, Blocking)],
    ),
    ("index ignored", "ALTER TABLE item ALTER INDEX ix_price IGNORED", &[("table item", Changed, Blocking)]),
    (
        "primary key",
        "ALTER TABLE loose DROP PRIMARY KEY, ADD PRIMARY KEY (a, c)",
        &[("index loose.PRIMARY", Changed, Blocking), ("column loose.c", Changed, Blocking)],
    ),
    ("CHECK gone", "ALTER TABLE item DROP CONSTRAINT ck_price", &[("constraint item.ck_price (check)", Gone, Blocking)]),
    (
        "CHECK under a name of the server",
        "ALTER TABLE loose ADD CHECK (a > 0)",
        &[("constraint loose.CONSTRAINT_1 (check)", New, LeftOver)],
    ),
    ("FK gone", "ALTER TABLE part DROP FOREIGN KEY fk_item", &[("constraint part.fk_item", Gone, Blocking)]),
    (
        "FK action",
        "ALTER TABLE part DROP FOREIGN KEY fk_item;; ALTER TABLE part ADD CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id)",
        &[("constraint part.fk_item", Changed, Blocking)],
    ),
    (
        "FK under a name of the server",
        "ALTER TABLE part DROP FOREIGN KEY fk_item;; ALTER TABLE part ADD FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE",
        &[("constraint part.fk_item", Changed, Blocking)],
    ),
    ("partition gone", "ALTER TABLE event_log DROP PARTITION p1", &[("table event_log", Changed, Blocking)]),
    ("no partitions any more", "ALTER TABLE event_log REMOVE PARTITIONING", &[("table event_log", Changed, Blocking)]),
    ("view body", "CREATE OR REPLACE VIEW cheap AS SELECT id, label FROM item WHERE price < 11", &[("view cheap", Changed, Blocking)]),
    (
        "view security",
        "ALTER SQL SECURITY INVOKER VIEW cheap AS SELECT id, label FROM item WHERE price < 10",
        &[("view cheap", Changed, Blocking)],
    ),
    (
        "view definer",
        "ALTER DEFINER = migrator@localhost VIEW cheap AS SELECT id, label FROM item WHERE price < 10",
        &[("view cheap", Changed, Privilege)],
    ),
    ("trigger gone", "DROP TRIGGER touch", &[("trigger touch", Gone, Blocking)]),
    (
        "trigger body",
        "CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON item FOR EACH ROW SET NEW.label = upper(NEW.label)",
        &[("trigger touch", Changed, Blocking)],
    ),
    ("function body", "CREATE OR REPLACE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 2", &[("function one", Changed, Blocking)]),
    ("procedure gone", "DROP PROCEDURE work", &[("procedure work", Gone, Blocking)]),
    ("procedure left over", "CREATE PROCEDURE more() SELECT 1", &[("procedure more", New, LeftOver)]),
    ("event gone", "DROP EVENT nightly", &[("event nightly", Gone, Blocking)]),
    ("event schedule", "ALTER EVENT nightly ON SCHEDULE EVERY 2 DAY", &[("event nightly", Changed, Blocking)]),
    ("sequence options", "ALTER SEQUENCE counter INCREMENT 5", &[("sequence counter", Changed, Blocking)]),
    ("sequence gone", "DROP SEQUENCE counter", &[("sequence counter", Gone, Blocking)]),
    ("system versioning", "ALTER TABLE loose ADD SYSTEM VERSIONING", &[("table loose", Changed, Blocking)]),
    ("GRANT", "GRANT SELECT ON loose TO migrator@localhost", &[("grant 'migrator'@'localhost' on loose", New, Privilege)]),
];

const MARIADB_ROUND_TRIPS: &[(&str, &str)] = &[
    ("a table", "CREATE TABLE more (id INT PRIMARY KEY, a INT UNIQUE, FOREIGN KEY (a) REFERENCES item (id));; DROP TABLE more"),
    ("a column in the middle", "ALTER TABLE loose ADD COLUMN d INT AFTER a;; ALTER TABLE loose DROP COLUMN d"),
    ("an index made again, now the last", "ALTER TABLE item DROP INDEX ix_price;; ALTER TABLE item ADD INDEX ix_price (price)"),
    (
        "a foreign key made again",
        "ALTER TABLE part DROP FOREIGN KEY fk_item;; ALTER TABLE part ADD CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE",
    ),
    ("a check made again", "ALTER TABLE item DROP CONSTRAINT ck_price;; ALTER TABLE item ADD CONSTRAINT ck_price CHECK (price >= 0)"),
    ("a rename", "ALTER TABLE loose CHANGE b d VARCHAR(10);; ALTER TABLE loose CHANGE d b VARCHAR(10)"),
    ("a type", "ALTER TABLE loose MODIFY b TEXT;; ALTER TABLE loose MODIFY b VARCHAR(10)"),
    ("a table renamed", "RENAME TABLE loose TO other;; RENAME TABLE other TO loose"),
    ("rows", "INSERT INTO item (label) VALUES ('q'), ('r');; ANALYZE TABLE item;; OPTIMIZE TABLE loose"),
    ("a partition", "ALTER TABLE event_log ADD PARTITION (PARTITION p2 VALUES LESS THAN (300));; ALTER TABLE event_log DROP PARTITION p2"),
    ("GRANT and REVOKE", "GRANT SELECT ON loose TO migrator@localhost;; REVOKE SELECT ON loose FROM migrator@localhost"),
];

#[test]
fn every_planted_difference_is_seen_on_mariadb() {
    let Some(server) = mariadb() else { return };
    let missed = misses(&server, MARIADB_BASE, MARIADB);
    println!("{}: {} planted, {} missed", server.server, MARIADB.len(), missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_is_undone_leaves_no_difference_on_mariadb() {
    let Some(server) = mariadb() else { return };
    let wrong = changed_by_round_trips(&server, MARIADB_BASE, MARIADB_ROUND_TRIPS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_role_of_migrations_sees_the_same_schema() {
    for major in majors() {
        let database = ScratchDatabase::create(&postgresql(major)).unwrap();
        database.connect_admin().unwrap().execute(POSTGRESQL_BASE).unwrap();
        let [admin, migrator] = [database.connect_admin(), database.connect()].map(|connection| snapshot(&mut connection.unwrap()));
        assert!(diff(&admin, &migrator).is_empty(), "PostgreSQL {major}:{}", words(&diff(&admin, &migrator)));
    }
}

/// A copy that is made object by object must be the same as what it was made from.
#[test]
fn a_clone_of_a_template_has_the_schema_of_its_base() {
    let mut servers: Vec<(ScratchServer, &str)> = majors().into_iter().map(|major| (postgresql(major), POSTGRESQL_BASE)).collect();
    servers.extend(mariadb().map(|server| (server, MARIADB_BASE)));
    servers.push((sqlite(), SQLITE_BASE));
    for (server, base) in servers {
        let made = ScratchDatabase::create(&server).unwrap();
        let mut connection = made.connect_admin().unwrap();
        connection.execute(base).unwrap();
        let before = snapshot(&mut connection);
        drop(connection);
        let template = made.keep_as_template("a clone").unwrap();
        let clone = ScratchDatabase::from_template(&server, &template).unwrap();
        let mut connection = clone.connect_admin().unwrap();
        let found = diff(&before, &snapshot(&mut connection));
        assert!(found.is_empty(), "{}:{}", server.server, words(&found));
        if server.server.dialect == Dialect::Mariadb {
            let rows = connection.rows("SELECT label, price, twice FROM item ORDER BY id").unwrap();
            assert_eq!(
                rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>(),
                [r#"[Some("a"), Some("1"), Some("2")]"#, r#"[Some("b"), None, None]"#]
            );
            connection.execute("INSERT INTO item (label) VALUES ('c')").unwrap();
            assert_eq!(connection.value("SELECT max(id) FROM item").unwrap().as_deref(), Some("3"), "AUTO_INCREMENT goes on");
        }
    }
}

fn sqlite() -> ScratchServer {
    ScratchServer::start(alembic_gate::dialect::Server::newest(Dialect::Sqlite), &settings()).unwrap()
}

const SQLITE_BASE: &str = include_str!("../snapshot/sqlite_base.sql");

const SQLITE: &[Planted] = &[
    ("table gone", "DROP TABLE part", &[("table part", Gone, Blocking)]),
    ("table left over by a batch", "CREATE TABLE _alembic_tmp_item (id INTEGER)", &[("table _alembic_tmp_item", New, LeftOver)]),
    ("column gone", "ALTER TABLE part DROP COLUMN name", &[("column part.name", Gone, Blocking)]),
    ("column left over", "ALTER TABLE part ADD COLUMN more TEXT", &[("column part.more", New, LeftOver)]),
    (
        "columns in another order",
        "DROP TABLE loose;; CREATE TABLE loose (a INTEGER PRIMARY KEY, c INTEGER, b TEXT);; CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC)",
        &[("table loose", Changed, Order)],
    ),
    (
        "type",
        "DROP TABLE loose;; CREATE TABLE loose (a INTEGER PRIMARY KEY, b VARCHAR(10), c INTEGER);; CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC)",
        &[("column loose.b", Changed, Blocking)],
    ),
    (
        "nullability",
        "DROP TABLE loose;; CREATE TABLE loose (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c INTEGER);; CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC)",
        &[("column loose.b", Changed, Blocking)],
    ),
    (
        "default",
        "DROP TABLE loose;; CREATE TABLE loose (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'x', c INTEGER);; CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC)",
        &[("column loose.b", Changed, Blocking)],
    ),
    (
        "primary key",
        "DROP TABLE loose;; CREATE TABLE loose (a INTEGER, b TEXT, c INTEGER);; CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC)",
        &[("constraint loose.primary key", Gone, Blocking)],
    ),
    (
        "STRICT",
        "DROP TABLE loose;; CREATE TABLE loose (a INTEGER PRIMARY KEY, b TEXT, c INTEGER) STRICT;; CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC)",
        &[("table loose", Changed, Blocking)],
    ),
    (
        "WITHOUT ROWID",
        "DROP TABLE part;; CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, item_id INTEGER, name TEXT, CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE) WITHOUT ROWID",
        &[("table part", Changed, Blocking)],
    ),
    (
        "FK gone",
        "DROP TABLE part;; CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, item_id INTEGER, name TEXT)",
        &[("constraint part.foreign key (item_id) item", Gone, Blocking)],
    ),
    (
        "FK action",
        "DROP TABLE part;; CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, item_id INTEGER, name TEXT, CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id))",
        &[("constraint part.foreign key (item_id) item", Changed, Blocking)],
    ),
    (
        "FK without its name",
        "DROP TABLE part;; CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, item_id INTEGER, name TEXT, FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE)",
        &[("constraint part.foreign key (item_id) item", Changed, Blocking)],
    ),
    (
        "FK deferred",
        "DROP TABLE part;; CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, item_id INTEGER, name TEXT, CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
        &[("constraint part.foreign key (item_id) item", Changed, Blocking)],
    ),
    ("index gone", "DROP INDEX ix_price", &[("index ix_price", Gone, Blocking)]),
    ("index left over", "CREATE INDEX ix_more ON item (price, label)", &[("index ix_more", New, LeftOver)]),
    (
        "index lost its predicate",
        "DROP INDEX ix_partial;; CREATE INDEX ix_partial ON item (price)",
        &[("index ix_partial", Changed, Blocking)],
    ),
    ("index expression", "DROP INDEX ix_lower;; CREATE INDEX ix_lower ON item (upper(label))", &[("index ix_lower", Changed, Blocking)]),
    (
        "index no longer unique",
        "DROP INDEX ix_unique;; CREATE INDEX ix_unique ON loose (b, c DESC)",
        &[("index ix_unique", Changed, Blocking)],
    ),
    ("index direction", "DROP INDEX ix_unique;; CREATE UNIQUE INDEX ix_unique ON loose (b, c)", &[("index ix_unique", Changed, Blocking)]),
    ("index renamed", "DROP INDEX ix_price;; CREATE INDEX ix_other ON item (price)", &[("index ix_price", Changed, Blocking)]),
    (
        "view body",
        "DROP VIEW cheap;; CREATE VIEW cheap AS SELECT id, label FROM item WHERE price < 11",
        &[("view cheap", Changed, Blocking)],
    ),
    ("trigger gone", "DROP TRIGGER touch", &[("trigger touch", Gone, Blocking)]),
    (
        "trigger body",
        "DROP TRIGGER touch;; CREATE TRIGGER touch AFTER UPDATE ON item BEGIN UPDATE loose SET b = 'y'; END",
        &[("trigger touch", Changed, Blocking)],
    ),
    ("user version", "PRAGMA user_version = 7", &[("setting user_version", New, LeftOver)]),
];

/// `item` as a batch writes it, with one thing otherwise: what it is, the text, what stands in its place, what must be seen.
type Rebuilt = (&'static str, &'static str, &'static str, &'static [(&'static str, Change, Class)]);

const SQLITE_REBUILT: &[Rebuilt] = &[
    ("CHECK gone", ",\n    CONSTRAINT ck_price CHECK (price >= 0)", "", &[("constraint item.ck_price", Gone, Blocking)]),
    ("CHECK condition", "price >= 0", "price >= 1", &[("constraint item.ck_price", Changed, Blocking)]),
    ("UNIQUE gone", ",\n    CONSTRAINT uq_label UNIQUE (label)", "", &[("constraint item.unique (label)", Gone, Blocking)]),
    ("UNIQUE without its name", "CONSTRAINT uq_label UNIQUE", "UNIQUE", &[("constraint item.unique (label)", Changed, Blocking)]),
    (
        "collation",
        " COLLATE NOCASE",
        "",
        &[("column item.label", Changed, Blocking), ("constraint item.unique (label)", Changed, Blocking)],
    ),
    ("AUTOINCREMENT gone", " AUTOINCREMENT", "", &[("table item", Changed, Blocking)]),
    ("generated expression", "price * 2", "price * 3", &[("column item.twice", Changed, Blocking)]),
    ("generated and stored", "VIRTUAL", "STORED", &[("column item.twice", Changed, Blocking)]),
    ("nothing but its dress", "CONSTRAINT ck_price CHECK (price >= 0)", "constraint \"ck_price\"  check ( [price]>=0 )", &[]),
    ("a default in brackets", "DEFAULT 0", "DEFAULT (0)", &[]),
];

const SQLITE_ROUND_TRIPS: &[(&str, &str)] = &[
    ("a table", "CREATE TABLE more (id INTEGER PRIMARY KEY, a INTEGER UNIQUE);; DROP TABLE more"),
    ("a column", "ALTER TABLE part ADD COLUMN more TEXT;; ALTER TABLE part DROP COLUMN more"),
    ("a rename", "ALTER TABLE item RENAME COLUMN label TO title;; ALTER TABLE item RENAME COLUMN title TO label"),
    ("a table renamed", "ALTER TABLE item RENAME TO thing;; ALTER TABLE thing RENAME TO item"),
    ("an index made again", "DROP INDEX ix_partial;; CREATE INDEX \"ix_partial\" ON \"item\" (\"price\") WHERE price>10"),
    (
        "a batch",
        "CREATE TABLE _alembic_tmp_part (id INTEGER NOT NULL, item_id INTEGER, name TEXT, PRIMARY KEY (id), CONSTRAINT fk_item FOREIGN KEY(item_id) REFERENCES item (id) ON DELETE CASCADE);; DROP TABLE part;; ALTER TABLE _alembic_tmp_part RENAME TO part",
    ),
    ("rows", "INSERT INTO loose VALUES (1, 'b', 2);; ANALYZE;; DELETE FROM loose"),
];

#[test]
fn what_is_undone_leaves_no_difference_on_sqlite() {
    let wrong = changed_by_round_trips(&sqlite(), SQLITE_BASE, SQLITE_ROUND_TRIPS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_planted_difference_is_seen_on_sqlite() {
    let missed = misses(&sqlite(), SQLITE_BASE, SQLITE);
    println!("SQLite: {} planted, {} missed", SQLITE.len(), missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_table_that_a_batch_wrote_again_differs_in_what_it_lost_only() {
    let table = SQLITE_BASE.split_inclusive(";\n").find(|text| text.contains("CREATE TABLE item")).unwrap();
    let server = sqlite();
    for (what, text, instead, expected) in SQLITE_REBUILT {
        let [before, after] = [table.to_owned(), table.replacen(text, instead, 1).replace("CREATE TABLE item", "CREATE TABLE \"item\"")]
            .map(|sql| {
                let database = ScratchDatabase::create(&server).unwrap();
                let mut connection = database.connect_admin().unwrap();
                connection.execute(&sql).unwrap();
                snapshot(&mut connection)
            });
        let found = diff(&before, &after);
        let seen: Vec<_> = found.differences.iter().map(|seen| (seen.object.as_str(), seen.change, seen.class)).collect();
        assert_eq!(seen, *expected, "{what}:{}", words(&found));
    }
}

#[test]
fn the_table_of_versions_can_be_left_out() {
    let database = ScratchDatabase::create(&sqlite()).unwrap();
    let mut connection = database.connect_admin().unwrap();
    let before = snapshot(&mut connection);
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT pk PRIMARY KEY (version_num))").unwrap();
    let after = snapshot(&mut connection);
    assert_ne!(after, before);
    assert_eq!(after.without("table alembic_version"), before);
}

/// Figures for a quiet machine: `cargo nextest run snapshot::figures --run-ignored only --no-capture`.
#[test]
#[ignore = "measures: cargo test --test it snapshot::figures -- --ignored --nocapture"]
fn figures() {
    for major in majors() {
        let server = postgresql(major);
        for tables in [30, 120] {
            let database = ScratchDatabase::create(&server).unwrap();
            let mut connection = database.connect_admin().unwrap();
            for n in 0..tables {
                let columns: String = (0..10).map(|column| format!(", c{column} varchar(50) DEFAULT 'x'")).collect();
                connection
                    .execute(&format!(
                        "CREATE TABLE t{n} (id serial PRIMARY KEY{columns}, r int REFERENCES t{} (id), CHECK (c0 <> ''));
                         CREATE INDEX ON t{n} (c1); CREATE INDEX ON t{n} (c2, c3);
                         CREATE FUNCTION f{n}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                         CREATE TRIGGER g{n} BEFORE UPDATE ON t{n} FOR EACH ROW EXECUTE FUNCTION f{n}();",
                        if n == 0 { 0 } else { n - 1 }
                    ))
                    .unwrap();
            }
            let pid = connection.session_id().unwrap();
            // Of a busy machine the CPU time of both sides says more than the wall.
            let (began, server_before, own_before) = (std::time::Instant::now(), cpu_ms(&pid.to_string()), cpu_ms("self"));
            let taken: Vec<SchemaSnapshot> = (0..5).map(|_| snapshot(&mut connection)).collect();
            let (elapsed, server_after, own_after) = (began.elapsed(), cpu_ms(&pid.to_string()), cpu_ms("self"));
            println!(
                "{}: {} objects in {} ms; CPU: server {} ms, own {} ms",
                server.server,
                taken[0].objects.len(),
                elapsed.as_millis() / 5,
                (server_after - server_before) / 5,
                (own_after - own_before) / 5
            );
            let (began, own_before) = (std::time::Instant::now(), cpu_ms("self"));
            assert!((0..5).all(|n| diff(&taken[0], &taken[n]).is_empty()));
            println!("{}: compared in {} ms; CPU {} ms", server.server, began.elapsed().as_millis() / 5, (cpu_ms("self") - own_before) / 5);
        }
    }
}

/// User and system time of a process so far (Linux counts in hundredths of a second).
fn cpu_ms(process: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}
