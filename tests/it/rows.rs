//! Rows that satisfy the constraints, and the noticing of what became of them.

use alembic_gate::address::Address;
use alembic_gate::database::Connection;
use alembic_gate::dialect::Dialect;
use alembic_gate::rows::data::{DataSnapshot, Written};
use alembic_gate::rows::fill::fill;
use alembic_gate::rows::tables;
use alembic_gate::scratch::ScratchDatabase;
use alembic_gate::snapshot::SchemaSnapshot;

fn sqlite(schema: &str) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    std::fs::write(&file, "").unwrap();
    let mut connection = Connection::open(&Address::Sqlite { file }).unwrap();
    connection.execute(schema).unwrap();
    (folder, connection)
}

const SHOP: &str = "
    CREATE TABLE authors (id integer PRIMARY KEY, name varchar(20) NOT NULL UNIQUE, born date);
    CREATE TABLE books (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES authors (id), title text NOT NULL,
        state varchar(10) NOT NULL CHECK (state IN ('draft', 'sold')), price numeric(8, 2) CHECK (price > 0), again_of integer REFERENCES books (id));
    CREATE TABLE authorship (book_id integer NOT NULL REFERENCES books (id), author_id integer NOT NULL REFERENCES authors (id), PRIMARY KEY (book_id, author_id));
    CREATE TABLE notes (text varchar(3), at datetime);";

#[test]
fn every_table_is_filled_in_spite_of_its_constraints() {
    let (_folder, mut connection) = sqlite(SHOP);
    for filled in fill(&mut connection, 60).unwrap() {
        assert_eq!((filled.written, &filled.why), (60, &None), "{}", filled.table);
    }
    let orphans = connection.rows("PRAGMA foreign_key_check").unwrap();
    assert!(orphans.is_empty(), "{orphans:?}");
    assert_eq!(connection.value("SELECT count(*) FROM books WHERE price IS NULL").unwrap().unwrap(), "8");
}

const PARTITIONED: &str = "
    CREATE DOMAIN email AS varchar(40) CHECK (VALUE LIKE '%@%.org');
    CREATE TABLE by_day (id bigint NOT NULL, at timestamptz NOT NULL, mail email NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE by_day_1 PARTITION OF by_day FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE by_day_2 PARTITION OF by_day FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY LIST (id);
    CREATE TABLE by_day_2_few PARTITION OF by_day_2 FOR VALUES IN (1, 2);
    CREATE TABLE by_number (id integer PRIMARY KEY, day date) PARTITION BY RANGE (id);
    CREATE TABLE by_number_1 PARTITION OF by_number FOR VALUES FROM (MINVALUE) TO (1000);
    CREATE TABLE by_number_2 PARTITION OF by_number FOR VALUES FROM (5000) TO (6000);
    CREATE TABLE by_kind (id integer, kind text, n integer, CHECK (kind <> 'x')) PARTITION BY LIST (kind);
    CREATE TABLE by_kind_a PARTITION OF by_kind FOR VALUES IN ('a, b', 'it''s');
    CREATE TABLE by_pair (a integer NOT NULL, b date NOT NULL, UNIQUE (a, b)) PARTITION BY RANGE (a, b);
    CREATE TABLE by_pair_1 PARTITION OF by_pair FOR VALUES FROM (1, '2024-01-01') TO (900, '2024-01-01');
    CREATE TABLE by_hash (id integer PRIMARY KEY) PARTITION BY HASH (id);
    CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 1, REMAINDER 0);";

#[test]
fn partitions_take_what_is_made_for_them() {
    for server in crate::scratch::servers().into_iter().filter(|server| server.server.dialect == Dialect::Postgresql) {
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect().unwrap();
        connection.execute(PARTITIONED).unwrap();
        for filled in fill(&mut connection, 40).unwrap() {
            // The few ids of one partition are taken soon.
            let least = if filled.table == "by_day" { 20 } else { 40 };
            assert!(filled.written >= least, "{}: {filled:?}", filled.table);
        }
        for partition in ["by_day_1", "by_day_2_few", "by_number_1", "by_number_2", "by_kind_a", "by_pair_1"] {
            let count = connection.value(&format!("SELECT count(*) FROM {partition}")).unwrap().unwrap();
            assert_ne!(count, "0", "{partition}");
        }
        assert_eq!(connection.value("SELECT count(DISTINCT kind) FROM by_kind").unwrap().as_deref(), Some("2"));
    }
}

#[test]
fn a_pattern_is_filled_in_on_every_engine() {
    for server in crate::scratch::servers() {
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect().unwrap();
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, mail varchar(40) NOT NULL CHECK (mail LIKE '%@_%.org'), CHECK (mail NOT LIKE '%!%'))").unwrap();
        let filled = fill(&mut connection, 20).unwrap();
        assert_eq!((filled[0].written, &filled[0].why), (20, &None), "{}: {filled:?}", server.server);
    }
}

/// One change, and what must be said of it: table, column, lost, left over.
const CHANGES: &[(&str, &str, Option<&str>, u64, u64)] = &[
    ("UPDATE authors SET born = '2020-01-01' WHERE id = 3", "authors", Some("born"), 1, 0),
    ("DELETE FROM authorship WHERE book_id = 2", "authorship", None, 1, 0),
    ("DELETE FROM notes", "notes", None, 30, 0),
    ("INSERT INTO authors (name) VALUES ('left')", "authors", None, 0, 1),
    ("UPDATE notes SET text = 'q' WHERE rowid = 1", "notes", None, 1, 1),
    ("DROP TABLE notes", "notes", None, 30, 0),
    ("ALTER TABLE authors DROP COLUMN born", "authors", Some("born"), 30, 0),
    ("UPDATE books SET price = NULL", "books", Some("price"), 26, 0),
];

#[test]
fn each_loss_is_noticed_and_no_other() {
    for (change, table, column, lost, left_over) in CHANGES {
        let (_folder, mut connection) = sqlite(SHOP);
        fill(&mut connection, 30).unwrap();
        let before = DataSnapshot::of(&mut connection).unwrap();
        assert_eq!(DataSnapshot::of(&mut connection).unwrap(), before, "reading changes nothing");
        connection.execute(change).unwrap();
        let found = before.lost_in(&DataSnapshot::of(&mut connection).unwrap(), &Written::default());
        let [one] = found.as_slice() else { panic!("{change}: {found:?}") };
        assert_eq!((one.table.as_str(), one.column.as_deref(), one.lost, one.left_over), (*table, *column, *lost, *left_over), "{change}");
    }
}

#[test]
fn rows_written_on_purpose_are_left_aside() {
    let (_folder, mut connection) = sqlite(SHOP);
    fill(&mut connection, 10).unwrap();
    let before = DataSnapshot::of(&mut connection).unwrap();
    connection.execute("INSERT INTO authors (id, name) VALUES (900, 'seed'); UPDATE authors SET name = 'other' WHERE id = 4").unwrap();
    let after = DataSnapshot::of(&mut connection).unwrap();
    let written = before.written_until(&after);
    assert!(before.lost_in(&after, &written).is_empty());
    connection.execute("UPDATE authors SET name = 'gone' WHERE id = 5").unwrap();
    let found = before.lost_in(&DataSnapshot::of(&mut connection).unwrap(), &written);
    assert_eq!((found.len(), found[0].lost), (1, 1), "{found:?}");
}

const STOCK: &str = "
    CREATE TYPE state AS ENUM ('new', 'old');
    CREATE TYPE pair AS (a integer, b integer);
    CREATE TABLE items (id integer NOT NULL, name varchar(20), at timestamp, number integer);
    CREATE TABLE parts (id integer PRIMARY KEY, state state, pair pair);
    CREATE TABLE days (id integer, day date) PARTITION BY RANGE (id);
    CREATE TABLE days_low PARTITION OF days FOR VALUES FROM (0) TO (100);
    CREATE TABLE animals (id integer); CREATE TABLE dogs () INHERITS (animals);
    CREATE TABLE untouched (id integer, text text);
    INSERT INTO items SELECT n, 'name ' || n, timestamp '2020-01-01', n FROM generate_series(1, 20) n;
    INSERT INTO parts SELECT n, 'new', ROW(n, n)::pair FROM generate_series(1, 20) n;
    INSERT INTO days SELECT n, date '2020-01-01' FROM generate_series(1, 20) n;
    INSERT INTO animals VALUES (1); INSERT INTO dogs VALUES (2); INSERT INTO untouched VALUES (1, 'x');";

/// What changes what a table reads as, each by another way.
const TOUCHES: &[&str] = &[
    "UPDATE items SET name = 'other' WHERE id = 4",
    "UPDATE items SET name = name",
    "DELETE FROM items WHERE id = 4",
    "DELETE FROM items WHERE id = 4; INSERT INTO items VALUES (4, 'other', NULL, 4)",
    "CREATE TEMP TABLE aside AS SELECT * FROM items; TRUNCATE items; INSERT INTO items SELECT id + 1, name, at, number FROM aside; DROP TABLE aside",
    "ALTER TABLE items ALTER COLUMN at TYPE timestamptz",
    "ALTER TABLE items ALTER COLUMN number TYPE bigint USING number + 1",
    "ALTER TABLE items ADD PRIMARY KEY (id)",
    "ALTER TABLE items RENAME COLUMN name TO title",
    "ALTER TABLE items ADD COLUMN more integer DEFAULT 7",
    "ALTER TABLE items DROP COLUMN number",
    "DROP TABLE items; CREATE TABLE items (id integer NOT NULL, name varchar(20), at timestamp, number integer)",
    "ALTER TYPE state RENAME VALUE 'new' TO 'fresh'",
    "ALTER TYPE pair ADD ATTRIBUTE c integer",
    "UPDATE days SET day = '2021-01-01' WHERE id = 3",
    "UPDATE days_low SET day = '2021-01-01' WHERE id = 3",
    "UPDATE dogs SET id = 3",
    "CREATE TABLE later (id integer)",
    "DROP TABLE untouched",
];

/// A moment of the same schema lends what is known of its tables.
#[test]
fn tables_of_another_shape_are_another_schema() {
    for server in crate::scratch::servers().into_iter().filter(|server| server.server.dialect == Dialect::Postgresql) {
        let mut told = 0;
        for touch in TOUCHES {
            let database = ScratchDatabase::create(&server).unwrap();
            let mut connection = database.connect_admin().unwrap();
            connection.execute(STOCK).unwrap();
            let mut now = || (format!("{:?}", tables(&mut connection).unwrap()), SchemaSnapshot::take_again(&mut connection).unwrap());
            let (shape, schema) = now();
            database.connect_admin().unwrap().execute(touch).unwrap_or_else(|error| panic!("{touch}: {error}"));
            let (other_shape, other_schema) = now();
            assert!(shape == other_shape || schema != other_schema, "{touch}");
            told += usize::from(shape != other_shape);
        }
        assert!(told >= 8, "{told} of the touches change a shape");
    }
}

#[test]
fn a_table_that_is_not_read_again_reads_as_before() {
    for server in crate::scratch::servers().into_iter().filter(|server| server.server.dialect == Dialect::Postgresql) {
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect_admin().unwrap();
        connection.execute(STOCK).unwrap();
        for touch in TOUCHES {
            connection.execute("BEGIN").unwrap();
            let before = DataSnapshot::of(&mut connection).unwrap();
            assert_eq!(DataSnapshot::since(&mut connection, &before, None).unwrap(), before, "{touch}");
            connection.execute(&format!("SAVEPOINT a; {touch}")).unwrap_or_else(|error| panic!("{touch}: {error}"));
            let known = DataSnapshot::since(&mut connection, &before, None).unwrap();
            assert_eq!(known, DataSnapshot::of(&mut connection).unwrap(), "{touch}");
            if *touch != "UPDATE items SET name = name" {
                assert_ne!(known, before, "{touch}");
            }
            connection.execute("ROLLBACK").unwrap();
        }
    }
}
