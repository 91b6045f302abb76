//! Rows that satisfy the constraints, and the noticing of what became of them.

use alembic_gate::address::Address;
use alembic_gate::database::Connection;
use alembic_gate::rows::data::{DataSnapshot, Written};
use alembic_gate::rows::fill::fill;

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
