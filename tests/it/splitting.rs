//! Properties of the splitter, on random scripts of all dialects: nothing is dropped, nothing is invented.

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::judge::{Options, judge};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script::{Script, read};
use alembic_gate::sql::split::{Direction, split};

const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mysql, Dialect::Mariadb, Dialect::Sqlite, Dialect::Mssql, Dialect::Oracle];

/// Pieces of SQL, whole and broken, that splitters stumble over.
const FRAGMENTS: &[&str] = &[
    ";",
    ";\n",
    "\n",
    "\r\n",
    " ",
    "\t",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "'",
    "''",
    "\"",
    "`",
    "$",
    "$$",
    "$tag$",
    "$1",
    "@v",
    ":n",
    "?",
    "\\",
    "\\.\n",
    "\\i x.sql\n",
    "\\gexec\n",
    "\\;",
    "--",
    "-- Running upgrade a -> b\n",
    "-- +goose Up\n",
    "-- +goose StatementBegin\n",
    "-- migrate:down\n",
    "/*",
    "*/",
    "/* c */",
    "/*!50003 ",
    "/*! x */",
    "#",
    "# c\n",
    "GO\n",
    "\nGO\n",
    "/\n",
    "\n/\n",
    "DELIMITER //\n",
    "DELIMITER ;\n",
    "//",
    "BEGIN",
    "BEGIN;",
    "BEGIN ATOMIC",
    "END",
    "END;",
    "END IF",
    "CASE",
    "IF",
    "THEN",
    "LOOP",
    "COMMIT;",
    "ROLLBACK;",
    "SAVEPOINT s;",
    "CREATE TABLE t (a int, b text);",
    "CREATE TABLE",
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN",
    "CREATE FUNCTION f()",
    "CREATE PROCEDURE p AS",
    "CREATE INDEX i ON t (a)",
    "ALTER TABLE t ADD COLUMN c int",
    "ALTER TABLE t DROP COLUMN a",
    "DROP TABLE t",
    "RENAME TO u",
    "INSERT INTO t SELECT a, b FROM u",
    "INSERT INTO t VALUES (1, 'x;y')",
    "UPDATE t SET a = 1 WHERE b = 'é'",
    "DELETE FROM t",
    "SELECT",
    "FROM",
    "WHERE",
    "COPY t FROM stdin;\n",
    "1\t2\n",
    "DO $$ BEGIN",
    "$$;",
    "E'\\'",
    "N'x'",
    "x'00'",
    "q'[",
    "]'",
    "{{ schema }}",
    "${x}",
    "%s",
    "::",
    "->>",
    "ä",
    "\u{2028}",
    "\u{feff}",
    "🦀",
    "\0",
    "PRAGMA foreign_keys = ON;",
    "VACUUM",
    "CONSTRAINT",
    "CHECK (a > 0)",
    "REFERENCES t (a)",
    "DEFAULT",
    "NOT NULL",
    "UNIQUE",
    "PRIMARY KEY",
    "a BIGINT UNSIGNED",
    "CREATE TABLE n (a BIGINT UNSIGNED",
    "ZEROFILL",
    "CHARACTER SET utf8",
    "CHARSET",
    "GENERATED ALWAYS AS (a + 1)",
    "STORED",
    "COLLATE x",
    "COMMENT 'c'",
    "AFTER b",
    "FIRST",
    "KEY",
    "USING",
    "WITH",
    "ON DELETE CASCADE",
    "ADD",
    "DROP",
    "ALTER COLUMN a",
    "SET",
    "TYPE",
    "MODIFY",
    "CHANGE",
    "ENGINE=InnoDB",
    "PARTITION BY RANGE (a)",
    "VALUES",
    "ON CONFLICT",
    "DO",
    "RETURNING",
    "GRANT",
    "TO",
    "OWNER",
    "IF EXISTS",
    "TABLE",
    "COLUMN",
    "INDEX",
    "VIEW v AS",
    "FOREIGN KEY (a)",
    "IDENTITY",
    "AUTO_INCREMENT",
    "ENCODE",
    "SRID",
    "STORAGE",
    "STRICT",
    "WITHOUT ROWID",
    "UNION ALL",
    "LIMIT 1",
    "JOIN u",
    "EXEC",
    "DECLARE",
    "TRUNCATE",
    "LOCK",
    "COMMENT ON",
    "CREATE",
    "SEQUENCE s",
    "DOMAIN d",
    "ROLE r",
    "START WITH 1",
    "AS",
];

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn script(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(30) {
            text.push_str(FRAGMENTS[self.below(FRAGMENTS.len())]);
            if self.below(3) > 0 {
                text.push(' ');
            }
        }
        text
    }

    fn soup(&mut self) -> String {
        let bytes: Vec<u8> = (0..self.below(200)).map(|_| self.below(256) as u8).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Every property of a split that holds whatever the text is.
fn check(text: &str, dialect: Dialect) {
    let found = split(text, dialect);
    let mut together = String::new();
    let mut at = 0;
    for piece in &found.pieces {
        let (start, end) = (piece.start as usize, piece.end as usize);
        assert!(at <= start && start < end && end <= text.len(), "{dialect}: {start}..{end} behind {at} in {text:?}");
        together.push_str(&text[at..start]);
        together.push_str(&text[start..end]);
        at = end;
        let line = text[..start].matches('\n').count() as u32 + 1;
        let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
        assert_eq!((piece.line, piece.column as usize), (line, text[line_start..start].chars().count() + 1), "{dialect}: {text:?}");
        let tokens = &found.tokens[piece.first_token as usize..piece.end_token as usize];
        assert!(tokens.iter().all(|token| token.start >= piece.start && token.end <= piece.end), "{dialect}: {text:?}");
        assert!(tokens.windows(2).all(|pair| pair[0].end <= pair[1].start), "{dialect}: {text:?}");
    }
    together.push_str(&text[at..]);
    assert_eq!(together, text, "{dialect}");
}

/// The same through the reader: statements and gaps are the text, and nothing on the way to a judgement panics.
fn check_script(text: &str, dialect: Dialect) {
    let script: Script = read(text.to_owned(), Server::newest(dialect));
    let gaps = script.gaps();
    assert_eq!(gaps.len(), script.statements.len() + 1);
    let mut together = String::new();
    for (gap, statement) in gaps.iter().zip(&script.statements) {
        together.push_str(&text[gap.clone()]);
        together.push_str(script.text_of(statement));
    }
    together.push_str(&text[gaps[gaps.len() - 1].clone()]);
    assert_eq!(together, text, "{dialect}");
    let before = Catalog::of_setup(&script);
    let judgement = judge(&script, Direction::Up, &before, &Options::default());
    assert!(judgement.steps.len() <= script.statements.len());
}

#[test]
fn statements_and_gaps_are_the_text() {
    let mut dice = Dice(0x5eed_1234_9876_abcd);
    for round in 0..2_000 {
        let text = if round % 8 == 0 { dice.soup() } else { dice.script() };
        for dialect in DIALECTS {
            check(&text, *dialect);
            check_script(&text, *dialect);
        }
    }
}

#[test]
fn words_of_another_dialect_in_a_column_end_the_reading() {
    for dialect in DIALECTS {
        for word in ["UNSIGNED", "ZEROFILL", "CHARSET utf8", "CHARACTER SET utf8", "AUTO_INCREMENT", "STORED", "IDENTITY"] {
            let _ = read(format!("CREATE TABLE t (a bigint {word} NOT NULL, b int NOT NULL {word})"), Server::newest(*dialect));
        }
    }
}

#[test]
fn statements_end_where_a_client_ends_them() {
    let count = |text: &str, dialect| split(text, dialect).pieces.len();
    assert_eq!(count("SELECT ';'; SELECT \";\"; SELECT 1 -- ;\n; /* ; */", Dialect::Sqlite), 3);
    assert_eq!(count("CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM t; END; SELECT 1", Dialect::Sqlite), 2);
    assert_eq!(count("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END; SELECT 1", Dialect::Sqlite), 2);
    assert_eq!(count("DO $$ BEGIN; END $$; SELECT 1", Dialect::Postgresql), 2);
    assert_eq!(count("DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\nDELIMITER ;\nSELECT 1;", Dialect::Mysql), 2);
    assert_eq!(count("SELECT 1\nGO\nSELECT 2", Dialect::Mssql), 2);
}

#[test]
fn one_changed_byte_is_noticed() {
    let text = "SELECT 1; SELECT 2";
    let found = split(text, Dialect::Sqlite);
    assert_ne!(split("SELECT 1  SELECT 2", Dialect::Sqlite).pieces, found.pieces);
}
