//! What MySQL's releases and MariaDB's do differently, and what the statement's own clauses change.

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::effects::{self, Effect};
use alembic_gate::judge::{self, Options};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script;
use alembic_gate::sql::split::Direction;

const SCHEMA: &str = "
CREATE TABLE orgs (id INT PRIMARY KEY, name VARCHAR(20));
CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), age INT, org_id INT, price DECIMAL(10,2),
  state ENUM('a','b'), KEY people_age (age), UNIQUE KEY people_name (name)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE posts (id INT PRIMARY KEY, person_id INT, CONSTRAINT posts_person FOREIGN KEY (person_id) REFERENCES people (id));
CREATE TABLE texts (id INT PRIMARY KEY, body TEXT, FULLTEXT KEY texts_body (body));
";

fn server(dialect: Dialect, version: &str) -> Server {
    Server { dialect, version: version.parse().unwrap() }
}

/// The effect of the last statement of `sql`, on the schema above.
fn effect_on(server: Server, schema: &str, sql: &str) -> Effect {
    let catalog =
        if schema.is_empty() { Catalog::new(server.dialect) } else { Catalog::of_setup(&script::read(schema.to_owned(), server)) };
    let script = script::read(sql.to_owned(), server);
    assert!(script.statements.iter().all(|statement| statement.reading.is_understood()), "{sql}");
    judge::judge(&script, Direction::Up, &catalog, &Options::default()).steps.last().unwrap().effect.clone()
}

/// `INPLACE NONE rewrite`; or the error that always comes; or `unknown`.
fn class(effect: &Effect) -> String {
    if effect.unknown.is_some() {
        return "unknown".to_owned();
    }
    if let Some(failure) = effect.fails.iter().find(|failure| failure.when == effects::When::Always) {
        return failure.code.clone();
    }
    let online = effect.online.map_or("- -".to_owned(), |online| format!("{} {}", online.algorithm, online.lock));
    format!("{online} {}", effect.work.word())
}

fn mysql(version: &str, sql: &str) -> String {
    class(&effect_on(server(Dialect::Mysql, version), SCHEMA, sql))
}

fn mariadb(version: &str, sql: &str) -> String {
    class(&effect_on(server(Dialect::Mariadb, version), SCHEMA, sql))
}

#[test]
fn releases_of_mysql_differ() {
    let last = "ALTER TABLE people ADD COLUMN n INT";
    let between = "ALTER TABLE people ADD COLUMN n INT AFTER name";
    let drop = "ALTER TABLE people DROP COLUMN price";
    let rename = "ALTER TABLE people RENAME COLUMN price TO cost";
    let default = "ALTER TABLE people ALTER COLUMN age SET DEFAULT 1";
    let check = "ALTER TABLE people ADD CONSTRAINT c CHECK (age > 0)";
    let append = "ALTER TABLE people MODIFY state ENUM('a','b','c')";
    let cases = [
        ("5.7", last, "INPLACE NONE rewrite"),
        ("8.0.11", last, "INPLACE NONE rewrite"),
        ("8.0.12", last, "INSTANT NONE instant"),
        ("8.0.28", between, "INPLACE NONE rewrite"),
        ("8.0.29", between, "INSTANT NONE instant"),
        ("8.0", between, "INSTANT NONE instant"),
        ("8.4", between, "INSTANT NONE instant"),
        ("8.0.28", drop, "INPLACE NONE rewrite"),
        ("8.4", drop, "INSTANT NONE instant"),
        ("8.0.27", rename, "INPLACE NONE scan"),
        ("8.0.28", rename, "INSTANT NONE instant"),
        ("5.7", default, "INPLACE NONE scan"),
        ("8.4", default, "INSTANT NONE instant"),
        ("8.0.15", check, "INPLACE NONE scan"),
        ("8.0.16", check, "COPY SHARED rewrite"),
        ("5.7", append, "INPLACE NONE scan"),
        ("8.0.20", append, "INSTANT NONE instant"),
    ];
    for (version, sql, expected) in cases {
        assert_eq!(mysql(version, sql), expected, "{version}: {sql}");
    }
}

#[test]
fn a_release_without_a_row_is_unknown() {
    assert_eq!(mysql("5.6", "ALTER TABLE people ADD COLUMN n INT"), "unknown");
    assert_eq!(mysql("5.7", "ALTER TABLE people ALTER INDEX people_age INVISIBLE"), "unknown");
    assert_eq!(mariadb("10.4", "ALTER TABLE people ADD COLUMN n INT"), "unknown");
    assert_eq!(mariadb("10.6", "ALTER TABLE people ADD COLUMN n INT"), "INSTANT NONE instant");
}

#[test]
fn varchar_lengths_have_a_border_at_256_bytes() {
    let cases = [
        ("ALTER TABLE orgs MODIFY name VARCHAR(31)", "INPLACE NONE scan", "INSTANT NONE instant"),
        ("ALTER TABLE orgs MODIFY name VARCHAR(63)", "INPLACE NONE scan", "INSTANT NONE instant"),
        ("ALTER TABLE orgs MODIFY name VARCHAR(64)", "COPY SHARED rewrite", "INSTANT NONE instant"),
        ("ALTER TABLE people MODIFY name VARCHAR(64)", "COPY SHARED rewrite", "COPY SHARED rewrite"),
        ("ALTER TABLE people MODIFY name VARCHAR(20)", "COPY SHARED rewrite", "COPY SHARED rewrite"),
    ];
    for (sql, on_mysql, on_mariadb) in cases {
        assert_eq!(mysql("8.4", sql), on_mysql, "{sql}");
        assert_eq!(mariadb("10.11", sql), on_mariadb, "{sql}");
    }
}

#[test]
fn clauses_too_cheap_are_refused() {
    let cases = [
        ("ALTER TABLE people MODIFY age BIGINT, ALGORITHM=INPLACE", "1846", "1846"),
        ("ALTER TABLE people MODIFY age BIGINT, LOCK=NONE", "1846", "1846"),
        ("ALTER TABLE people FORCE, ALGORITHM=INSTANT", "1845", "1845"),
        ("ALTER TABLE people ADD INDEX i (price), ALGORITHM=NOCOPY", "1800", "NOCOPY NONE scan"),
        ("ALTER TABLE people ADD COLUMN n INT, ALGORITHM=INSTANT, LOCK=NONE", "1221", "INSTANT NONE instant"),
        ("ALTER TABLE people ADD COLUMN n INT, ALGORITHM=COPY", "COPY SHARED rewrite", "COPY SHARED rewrite"),
        ("CREATE INDEX i ON people (price) ALGORITHM=INPLACE LOCK=SHARED", "INPLACE SHARED scan", "NOCOPY SHARED scan"),
    ];
    for (sql, on_mysql, on_mariadb) in cases {
        assert_eq!(mysql("8.4", sql), on_mysql, "{sql}");
        assert_eq!(mariadb("10.11", sql), on_mariadb, "{sql}");
    }
}

#[test]
fn several_actions_are_as_dear_as_the_dearest() {
    let cases = [
        ("ALTER TABLE people ADD COLUMN n INT, ADD INDEX i (price)", "INPLACE NONE rewrite", "INPLACE NONE rewrite"),
        ("ALTER TABLE people ADD COLUMN n INT, DROP INDEX people_age", "INPLACE NONE rewrite", "NOCOPY NONE scan"),
        ("ALTER TABLE people ADD COLUMN n INT, MODIFY price DECIMAL(12,2)", "COPY SHARED rewrite", "COPY SHARED rewrite"),
        ("ALTER TABLE texts ADD COLUMN n INT", "COPY SHARED rewrite", "INPLACE SHARED rewrite"),
    ];
    for (sql, on_mysql, on_mariadb) in cases {
        assert_eq!(mysql("8.4", sql), on_mysql, "{sql}");
        assert_eq!(mariadb("10.11", sql), on_mariadb, "{sql}");
    }
}

#[test]
fn checks_turned_off_make_a_foreign_key_cheap() {
    let add = "ALTER TABLE people ADD CONSTRAINT f FOREIGN KEY (org_id) REFERENCES orgs (id)";
    assert_eq!(mariadb("10.11", add), "COPY SHARED rewrite");
    assert_eq!(mariadb("10.11", &format!("SET foreign_key_checks=0; {add}")), "NOCOPY NONE scan");
    assert_eq!(mariadb("10.11", &format!("SET @old=@@foreign_key_checks, FOREIGN_KEY_CHECKS=0; {add}")), "NOCOPY NONE scan");
    assert_eq!(mysql("8.4", &format!("SET FOREIGN_KEY_CHECKS = OFF; {add}")), "INPLACE NONE scan");
}

#[test]
fn mariadb_11_2_copies_while_others_write() {
    assert_eq!(mariadb("11.1", "ALTER TABLE people MODIFY age BIGINT"), "COPY SHARED rewrite");
    assert_eq!(mariadb("11.4", "ALTER TABLE people MODIFY age BIGINT"), "COPY NONE rewrite");
}

#[test]
fn mariadb_11_2_copies_for_lock_none_what_it_does_in_place_else() {
    let fulltext = "ALTER TABLE orgs ADD FULLTEXT KEY orgs_name (name)";
    let none = format!("{fulltext}, LOCK=NONE");
    let effect = effect_on(server(Dialect::Mariadb, "11.4"), SCHEMA, &none);
    assert!(effect.locks.iter().all(|lock| !lock.mode.blocks_writes()), "{:?}", effect.locks);
    assert_eq!(class(&effect), "COPY NONE rewrite");
    assert_eq!(mariadb("11.4", fulltext), "INPLACE SHARED rewrite");
    assert_eq!(mariadb("11.4", &format!("{fulltext}, ALGORITHM=INPLACE, LOCK=NONE")), "1846");
    assert_eq!(mariadb("11.1", &none), "1846");
    assert_eq!(mariadb("11.4", "ALTER TABLE orgs ADD COLUMN n INT AUTO_INCREMENT UNIQUE, LOCK=NONE"), "1846");
    assert_eq!(mariadb("11.4", &format!("{fulltext}, MODIFY id BIGINT")), "COPY NONE rewrite");
}

#[test]
fn names_that_the_server_gives_are_known() {
    let cases = [
        ("ALTER TABLE orgs ADD UNIQUE (name); ALTER TABLE orgs DROP INDEX name", "NOCOPY NONE scan"),
        (
            "ALTER TABLE people ADD FOREIGN KEY (org_id) REFERENCES orgs (id); ALTER TABLE people DROP FOREIGN KEY people_ibfk_1",
            "INSTANT NONE instant",
        ),
        ("ALTER TABLE people ADD FOREIGN KEY (org_id) REFERENCES orgs (id); ALTER TABLE people DROP INDEX org_id", "1553"),
        ("ALTER TABLE people DROP INDEX nothing", "1091"),
        ("DROP INDEX `PRIMARY` ON orgs", "COPY SHARED rewrite"),
    ];
    for (sql, expected) in cases {
        assert_eq!(mariadb("10.11", sql), expected, "{sql}");
    }
}

#[test]
fn without_the_schema_the_worst_is_taken() {
    let on = server(Dialect::Mariadb, "10.11");
    let change = effect_on(on, "", "ALTER TABLE people MODIFY age BIGINT");
    assert_eq!(class(&change), "COPY SHARED rewrite");
    assert_eq!(change.loss, effects::Loss::Medium);
    assert!(change.loss_why.unwrap().contains("not known"));
    let drop = effect_on(on, "", "ALTER TABLE people DROP INDEX i");
    assert_eq!((class(&drop).as_str(), drop.fails.len()), ("NOCOPY NONE scan", 0));
    assert_eq!(class(&effect_on(on, "", "ALTER TABLE people ADD COLUMN n INT")), "INSTANT NONE instant");
}

#[test]
fn strict_mode_refuses_what_lax_mode_loses() {
    let on = server(Dialect::Mariadb, "10.11");
    let narrow = "ALTER TABLE people MODIFY name VARCHAR(5)";
    let strict = effect_on(on, SCHEMA, narrow);
    assert_eq!((strict.loss, strict.fails[0].code.as_str()), (effects::Loss::None, "1265"));
    let lax = effect_on(on, SCHEMA, &format!("SET sql_mode=''; {narrow}"));
    assert_eq!((lax.loss, lax.fails.len()), (effects::Loss::Medium, 0));
    let scale = effect_on(on, SCHEMA, "ALTER TABLE people MODIFY price DECIMAL(10,0)");
    assert_eq!((scale.loss, scale.fails.len()), (effects::Loss::Medium, 0));
}

#[test]
fn tables_of_the_script_are_nobody_elses() {
    let on = server(Dialect::Mysql, "8.4");
    let effect = effect_on(on, SCHEMA, "CREATE TABLE fresh (id INT PRIMARY KEY, a INT); ALTER TABLE fresh MODIFY a BIGINT");
    assert!(effect.locks.is_empty() && effect.work == effects::Work::Instant && effect.loss == effects::Loss::None);
}

#[test]
fn a_situation_stands_once_for_a_release() {
    for fact in effects::mysql::FACTS.iter() {
        let same = effects::mysql::FACTS
            .iter()
            .filter(|other| other.dialect == fact.dialect && other.situation == fact.situation && other.covers(fact.first.0, fact.first.1));
        let rows: Vec<_> = same.map(|row| (row.first, row.last)).collect();
        assert!(rows.iter().all(|range| *range == rows[0]), "{} {:?}: {rows:?}", fact.situation, fact.dialect);
    }
}

/// The tables that the examples of the measured rows speak of.
const EXAMPLES: &str = "
CREATE TABLE r (id INT PRIMARY KEY);
CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a VARCHAR(20), b INT, c VARCHAR(50), e ENUM('x','y'), KEY t_a (a)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE p (id INT NOT NULL PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (1000));
";

#[test]
fn measured_examples_meet_their_situation() {
    let on = server(Dialect::Mariadb, "10.11");
    let measured = effects::mysql::FACTS.iter().filter_map(|fact| match fact.source {
        effects::Source::Measured { setup, sql } => Some((fact, setup, sql)),
        effects::Source::Manual(_) => None,
    });
    let mut wrong: Vec<String> = Vec::new();
    for (fact, setup, sql) in measured {
        let (settings, tables): (Vec<&str>, Vec<&str>) = setup.split("; ").partition(|line| line.starts_with("SET"));
        let schema = format!("{EXAMPLES}{};", tables.join(";\n"));
        let effect = effect_on(on, &schema, &format!("{};{sql}", settings.join(";")));
        // What cannot be told without a schema cannot be met with one.
        let met = fact.situation == "change_unknown_column" || effect.situations.contains(&fact.situation);
        let online = effect.online.map(|online| online.algorithm).unwrap_or_default();
        if !met || (online, effect.work) != (fact.algorithm, fact.work) {
            wrong.push(format!("{}: {sql} met {:?} {:?}, {online} {:?}", fact.situation, effect.situations, effect.fails, effect.work));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Measured on MariaDB 10.11, on the tables of the examples: setup, statement, cheapest algorithm and lock.
const COMBINED: &[(&str, &str, &str)] = &[
    ("", "ALTER TABLE t MODIFY e ENUM('x','y') COLLATE utf8mb4_bin", "COPY SHARED"),
    ("", "ALTER TABLE t MODIFY e ENUM('x','y','z') COLLATE utf8mb4_bin", "COPY SHARED"),
    ("", "ALTER TABLE t MODIFY e ENUM('x','y') CHARACTER SET utf8mb3", "COPY SHARED"),
    (
        "ALTER TABLE t MODIFY e ENUM('x','y') CHARACTER SET utf8mb3",
        "ALTER TABLE t MODIFY e ENUM('x','y') CHARACTER SET utf8mb4",
        "COPY SHARED",
    ),
    ("ALTER TABLE t MODIFY c TEXT", "ALTER TABLE t MODIFY c TEXT COLLATE utf8mb4_bin", "INSTANT NONE"),
    ("ALTER TABLE t MODIFY c CHAR(10)", "ALTER TABLE t MODIFY c CHAR(10) COLLATE utf8mb4_bin", "INSTANT NONE"),
    ("ALTER TABLE t ADD FULLTEXT KEY f (c)", "ALTER TABLE t MODIFY c VARCHAR(50) COLLATE utf8mb4_bin", "NOCOPY SHARED"),
    ("", "ALTER IGNORE TABLE t ADD COLUMN n INT", "INSTANT NONE"),
    ("", "ALTER IGNORE TABLE t ADD INDEX i (b)", "NOCOPY NONE"),
    ("", "ALTER IGNORE TABLE t ADD UNIQUE i (b)", "COPY SHARED"),
    ("", "ALTER IGNORE TABLE t MODIFY b INT NOT NULL", "INPLACE NONE"),
    ("", "ALTER IGNORE TABLE t DROP COLUMN b", "INSTANT NONE"),
    ("", "ALTER IGNORE TABLE t MODIFY c VARCHAR(60)", "INSTANT NONE"),
    ("ALTER TABLE t DROP PRIMARY KEY", "ALTER IGNORE TABLE t ADD PRIMARY KEY (id)", "COPY SHARED"),
    ("", "ALTER IGNORE TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES r (id)", "COPY SHARED"),
    ("", "ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 1 CHECK (n > 0), ADD CONSTRAINT q CHECK (b > 0)", "COPY SHARED"),
    ("", "ALTER TABLE t MODIFY b INT UNSIGNED, ADD COLUMN n INT", "COPY SHARED"),
    ("", "ALTER TABLE t ADD COLUMN n INT, RENAME TO t3", "INSTANT NONE"),
    ("", "ALTER TABLE t MODIFY b INT FIRST, ADD INDEX i (c)", "INPLACE NONE"),
    ("", "ALTER TABLE t RENAME COLUMN b TO bb, ADD INDEX i (c)", "NOCOPY NONE"),
    ("", "ALTER TABLE t DROP INDEX t_a, ADD COLUMN n INT, DROP COLUMN b", "NOCOPY NONE"),
    ("", "ALTER TABLE t MODIFY c VARCHAR(60), DROP INDEX t_a", "NOCOPY NONE"),
    ("", "ALTER TABLE t DROP COLUMN a, ADD INDEX i (c)", "INPLACE NONE"),
    ("", "ALTER TABLE t ADD COLUMN n INT, ADD FULLTEXT KEY f (c)", "INPLACE SHARED"),
    ("", "ALTER TABLE t MODIFY id BIGINT NOT NULL", "COPY SHARED"),
    ("", "ALTER TABLE t MODIFY c VARCHAR(60), ALTER COLUMN b SET DEFAULT 4, ADD COLUMN n INT", "INSTANT NONE"),
    ("", "ALTER TABLE t MODIFY c VARCHAR(50) DEFAULT 'q' NOT NULL", "INPLACE NONE"),
    ("", "ALTER TABLE t ADD COLUMN n TIMESTAMP DEFAULT CURRENT_TIMESTAMP, ADD COLUMN m DATETIME DEFAULT NOW()", "INSTANT NONE"),
    ("", "ALTER TABLE t ADD COLUMN n DATE DEFAULT (CURRENT_DATE)", "INSTANT NONE"),
    ("", "ALTER TABLE t ADD COLUMN n BIGINT DEFAULT (UUID_SHORT())", "COPY SHARED"),
    ("", "ALTER TABLE t ADD COLUMN n INT DEFAULT (LENGTH('abc'))", "INSTANT NONE"),
    ("", "ALTER TABLE t ADD COLUMN n VARCHAR(20) DEFAULT (CONCAT(a,'x'))", "COPY SHARED"),
    ("", "ALTER TABLE t ADD COLUMN n DATETIME DEFAULT (NOW() + INTERVAL 1 DAY)", "INSTANT NONE"),
    ("", "ALTER TABLE t ADD COLUMN n VARCHAR(50) DEFAULT (USER())", "INSTANT NONE"),
    ("CREATE SEQUENCE IF NOT EXISTS sq", "ALTER TABLE t ADD COLUMN n BIGINT DEFAULT (NEXT VALUE FOR sq)", "COPY SHARED"),
    ("", "ALTER TABLE t ADD COLUMN u INT UNIQUE, ADD COLUMN w INT", "INPLACE NONE"),
    ("", "ALTER TABLE t ENGINE=InnoDB, ADD INDEX i (b)", "INPLACE NONE"),
    ("ALTER TABLE t ADD INDEX i (b)", "ALTER TABLE t DROP INDEX i, DROP INDEX t_a", "NOCOPY NONE"),
    ("", "ALTER TABLE t CONVERT TO CHARACTER SET latin1", "COPY SHARED"),
    ("ALTER TABLE t ROW_FORMAT=COMPRESSED", "ALTER TABLE t MODIFY b INT NOT NULL", "INPLACE NONE"),
    ("", "ALTER TABLE t DEFAULT CHARSET=latin1, ADD COLUMN n INT", "INSTANT NONE"),
    ("", "ALTER TABLE t MODIFY a VARCHAR(20) CHARACTER SET latin1", "COPY SHARED"),
    ("", "ALTER TABLE t ADD PRIMARY KEY IF NOT EXISTS (id)", "INSTANT NONE"),
    ("", "ALTER TABLE t MODIFY b INT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE", "COPY SHARED"),
    ("", "ALTER TABLE t MODIFY b INT AUTO_INCREMENT UNIQUE", "COPY SHARED"),
    ("", "ALTER TABLE t ALTER COLUMN a DROP DEFAULT, DROP INDEX t_a", "NOCOPY NONE"),
    ("", "ALTER TABLE t CHANGE b bb INT NOT NULL, ADD COLUMN z INT FIRST", "INPLACE NONE"),
];

#[test]
fn combined_actions_are_as_measured() {
    let on = server(Dialect::Mariadb, "10.11");
    let mut wrong: Vec<String> = Vec::new();
    for (setup, sql, expected) in COMBINED {
        let effect = effect_on(on, &format!("{EXAMPLES}{setup};"), sql);
        let found = effect.online.map(|online| format!("{} {}", online.algorithm, online.lock)).unwrap_or_default();
        if found != *expected {
            wrong.push(format!("{sql}: {expected}, found {found} {:?} {:?}", effect.situations, effect.fails));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
