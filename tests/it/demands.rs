//! The queries for rows in the way, against servers: one finds a row exactly where the server refuses the statement.

use alembic_gate::demand;
use alembic_gate::deploy::count;
use alembic_gate::dialect::Dialect;
use alembic_gate::scratch::ScratchDatabase;
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script;
use serde_json::{Value, json};

use crate::apply::{Site, apply, call, prove, reasons};
use crate::deploy_cases::{EMAIL, USERS, engines};

const TABLES: &str = "CREATE TABLE p (id integer PRIMARY KEY, code varchar(9), CONSTRAINT p_code UNIQUE (code));
CREATE TABLE t (id integer NOT NULL, a varchar(30), b varchar(30), big bigint, num integer, p_id integer);";

/// What is demanded, and stored rows of which one is in the way, or none.
struct Case {
    dialects: &'static [Dialect],
    statement: &'static str,
    fits: &'static str,
    does_not: &'static [&'static str],
}

const ALL: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite];
const SERVERS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb];
const PG: &[Dialect] = &[Dialect::Postgresql];
const MY: &[Dialect] = &[Dialect::Mariadb];

const CASES: &[Case] = &[
    Case {
        dialects: MY,
        statement: "ALTER TABLE t CONVERT TO CHARACTER SET latin1",
        fits: "(1, 'Zoë?'), (2, NULL), (3, '')",
        does_not: &["(1, '漢')", "(1, 'x'), (2, 'ok 😀')"],
    },
    Case {
        dialects: MY,
        statement: "ALTER TABLE t MODIFY a varchar(30) CHARACTER SET utf8mb3",
        fits: "(1, '漢'), (2, NULL)",
        does_not: &["(1, '😀')"],
    },
    Case {
        dialects: MY,
        statement: "ALTER TABLE t MODIFY a varchar(4) CHARACTER SET ascii",
        fits: "(1, 'abcd'), (2, '~?')",
        does_not: &["(1, 'é')", "(1, 'abcde')"],
    },
    Case {
        dialects: ALL,
        statement: "CREATE UNIQUE INDEX ix ON t (a)",
        fits: "(1, 'x'), (2, NULL), (3, NULL), (4, 'y')",
        does_not: &["(1, 'x'), (2, 'x')", "(1, ''), (2, '')"],
    },
    Case {
        dialects: MY,
        statement: "CREATE UNIQUE INDEX ix ON t (a)",
        fits: "(1, 'x'), (2, 'y')",
        does_not: &["(1, 'x'), (2, 'X')", "(1, 'x'), (2, 'x ')"],
    },
    Case {
        dialects: &[Dialect::Postgresql, Dialect::Sqlite],
        statement: "CREATE UNIQUE INDEX ix ON t (lower(a)) WHERE id > 1",
        fits: "(1, 'x'), (2, 'X')",
        does_not: &["(2, 'x'), (3, 'X')"],
    },
    Case {
        dialects: SERVERS,
        statement: "ALTER TABLE t ADD CONSTRAINT uq UNIQUE (id, a)",
        fits: "(1, 'x'), (1, NULL), (1, NULL), (2, 'x')",
        does_not: &["(1, 'x'), (1, 'x')"],
    },
    Case {
        dialects: SERVERS,
        statement: "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (id, a)",
        fits: "(1, 'x'), (1, 'y')",
        does_not: &["(1, 'x'), (1, 'x')"],
    },
    Case { dialects: PG, statement: "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (id, a)", fits: "(1, 'x')", does_not: &["(1, NULL)"] },
    Case {
        dialects: SERVERS,
        statement: "ALTER TABLE t ADD CONSTRAINT ck CHECK (id > 0 AND a <> 'no')",
        fits: "(1, 'x'), (2, NULL)",
        does_not: &["(0, 'x')", "(0, NULL)", "(1, 'no')"],
    },
    Case { dialects: PG, statement: "ALTER TABLE t ALTER COLUMN a SET NOT NULL", fits: "(1, ''), (2, 'x')", does_not: &["(1, NULL)"] },
    Case { dialects: MY, statement: "ALTER TABLE t MODIFY a varchar(30) NOT NULL", fits: "(1, ''), (2, 'x')", does_not: &["(1, NULL)"] },
    Case {
        dialects: PG,
        statement: "ALTER TABLE t ALTER COLUMN a TYPE varchar(3)",
        fits: "(1, 'abc'), (2, 'äöü'), (3, 'abc    '), (4, NULL)",
        does_not: &["(1, 'abcd')", "(1, ' abc')"],
    },
    Case {
        dialects: MY,
        statement: "ALTER TABLE t MODIFY a varchar(3)",
        fits: "(1, 'abc'), (2, 'äöü'), (4, NULL)",
        does_not: &["(1, 'abcd')", "(1, ' abc')", "(1, 'abc ')"],
    },
];

/// Of columns that hold numbers, and of what points elsewhere: rows are written whole.
const NUMBERS: &[Case] = &[
    Case {
        dialects: PG,
        statement: "ALTER TABLE t ALTER COLUMN big TYPE integer",
        fits: "(1, 2147483647, 0, NULL), (2, -2147483648, 0, NULL), (3, NULL, 0, NULL)",
        does_not: &["(1, 2147483648, 0, NULL)", "(1, -2147483649, 0, NULL)"],
    },
    Case {
        dialects: MY,
        statement: "ALTER TABLE t MODIFY big int unsigned",
        fits: "(1, 4294967295, 0, NULL), (2, 0, 0, NULL)",
        does_not: &["(1, 4294967296, 0, NULL)", "(1, -1, 0, NULL)"],
    },
    Case {
        dialects: MY,
        statement: "ALTER TABLE t MODIFY num tinyint",
        fits: "(1, 0, 127, NULL), (2, 0, -128, NULL)",
        does_not: &["(1, 0, 128, NULL)", "(1, 0, -129, NULL)"],
    },
    Case {
        dialects: PG,
        statement: "ALTER TABLE t ALTER COLUMN num TYPE smallint",
        fits: "(1, 0, 32767, NULL)",
        does_not: &["(1, 0, 32768, NULL)", "(1, 0, -32769, NULL)"],
    },
    Case {
        dialects: SERVERS,
        statement: "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p (id)",
        fits: "(1, 0, 0, 7), (2, 0, 0, NULL)",
        does_not: &["(1, 0, 0, 8)"],
    },
];

/// Counts with the query, then asks the server with the statement itself: both must say the same.
fn agree(database: &ScratchDatabase, case: &Case, columns: &str, rows: &str, is_refused: bool) {
    let server = database.server().server;
    let mut connection = database.connect().unwrap();
    connection.execute("DELETE FROM t").unwrap();
    connection.execute(&format!("INSERT INTO t ({columns}) VALUES {rows}")).unwrap();
    let mut catalog = Catalog::of_setup(&script::read(TABLES.to_owned(), server));
    catalog.settle();
    let read = script::read(case.statement.to_owned(), server);
    let demands = demand::of(&read.statements[0].reading.change, &catalog, server.dialect);
    assert_eq!(demands.len(), 1, "{}", case.statement);
    let found = count(&mut connection, &demands).unwrap();
    assert_eq!(!found.found.is_empty(), is_refused, "{server}: {} with {rows}: {found:?}", case.statement);
    assert!(found.unanswered.is_empty(), "{found:?}");
    let answer = connection.execute(case.statement);
    assert_eq!(answer.is_err(), is_refused, "{server} itself: {} with {rows}: {answer:?}", case.statement);
}

#[test]
fn a_query_finds_rows_exactly_where_the_server_refuses() {
    let mut compared = 0;
    for server in crate::scratch::servers() {
        for (cases, columns) in [(CASES, "id, a"), (NUMBERS, "id, big, num, p_id")] {
            for case in cases.iter().filter(|case| case.dialects.contains(&server.server.dialect)) {
                let whole = std::iter::once((case.fits, false)).chain(case.does_not.iter().map(|rows| (*rows, true)));
                for (rows, is_refused) in whole {
                    let database = ScratchDatabase::create(&server).unwrap();
                    database.connect().unwrap().execute(&format!("{TABLES} INSERT INTO p (id, code) VALUES (7, 'x')")).unwrap();
                    agree(&database, case, columns, rows, is_refused);
                    compared += 1;
                }
            }
        }
    }
    println!("{compared} statements compared");
    assert!(compared >= 5, "at least SQLite is here: {compared}");
}

/// What cannot be counted is said; what is not there yet is nobody's rows.
#[test]
fn what_is_not_answered_is_said() {
    for server in crate::scratch::servers().into_iter().filter(|server| server.server.dialect == Dialect::Postgresql) {
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect().unwrap();
        connection.execute(&format!("{TABLES} INSERT INTO t (id, a) VALUES (1, NULL)")).unwrap();
        let catalog = Catalog::of_setup(&script::read(TABLES.to_owned(), server.server));
        let demanded = |sql: &str| {
            let mut catalog = catalog.clone();
            catalog.settle();
            let read = script::read(sql.to_owned(), server.server);
            demand::of(&read.statements[0].reading.change, &catalog, server.server.dialect)
        };
        let not_there = count(&mut connection, &demanded("ALTER TABLE t ALTER COLUMN z SET NOT NULL")).unwrap();
        assert_eq!(not_there, alembic_gate::deploy::Counted::default());
        database.connect_admin().unwrap().execute("CREATE TABLE hidden (a text); INSERT INTO hidden VALUES (NULL)").unwrap();
        let refused = count(&mut connection, &demanded("ALTER TABLE hidden ALTER COLUMN a SET NOT NULL")).unwrap();
        assert!(refused.found.is_empty() && refused.unanswered.len() == 1, "{refused:?}");
        assert!(refused.unanswered[0].starts_with("permission denied") && refused.unanswered[0].contains("a IS NULL"), "{refused:?}");
    }
}

/// A text that nobody should send: it is not asked, or refused as a whole, and everything stands afterwards.
#[test]
fn no_text_of_a_check_changes_anything() {
    for server in crate::scratch::servers() {
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect().unwrap();
        connection.execute(&format!("{TABLES} INSERT INTO t (id, a) VALUES (1, 'a   b')")).unwrap();
        let mut catalog = Catalog::of_setup(&script::read(TABLES.to_owned(), server.server));
        catalog.settle();
        for check in [
            "1=1; COMMIT; DROP TABLE t; SELECT 1",
            "1=1); COMMIT; DROP TABLE t; SELECT (1",
            "a = 'a   b'",
            "a = 'a   b' AND\n id > 0",
            "id > 0 -- ) OR true\n",
        ] {
            let read = script::read(format!("ALTER TABLE t ADD CONSTRAINT c CHECK ({check})"), server.server);
            let demands = demand::of(&read.statements[0].reading.change, &catalog, server.server.dialect);
            let counted = count(&mut connection, &demands).unwrap();
            assert!(counted.found.is_empty(), "{}: {check}: {counted:?}", server.server);
            assert_eq!(connection.value("SELECT count(*) FROM t").unwrap().as_deref(), Some("1"), "{}: {check}", server.server);
        }
    }
}

#[test]
fn what_the_range_changes_itself_is_nobodys_question() {
    let server = alembic_gate::dialect::Server { dialect: Dialect::Postgresql, version: alembic_gate::dialect::ServerVersion::new(18, 0) };
    let asked = |sql: &str| {
        let mut catalog = Catalog::of_setup(&script::read(TABLES.to_owned(), server));
        catalog.settle();
        let read = script::read(sql.to_owned(), server);
        demand::of_script(&read, &catalog).into_iter().map(|(_, demand)| demand.table.name).collect::<Vec<_>>()
    };
    let unique = "ALTER TABLE t ADD CONSTRAINT uq UNIQUE (a);";
    assert_eq!(asked(unique), ["t"]);
    assert_eq!(asked(&format!("SET lock_timeout = '3s'; ALTER TABLE t ADD COLUMN z integer; {unique}")), ["t"]);
    for before in [
        "UPDATE t SET a = a || id;",
        "DELETE FROM t WHERE a IS NULL;",
        "DO $$ BEGIN PERFORM mend(); END $$;",
        "SELECT mend();",
        "ALTER TABLE t RENAME COLUMN b TO c;",
        "DROP TABLE t; CREATE TABLE t (a text);",
    ] {
        assert!(asked(&format!("{before} {unique}")).is_empty(), "{before}");
    }
    assert_eq!(asked(&format!("UPDATE p SET code = 'y'; {unique}")), ["t"], "another table");
    let key = "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p (id);";
    assert!(asked(&format!("INSERT INTO p (id) SELECT p_id FROM t; {key}")).is_empty(), "what it points at is filled");
}

/// Refused with the count and the query before anything is sent; applied when the rows are mended.
#[test]
fn s_094_rows_in_the_way_of_an_apply_are_counted_first() {
    let unique = (
        "email_is_unique",
        "with op.get_context().autocommit_block():\n    # alembic-gate: allow may_fail_on_rows because it is applied only where there are no twins\n    \
         op.create_index('uq_users_email', 'users', ['email'], unique=True, postgresql_concurrently=True)",
        "with op.get_context().autocommit_block():\n    op.drop_index('uq_users_email', 'users', postgresql_concurrently=True)",
    );
    for server in engines().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let site = Site::new(&server, &[USERS, EMAIL, unique]);
        site.shop.bring_to("add_user_email");
        let twins = "INSERT INTO users (id, name, email) VALUES (1, 'ada', 'a'), (2, 'bob', 'a'), (3, 'eve', NULL), (4, 'joe', NULL)";
        site.shop.connect().execute(twins).unwrap();
        let mut client = site.client(true);
        prove(&mut client, "add_user_email");
        let before = site.shop.dump();
        let answer = apply(&mut client, "staging");
        assert_eq!((&answer["verdict"], &answer["applied"]), (&json!("blocked"), &json!(false)), "{}: {answer:#}", server.server);
        assert_eq!(reasons(&answer), ["rows_in_the_way"], "{answer:#}");
        let mend = answer["mend"].as_str().unwrap();
        assert!(mend.contains("1 in `users`") && mend.contains("GROUP BY email HAVING count(*) > 1"), "{mend}");
        assert!(!answer["commands"].to_string().contains("upgrade email_is_unique\""), "no way round: {answer:#}");
        assert_eq!(before, site.shop.dump(), "nothing was sent");
        let off: Value = call(&mut site.client(false), "apply_migration", json!({ "environment": "staging" }));
        assert_eq!(reasons(&off), ["apply_disabled", "rows_in_the_way"], "{off:#}");
        site.shop.connect().execute("UPDATE users SET email = 'b' WHERE id = 2").unwrap();
        let answer = apply(&mut client, "staging");
        assert_eq!((&answer["verdict"], &answer["applied"]), (&json!("pass"), &json!(true)), "{}: {answer:#}", server.server);
    }
}
