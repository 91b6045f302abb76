//! The rule of type changes against all pairs of 63 types, measured on PostgreSQL 12 to 18.

use std::fmt::Write as _;

use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::effects::Place;
use alembic_gate::effects::postgresql::types::{Conversion, Values, conversion, values};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::change::{DataType, Name};
use alembic_gate::sql::script;

const MEASURED: &str = include_str!("../truth/postgresql_type_changes.txt");

const SETUP: &str = "CREATE TYPE en1 AS ENUM ('a', 'b'); CREATE TYPE en2 AS ENUM ('a', 'b'); CREATE DOMAIN dint AS int;
    CREATE DOMAIN dintck AS int CHECK (VALUE >= 0); CREATE DOMAIN dtext AS text; CREATE DOMAIN dtextck AS text CHECK (VALUE <> '');
    CREATE DOMAIN dvc20 AS varchar(20);";

/// A row for each type: its name, and a letter for each type after.
fn rows() -> Vec<(String, String)> {
    let lines = MEASURED.lines().filter(|line| !line.starts_with('#') && !line.starts_with("to "));
    lines.map(|line| line.rsplit_once(' ').map(|(name, letters)| (name.trim().to_owned(), letters.to_owned())).unwrap()).collect()
}

/// The letter for a pair on a version.
fn measured(rows: &[(String, String)], from: usize, to: usize, major: u16) -> char {
    for line in MEASURED.lines().filter(|line| line.starts_with("to ")) {
        let (head, letters) = line[3..].rsplit_once(' ').unwrap();
        let (versions, name) = head.split_once(' ').unwrap();
        let (first, last) = versions.split_once('-').unwrap();
        if name == rows[to].0 && (first.parse().unwrap()..=last.parse().unwrap()).contains(&major) {
            return letters.chars().nth(from).unwrap();
        }
    }
    rows[from].1.chars().nth(to).unwrap()
}

fn types_of(rows: &[(String, String)], server: Server) -> (Catalog, Vec<DataType>) {
    let mut setup = SETUP.to_owned();
    for (n, (name, _)) in rows.iter().enumerate() {
        writeln!(setup, "CREATE TABLE t{n} (c {name});").unwrap();
    }
    let catalog = Catalog::of_setup(&script::read(setup, server));
    let of = |n: usize| catalog.table(&Name::bare(format!("t{n}"))).unwrap().column("c").unwrap().data_type.clone().unwrap();
    let types = (0..rows.len()).map(of).collect();
    (catalog, types)
}

/// True when what we say is what was measured.
fn agrees(letter: char, conversion: Conversion, values: Values) -> bool {
    match letter {
        '.' => conversion == Conversion::Refused,
        'r' => conversion == Conversion::Rewrite && values != Values::Changed,
        'c' => conversion == Conversion::Rewrite && matches!(values, Values::Changed | Values::MayChange),
        '=' => matches!(conversion, Conversion::Same | Conversion::Relabel) && values == Values::Kept,
        'i' => conversion == Conversion::RelabelOtherOperators && values == Values::Kept,
        '-' => matches!(conversion, Conversion::Same | Conversion::Relabel | Conversion::RelabelOtherOperators) && values == Values::Kept,
        's' => conversion == Conversion::Rewrite && matches!(values, Values::MayNotFit("22001") | Values::MayChange),
        'n' => conversion == Conversion::Rewrite && values == Values::MayNotFit("22003"),
        'o' => conversion == Conversion::Rewrite && values == Values::MayNotFit("42P01"),
        _ => false,
    }
}

#[test]
fn every_pair_of_types_is_converted_as_measured() {
    let rows = rows();
    assert_eq!(rows.len(), 63);
    let mut wrong = Vec::new();
    for major in 12..=18 {
        let server = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(major, 0) };
        let (catalog, types) = types_of(&rows, server);
        let place = Place { server, catalog: &catalog, transaction: None, following: &[] };
        for (from, a) in types.iter().enumerate() {
            for (to, b) in types.iter().enumerate() {
                let letter = measured(&rows, from, to, major);
                let (ours, kept) = (conversion(a, b, &place), values(a, b, &place));
                if !agrees(letter, ours, kept) {
                    wrong.push(format!("{major}: {} -> {} is `{letter}`, ours {ours:?} {kept:?}", rows[from].0, rows[to].0));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), 7 * 63 * 63, wrong.join("\n"));
}
