//! What is read out of a revision file, and that nothing in one can stop the reader.

use std::fmt::Write;

use alembic_gate::project::operation::{Concern, Value};
use alembic_gate::project::revision::{Body, ProblemKind, Reading, Shape, read};
use alembic_gate::workspace::{MAX_FILE_BYTES, OpenError, open_folder};

const HEAD: &str = "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'a1'\ndown_revision = None\n";

fn upgrade(body: &str) -> Body {
    let lines: String = body.lines().fold(String::new(), |mut text, line| {
        writeln!(text, "    {line}").unwrap();
        text
    });
    let reading = read("a1.py", &format!("{HEAD}def upgrade():\n{lines}"));
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading.revision.unwrap().upgrade.unwrap()
}

#[test]
fn ids_in_every_form() {
    for (text, id, parents, labels, depends) in [
        ("revision = 'a'\ndown_revision = None", "a", &[][..], &[][..], &[][..]),
        (
            "revision: str = \"a\"\ndown_revision: Union[str, None] = 'b'\nbranch_labels: X = None\ndepends_on: X = None",
            "a",
            &["b"],
            &[],
            &[],
        ),
        (
            "revision = 'a'\ndown_revision = ('b', 'c')\nbranch_labels = ('x',)\ndepends_on = ['d', 'e']",
            "a",
            &["b", "c"],
            &["x"],
            &["d", "e"],
        ),
        ("ID = 'a'\nrevision = ID\ndown_revision = ['b']\nbranch_labels = {'x'}", "a", &["b"], &["x"], &[]),
        ("revision = 'a' 'b'\ndown_revision = ()", "ab", &[], &[], &[]),
        ("revision = u'a'\ndown_revision = r'b'", "a", &["b"], &[], &[]),
        ("revision = 'a'\nrevision = 'z'\ndown_revision = None", "z", &[], &[], &[]),
        ("\u{feff}revision = 'a'\r\ndown_revision = None\r\n", "a", &[], &[], &[]),
    ] {
        let reading = read("x.py", text.trim_start_matches('\u{feff}'));
        let revision = reading.revision.unwrap_or_else(|| panic!("{text}: {:?}", reading.problems));
        assert_eq!(
            (revision.id.as_str(), revision.parents.as_slice()),
            (id, parents.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>().as_slice()),
            "{text}"
        );
        assert_eq!(revision.branch_labels, labels, "{text}");
        assert_eq!(revision.depends_on, depends, "{text}");
    }
    assert_eq!(
        read("versions/1a2b.py", "down_revision = None\n").revision.unwrap().id,
        "1a2b",
        "Alembic's first versions named files after the id"
    );
}

#[test]
fn ids_that_are_not_written_out_are_said() {
    for text in [
        "revision = os.environ['R']\ndown_revision = None",
        "revision = 'a'\ndown_revision = previous()",
        "revision = 'a'\ndown_revision = [x for x in y]",
    ] {
        assert!(matches!(read("x.py", text).problems[0].kind, ProblemKind::NotLiteral { .. }), "{text}");
    }
    assert_eq!(read("x.py", "revision = 'a'\n").problems[0].kind, ProblemKind::NoDownRevision);
    assert_eq!(read("helpers.py", "def f(): pass\n").problems[0].kind, ProblemKind::NoRevision);
}

#[test]
fn operations_carry_table_columns_and_line() {
    let body = upgrade(
        "op.create_table('books', sa.Column('id', sa.Integer()), sa.Column('title', sa.Text()), schema='shop')\n\
         op.add_column('books', sa.Column('isbn', sa.String(13), nullable=False), schema='shop')\n\
         op.create_index(op.f('ix_books_isbn'), 'books', ['isbn'], unique=True)\n\
         op.create_foreign_key('fk', 'books', 'authors', ['author_id'], ['id'])\n\
         op.drop_constraint('fk', table_name='books')\n\
         with op.batch_alter_table('books', schema='shop') as batch_op:\n    batch_op.drop_column('title')\n    batch_op.create_index('ix', ['isbn'])\n\
         if sa:\n    op.rename_table('books', 'volumes')\n\
         with op.get_context().autocommit_block():\n    op.execute('VACUUM')\n",
    );
    let said: Vec<String> = body
        .operations
        .iter()
        .map(|found| {
            format!(
                "{} {}{} {:?} {:?}",
                found.name,
                found.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default(),
                found.table.as_deref().unwrap_or("-"),
                found.columns,
                found.object
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            r#"create_table shop.books ["id", "title"] None"#,
            r#"add_column shop.books ["isbn"] None"#,
            r#"create_index books ["isbn"] Some("ix_books_isbn")"#,
            r#"create_foreign_key books ["author_id"] Some("fk")"#,
            r#"drop_constraint books [] Some("fk")"#,
            r#"batch_alter_table shop.books [] None"#,
            r#"drop_column shop.books ["title"] None"#,
            r#"create_index shop.books ["isbn"] Some("ix")"#,
            r#"rename_table books [] None"#,
            r#"execute - [] None"#,
        ]
    );
    assert_eq!((body.operations[0].line, body.operations[0].column), (6, 5));
    assert!(body.operations[8].conditional && !body.operations[7].conditional);
    assert!(body.operations[9].autocommit && !body.operations[8].autocommit);
    let Some(Value::Call(column)) = body.operations[1].call.argument(1, "column") else { panic!() };
    assert_eq!(column.keyword("nullable"), Some(&Value::Bool(false)));
}

#[test]
fn literal_sql_is_found_with_its_line() {
    let body = upgrade(
        "op.execute('UPDATE a SET x = 1')\nop.execute(sa.text('''\nDELETE FROM b\n'''))\nsql = 'INSERT INTO c ' \\\n    'VALUES (1)'\nop.execute(sql)\n\
         conn = op.get_bind()\nconn.execute(sa.text(\"UPDATE d SET y = :y\").bindparams(y=1))\nop.execute(f'UPDATE {t} SET z = 1')\n\
         op.execute('UPDATE %s SET z = 1' % t)\nop.execute(users.update().where(users.c.id == 1).values(x=2))\n",
    );
    let said: Vec<(Option<&str>, Option<u32>)> = body.operations.iter().map(|found| (found.literal_sql(), found.sql_line)).collect();
    assert_eq!(said[0], (Some("UPDATE a SET x = 1"), Some(6)));
    assert_eq!(said[1], (Some("\n    DELETE FROM b\n    "), Some(7)));
    assert_eq!(said[2], (Some("INSERT INTO c VALUES (1)"), Some(10)));
    assert_eq!(body.operations[4].sql, Some(Value::Built("UPDATE {} SET z = 1".to_owned())));
    assert_eq!(body.operations[5].sql, Some(Value::Built("UPDATE %s SET z = 1".to_owned())));
    assert_eq!(body.operations[6].concern, Concern::Data);
}

#[test]
fn functions_of_the_file_count_where_they_are_called() {
    let text = format!(
        "{HEAD}def drop(name):\n    op.drop_table(name)\n\ndef nothing():\n    print('x')\n\ndef upgrade():\n    drop('a')\n\ndef downgrade():\n    nothing()\n\ndef unused():\n    op.drop_table('b')\n"
    );
    let revision = read("a.py", &text).revision.unwrap();
    let upgrade = revision.upgrade.unwrap();
    assert_eq!((upgrade.shape, upgrade.operations.len()), (Shape::Works, 1));
    assert_eq!(revision.downgrade.unwrap().shape, Shape::Empty);
    let endless = read("a.py", &format!("{HEAD}def upgrade():\n    upgrade()\n")).revision.unwrap();
    assert_eq!(endless.upgrade.unwrap().shape, Shape::Empty);
}

#[test]
fn what_does_nothing_is_empty() {
    for body in [
        "pass",
        "'''Nothing.'''",
        "...",
        "return",
        "return None",
        "print('no way back')",
        "'''x'''\npass\n# why",
        "bind = op.get_bind()",
        "if True:\n    pass",
        "logger.info('x')",
    ] {
        assert_eq!(upgrade(body).shape, Shape::Empty, "{body}");
    }
    for body in [
        "op.drop_table('a')",
        "helper.drop()",
        "conn = op.get_bind()\nconn.execute('x')",
        "for x in y:\n    op.drop_table(x)",
        "x = [op.drop_table(t) for t in ts]",
    ] {
        assert_eq!(upgrade(body).shape, Shape::Works, "{body}");
    }
    assert!(matches!(upgrade("raise Exception").shape, Shape::Raises { message: None, .. }));
    assert!(
        matches!(upgrade("'''x'''\nraise NotImplementedError('gone')").shape, Shape::Raises { message: Some(text), .. } if text == "gone")
    );
    assert_eq!(upgrade("op.drop_table('a')\nraise ValueError").shape, Shape::Works);
}

#[test]
fn what_asks_the_database_is_found() {
    for body in [
        "sa.inspect(op.get_bind())",
        "conn = op.get_bind()\nrows = conn.execute(sa.text('SELECT 1')).fetchall()",
        "conn = op.get_bind()\nresult = conn.execute(sa.text('SELECT 1'))\nfor row in result:\n    pass",
        "x = op.get_bind().execute('UPDATE a SET b = 1').rowcount",
        "x = op.get_bind().scalar(sa.text('SELECT 1'))",
        "s = sa.orm.Session(bind=op.get_bind())",
        "t = sa.Table('a', sa.MetaData(), autoload_with=op.get_bind())",
        "ids = [row.id for row in op.get_bind().execute('SELECT id FROM a')]",
        "sa.MetaData().reflect(op.get_bind())\nmetadata.reflect(bind=x)",
    ] {
        assert!(!upgrade(body).blockers.is_empty(), "{body}");
    }
    for body in [
        "op.execute('UPDATE a SET b = 1')",
        "op.get_bind().execute(sa.text('UPDATE a SET b = 1'))",
        "if not op.get_context().is_offline_mode():\n    sa.inspect(op.get_bind())",
        "names = {}.keys()\nall([1])",
        "op.create_table('a', sa.Column('first', sa.Integer()))",
    ] {
        assert!(upgrade(body).blockers.is_empty(), "{body}: {:?}", upgrade(body).blockers);
    }
}

#[test]
fn nothing_in_a_file_stops_the_reader() {
    let deep = |open: &str, close: &str, n: usize| format!("{HEAD}x = {}1{}\n", open.repeat(n), close.repeat(n));
    let blocks = (0..5_000).fold(HEAD.to_owned(), |mut text, n| {
        writeln!(text, "{}if x:", " ".repeat(n)).unwrap();
        text
    });
    let hostile = [
        deep("(", ")", 100_000),
        deep("[", "", 100_000),
        deep("-", "", 200_000),
        deep("not ", "", 100_000),
        deep("lambda: ", "", 100_000),
        deep("1+", "", 100_000),
        deep("1 if 1 else ", "", 50_000),
        deep("f'{", "}'", 5_000),
        deep("", ".a", 200_000),
        deep("x", "()", 100_000),
        deep("x", "[0]", 100_000),
        deep("await ", "", 100_000),
        deep("{1:", "}", 100_000),
        deep("*", "", 100_000),
        deep("1**", "", 100_000),
        deep("(yield ", ")", 50_000),
        format!("{HEAD}{}pass\n", "@a\n".repeat(50_000)),
        format!("{HEAD}{}x = 1\n", "async ".repeat(50_000)),
        format!("{HEAD}def upgrade():\n    op.execute({})\n", "'a' ".repeat(100_000)),
        format!("{HEAD}x = [{}]\n", "1, ".repeat(200_000)),
        blocks,
        "\0".repeat(10_000),
        "'''".to_owned(),
        "\"\\N{".to_owned(),
        "match x:\n case".to_owned(),
        "\u{202e}revision = '\u{0}'\n".to_owned(),
        "x = 1\\".to_owned(),
        "\t \t x\n  y\n\tz".to_owned(),
    ];
    for text in hostile {
        let Reading { revision, problems } = read("x.py", &text);
        let head: String = text.chars().skip(HEAD.len()).take(30).collect();
        assert!(revision.is_some() || !problems.is_empty(), "{head}");
        assert!(!problems.iter().any(|problem| matches!(problem.kind, ProblemKind::Unreadable { .. })), "{head}: {problems:?}");
    }
    // Long is not deep.
    let rows = format!("{HEAD}def upgrade():\n    op.bulk_insert(t, [{}])\n", "{'id': 1, 'name': 'a' + 'b'},\n".repeat(5_000));
    assert!(read("x.py", &rows).problems.is_empty());
}

/// A project in a temporary folder with one good revision and what `add` puts beside it.
#[cfg(unix)]
fn project(add: impl Fn(&std::path::Path)) -> (tempfile::TempDir, Vec<(String, ProblemKind)>) {
    let temporary = tempfile::tempdir().unwrap();
    let versions = temporary.path().join("migrations/versions");
    std::fs::create_dir_all(&versions).unwrap();
    std::fs::write(temporary.path().join("alembic.ini"), "[alembic]\nscript_location = migrations\nrecursive_version_locations = true\n")
        .unwrap();
    std::fs::write(versions.join("a1.py"), HEAD).unwrap();
    add(&versions);
    let project = open_folder(temporary.path()).unwrap().project;
    assert_eq!(project.revisions.len(), 1);
    (temporary, project.problems.into_iter().map(|problem| (problem.file, problem.kind)).collect())
}

#[cfg(unix)]
#[test]
fn odd_files_are_said_and_skipped() {
    use std::os::unix::fs::symlink;
    let (_folder, problems) = project(|versions| {
        std::fs::write(versions.join("latin1.py"), b"# caf\xe9\n").unwrap();
        std::fs::write(versions.join("large.py"), "#".repeat(MAX_FILE_BYTES as usize + 1)).unwrap();
        symlink(versions.join("loop.py"), versions.join("loop.py")).unwrap();
        symlink(versions.join("nowhere"), versions.join("dangling.py")).unwrap();
        symlink(versions, versions.join("again")).unwrap();
        symlink(versions.join("a1.py"), versions.join("same.py")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, versions.join("pipe.py"), rustix::fs::Mode::RUSR).unwrap();
        std::fs::create_dir(versions.join("folder.py")).unwrap();
        for name in [".#a1.py", "__init__.py", "notes.txt", "a1.pyc"] {
            std::fs::write(versions.join(name), "not read").unwrap();
        }
        std::fs::create_dir(versions.join("__pycache__")).unwrap();
        std::fs::write(versions.join("__pycache__/x.py"), "not read").unwrap();
    });
    let names: Vec<&str> = problems.iter().map(|(file, _)| file.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["dangling.py", "large.py", "latin1.py", "loop.py", "pipe.py"], "{problems:?}");
    assert!(matches!(problems[2].1, ProblemKind::NotUtf8 { byte: 6 }), "{problems:?}");
    assert!(matches!(problems[1].1, ProblemKind::TooLarge { .. }), "{problems:?}");
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    assert!(matches!(open_folder(&root.join("nowhere")), Err(OpenError::NoFolder(_))));
    std::fs::create_dir_all(root.join("db")).unwrap();
    std::fs::write(root.join("db/alembic.ini"), "[alembic]\nscript_location = here\n").unwrap();
    let error = open_folder(root).unwrap_err();
    assert!(matches!(error, OpenError::NoProject { .. }) && error.hint().contains("db/alembic.ini"), "{error} {}", error.hint());
    let error = open_folder(&root.join("db")).unwrap_err();
    assert!(matches!(error, OpenError::NoScriptFolder { .. }), "{error}");
    std::fs::write(root.join("db/alembic.ini"), "[alembic]\nscript_location = nopackage:migrations\n").unwrap();
    assert!(matches!(open_folder(&root.join("db")), Err(OpenError::NoPackage { .. })));
    std::fs::write(root.join("db/alembic.ini"), b"[alembic]\nscript_location = caf\xe9\n").unwrap();
    assert!(matches!(open_folder(&root.join("db")), Err(OpenError::NotUtf8 { .. })));
}

#[test]
fn a_package_is_found_where_python_would_look() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    for place in ["lib/shop/db", "src/other/migrations/versions"] {
        std::fs::create_dir_all(root.join(place)).unwrap();
    }
    std::fs::create_dir_all(root.join("lib/shop/db/versions")).unwrap();
    std::fs::write(root.join("lib/shop/db/versions/a1.py"), HEAD).unwrap();
    std::fs::write(
        root.join("alembic.ini"),
        "[alembic]\nscript_location = shop:db\nprepend_sys_path = lib\n[second]\nscript_location = other:migrations\n",
    )
    .unwrap();
    assert_eq!(open_folder(root).unwrap().project.revisions.len(), 1);
    let folder = root.to_string_lossy();
    let second =
        alembic_gate::workspace::open(&alembic_gate::workspace::Place { folder: &folder, section: Some("second"), ..Default::default() })
            .unwrap();
    assert!(second.script_folder.ends_with("src/other/migrations"), "{:?}", second.script_folder);
}
