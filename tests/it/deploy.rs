//! The runner on real servers: what is committed when it succeeds, fails, waits, is cut off, is stopped, meets another.

use alembic_gate::database::{Connection, url};
use alembic_gate::deploy::{CannotRun, Commits, Fate, Part, Stop, expected, plan, rehearse, run};
use alembic_gate::dialect::Dialect;
use alembic_gate::recovery::Real;
use alembic_gate::recovery::half::{Standing, standing};
use alembic_gate::snapshot::SchemaSnapshot;
use alembic_gate::snapshot::likeness::likeness;

use crate::deploy_cases::{EMAIL, Listens, NOTE, Shop, USERS, at, engines, engines_of, quick};

#[test]
fn s_094_a_range_is_applied_on_each_engine_and_stands_as_rehearsed() {
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL, NOTE]);
        shop.bring_to("create_users");
        let (workshop, plan) = shop.plan("create_users", "head");
        let rehearsed = expected(&workshop, &plan.range).unwrap_or_else(|error| panic!("{}: {error}", server.server));
        rehearse(&workshop, &plan, &rehearsed).unwrap_or_else(|error| panic!("{}: {error}", server.server));
        assert!(likeness(&rehearsed.before, &shop.dump().0, &[&rehearsed.after], &plan.table).is_alike(), "{}", server.server);
        let mut news = Listens::default();
        let ran = run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut news);
        assert_eq!((&ran.stopped, ran.after.as_deref()), (&None, Some(&["add_user_note".to_owned()][..])), "{}", server.server);
        assert!(ran.fates.values().all(|fate| *fate == Fate::Committed), "{:?}", ran.fates);
        assert_eq!(news.heard.len(), plan.steps().count());
        assert_eq!(shop.version().as_deref(), Some("add_user_note"));
        let after = likeness(&rehearsed.after, &shop.dump().0, &[&rehearsed.before], &plan.table);
        assert_eq!(after.differences, [], "{}", server.server);
    }
}

#[test]
fn s_094_a_failure_says_what_is_committed_and_what_is_not() {
    // The second statement meets a column that somebody made by hand.
    let two = ("add_two", "op.add_column('users', sa.Column('a', sa.Integer))\nop.add_column('users', sa.Column('b', sa.Integer))", "pass");
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL, two]);
        shop.bring_to("create_users");
        shop.connect().execute("ALTER TABLE users ADD COLUMN b INTEGER").unwrap();
        let ran = shop.apply("create_users", "head");
        let stopped = ran.stopped.clone().unwrap();
        assert!(matches!(stopped.stop, Stop::Refused { .. }), "{stopped:?}");
        let standing = |column: &str| shop.connect().rows(&format!("SELECT {column} FROM users")).is_ok();
        match server.server.dialect {
            // One transaction around the range, as this `env.py` has it.
            Dialect::Postgresql => {
                assert!(ran.left_nothing() && !standing("email") && !standing("a"), "{:?}", ran.fates);
                assert_eq!(ran.after.as_deref(), Some(&["create_users".to_owned()][..]));
            }
            // The first revision is done, and of the second nothing is left.
            Dialect::Sqlite => {
                assert!(standing("email") && !standing("a"), "{:?}", ran.fates);
                assert_eq!(ran.after.as_deref(), Some(&["add_user_email".to_owned()][..]));
            }
            // What the server committed on its way stays: the second revision is half there.
            _ => {
                assert!(standing("email") && standing("a"), "{:?}", ran.fates);
                assert_eq!(ran.after.as_deref(), Some(&["add_user_email".to_owned()][..]));
                assert_eq!(ran.with(Fate::Committed), [1, 2, 3], "{:?}", ran.fates);
                assert_eq!((ran.with(Fate::Refused), ran.with(Fate::NotRun)), (vec![4], vec![5]));
            }
        }
    }
}

#[test]
fn transactions_are_alembics_own() {
    for server in engines_of(Dialect::Postgresql) {
        let index = (
            "index_email",
            "with op.get_context().autocommit_block():\n    op.create_index('ix_email', 'users', ['email'], postgresql_concurrently=True)",
            "op.drop_index('ix_email')",
        );
        let shop = Shop::new(&server, &[USERS, EMAIL, index, NOTE]);
        let (_, together) = shop.plan("create_users", "head");
        let shape = |plan: &alembic_gate::deploy::Plan| plan.units.iter().map(|unit| (unit.commits, unit.steps.len())).collect::<Vec<_>>();
        assert_eq!(shape(&together), [(Commits::Together, 2), (Commits::Alone, 1), (Commits::Together, 3)]);
        shop.env_py("transaction_per_migration=True");
        let (workshop, single) = shop.plan("create_users", "head");
        assert_eq!(shape(&single), [(Commits::Together, 2), (Commits::Alone, 1), (Commits::Together, 1), (Commits::Together, 2)]);
        rehearse(&workshop, &single, &expected(&workshop, &single.range).unwrap()).unwrap();
        shop.bring_to("create_users");
        let ran = shop.apply("create_users", "head");
        assert_eq!((ran.stopped, shop.version().as_deref()), (None, Some("add_user_note")));
        assert_eq!(shop.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_email'::regclass").as_deref(), Some("t"));
    }
}

#[test]
fn s_094_a_lock_held_by_another_is_waited_for_a_bounded_time_and_leaves_nothing() {
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL]);
        shop.bring_to("create_users");
        let mut other = shop.connect();
        match server.server.dialect {
            Dialect::Sqlite => drop(other.execute("BEGIN IMMEDIATE").unwrap()),
            Dialect::Postgresql => drop(other.execute("BEGIN; SELECT * FROM users").unwrap()),
            _ => drop(other.execute("SET autocommit = 0; SELECT * FROM users").unwrap()),
        }
        let (_, plan) = shop.plan("create_users", "head");
        let mut news = Listens::default();
        let ran = run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut news);
        let stopped = ran.stopped.clone().unwrap();
        assert!(matches!(stopped.stop, Stop::NoLock { tries: 2, .. }), "{}: {stopped:?}", server.server);
        assert!(ran.left_nothing() && news.waited == 1, "{:?}", ran.fates);
        // When the other is gone, the same plan goes through; while we wait, it may go.
        let other = std::cell::RefCell::new(Some(other));
        struct Leaves<'a>(&'a std::cell::RefCell<Option<Connection>>);
        impl alembic_gate::deploy::News for Leaves<'_> {
            fn before(&mut self, _: &alembic_gate::deploy::Step) -> bool {
                true
            }
            fn waits(&mut self, _: &str) -> bool {
                if let Some(mut other) = self.0.borrow_mut().take() {
                    other.execute("ROLLBACK").unwrap();
                }
                true
            }
        }
        let ran = run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut Leaves(&other));
        assert_eq!((ran.stopped, ran.waits.len(), shop.version().as_deref()), (None, 1, Some("add_user_email")), "{}", server.server);
    }
}

#[test]
fn s_094_a_second_runner_does_nothing() {
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL]);
        shop.bring_to("create_users");
        let (_, plan) = shop.plan("create_users", "head");
        let mut second = None;
        let mut news = Listens::doing(|_| {
            second.get_or_insert_with(|| run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut Listens::default()));
            true
        });
        let first = run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut news);
        drop(news);
        assert_eq!((first.stopped, shop.version().as_deref()), (None, Some("add_user_email")), "{}", server.server);
        let second = second.unwrap();
        assert!(second.left_nothing(), "{second:?}");
        let stop = second.stopped.unwrap().stop;
        let is_kept_out = match server.server.dialect {
            Dialect::Sqlite => matches!(stop, Stop::NoLock { .. }),
            _ => matches!(stop, Stop::Busy { .. }),
        };
        assert!(is_kept_out, "{}: {stop:?}", server.server);
        // Later it finds that the database has moved.
        let late = run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut Listens::default());
        assert!(matches!(late.stopped.unwrap().stop, Stop::Moved { .. }));
    }
}

#[test]
fn s_094_a_connection_that_is_cut_says_what_stands() {
    let two = (
        "add_two",
        "op.add_column('users', sa.Column('a', sa.Integer))\nop.execute('UPDATE users SET a = 1')\nop.add_column('users', sa.Column('b', sa.Integer))",
        "pass",
    );
    for server in engines().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let shop = Shop::new(&server, &[USERS, two]);
        shop.bring_to("create_users");
        let (_, plan) = shop.plan("create_users", "head");
        let mut connection = shop.connect();
        let session = connection.session_id().unwrap();
        let is_postgresql = server.server.dialect == Dialect::Postgresql;
        let mut news = Listens::doing(|step| {
            if step.number == 3 {
                let kill = if is_postgresql { format!("SELECT pg_terminate_backend({session})") } else { format!("KILL {session}") };
                shop.database.connect_admin().unwrap().rows(&kill).unwrap();
            }
            true
        });
        let ran = run(&mut connection, &plan, &at("create_users"), &quick(), &mut news);
        drop(news);
        assert!(matches!(ran.stopped.as_ref().unwrap().stop, Stop::Lost { .. }), "{}: {:?}", server.server, ran.stopped);
        assert_eq!(ran.after, None);
        let has_a = shop.connect().rows("SELECT a FROM users").is_ok();
        if is_postgresql {
            assert!(ran.left_nothing() && !has_a, "{:?}", ran.fates);
        } else {
            // The first was committed by the server; of the other two nobody knows from here.
            assert_eq!((ran.with(Fate::Committed), ran.with(Fate::Unknown), has_a), (vec![1], vec![2, 3], true), "{:?}", ran.fates);
        }
        assert_eq!(shop.version().as_deref(), Some("create_users"));
    }
}

#[test]
fn s_158_what_a_half_applied_range_left_is_told_by_statement() {
    let two = ("add_two", "op.add_column('users', sa.Column('a', sa.Integer))\nop.add_column('users', sa.Column('b', sa.Integer))", "pass");
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, two]);
        shop.bring_to("create_users");
        let (workshop, plan) = shop.plan("create_users", "head");
        let rehearsed = expected(&workshop, &plan.range).unwrap();
        shop.connect().execute("ALTER TABLE users ADD COLUMN a INTEGER").unwrap();
        let found = shop.dump().0;
        let seen = likeness(&rehearsed.before, &found, &[&rehearsed.after], &plan.table);
        assert!(!seen.is_alike(), "{}", server.server);
        let stands = || -> Standing {
            standing(&workshop, &mut Real::open(&url::read(&shop.database.address().sqlalchemy_url(None)).unwrap()).unwrap()).unwrap()
        };
        let half = stands();
        assert_eq!((half.half.unwrap().applied, half.unexplained), (vec![1], Vec::new()), "{}", server.server);
        shop.connect().execute("ALTER TABLE users ADD COLUMN z INTEGER").unwrap();
        let more = stands();
        assert!(more.unexplained.iter().any(|one| one.object.ends_with(".z")) && more.strangers.is_empty(), "{}", server.server);
    }
}

#[test]
fn tables_of_others_and_their_owners_are_no_difference() {
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL]);
        shop.bring_to("create_users");
        let (workshop, plan) = shop.plan("create_users", "head");
        let rehearsed = expected(&workshop, &plan.range).unwrap();
        shop.connect().execute("CREATE TABLE reports (id INTEGER PRIMARY KEY)").unwrap();
        let seen = likeness(&rehearsed.before, &shop.dump().0, &[&rehearsed.after], &plan.table);
        assert!(seen.is_alike() && seen.strangers.iter().any(|name| name.contains("reports")), "{seen:?}");
        shop.connect().execute("CREATE INDEX by_hand ON users (name)").unwrap();
        let seen = likeness(&rehearsed.before, &shop.dump().0, &[&rehearsed.after], &plan.table);
        assert!(!seen.is_alike(), "an index on a table of the chain: {seen:?}");
    }
}

#[test]
fn what_only_alembic_can_run_is_refused_with_the_line() {
    let Some(server) = engines().into_iter().next() else { return };
    let refused = |up: &str| {
        let shop = Shop::new(&server, &[USERS, ("change_users", up, "pass")]);
        let (workshop, range, rendering) = shop.rendered("create_users", "head");
        plan(&rendering, &range, workshop.server, &workshop.workspace)
    };
    let reads = refused(
        "for row in op.get_bind().execute(sa.text('SELECT id FROM users')):\n    op.execute(f'UPDATE users SET name = 1 WHERE id = {row.id}')",
    );
    assert!(matches!(&reads, Err(CannotRun::ReadsRows { place, .. }) if place == "migrations/versions/change_users.py:12"), "{reads:?}");
    let bound = refused("sa.inspect(op.get_bind())\nop.get_bind().execute(sa.text('UPDATE users SET name = :n'), {'n': 'x'})");
    assert!(matches!(bound, Err(CannotRun::Bound { .. })), "{bound:?}");
    // Asking for the schema is another thing: it is the same schema there, which is compared first.
    let looks = refused(
        "if 'email' not in [c['name'] for c in sa.inspect(op.get_bind()).get_columns('users')]:\n    op.add_column('users', sa.Column('email', sa.String(80)))",
    );
    let steps: Vec<Part> = looks.unwrap().steps().map(|step| step.part).collect();
    assert_eq!(steps, [Part::Revision, Part::Version]);
}

#[test]
fn sqlite_settings_stand_outside_of_the_transaction_and_rows_that_refer_survive() {
    for server in engines_of(Dialect::Sqlite) {
        let child = (
            "create_orders",
            "op.execute('CREATE TABLE orders (id INTEGER PRIMARY KEY, u INTEGER REFERENCES users(id) ON DELETE CASCADE)')",
            "op.drop_table('orders')",
        );
        let rebuild = (
            "rebuild_users",
            "op.execute('PRAGMA foreign_keys=OFF')\nop.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)')\nop.execute('INSERT INTO t SELECT * FROM users')\nop.execute('DROP TABLE users')\nop.execute('ALTER TABLE t RENAME TO users')\nop.execute('PRAGMA foreign_keys=ON')",
            "pass",
        );
        let shop = Shop::new(&server, &[USERS, child, rebuild]);
        shop.bring_to("create_orders");
        shop.connect().execute("INSERT INTO users VALUES (1, 'a'); INSERT INTO orders VALUES (1, 1)").unwrap();
        let (_, plan) = shop.plan("create_orders", "head");
        let shape: Vec<_> = plan.units.iter().map(|unit| (unit.commits, unit.steps.len())).collect();
        assert_eq!(shape, [(Commits::Alone, 1), (Commits::Together, 5), (Commits::Alone, 1)]);
        assert_eq!(shop.apply("create_orders", "head").stopped, None);
        assert_eq!(shop.value("SELECT count(*) FROM orders").as_deref(), Some("1"));
    }
}

#[test]
fn a_run_that_nobody_waits_for_stops_between_two_statements() {
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL, NOTE]);
        shop.bring_to("create_users");
        let (_, plan) = shop.plan("create_users", "head");
        let mut news = Listens::doing(|step| step.number < 3);
        let ran = run(&mut shop.connect(), &plan, &at("create_users"), &quick(), &mut news);
        assert_eq!(ran.stopped.as_ref().unwrap().stop, Stop::Cancelled);
        let stands = SchemaSnapshot::take(&mut shop.connect()).unwrap().objects.keys().any(|label| label.ends_with("users.email"));
        assert_eq!(stands, !ran.left_nothing(), "{}: {:?}", server.server, ran.fates);
    }
}
