//! Small projects on the disk, read without Python: their settings, their revisions, what is wrong with them.

use std::path::{Path, PathBuf};

use alembic_gate::project::revision::{ProblemKind, Shape};
use alembic_gate::workspace::{Workspace, open_folder};

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects").join(name)
}

pub fn opened(name: &str) -> Workspace {
    open_folder(&folder(name)).unwrap_or_else(|error| panic!("{name}: {error}\nhint: {}", error.hint()))
}

fn heads(name: &str) -> Vec<String> {
    let workspace = opened(name);
    workspace.project.graph.ids(&workspace.project.graph.heads)
}

#[test]
fn a_linear_chain_has_one_head() {
    let workspace = opened("linear");
    let graph = &workspace.project.graph;
    assert_eq!(graph.ids(&graph.heads), ["c3d4e5f6a1b2"]);
    assert_eq!(graph.ids(&graph.bases), ["a1b2c3d4e5f6"]);
    assert!(graph.faults.is_empty() && workspace.project.problems.is_empty() && workspace.notes.is_empty());
    assert_eq!(workspace.project.revisions[2].message, "add isbn to books");
    assert_eq!(workspace.project.revisions[2].file, "migrations/versions/c3d4e5f6a1b2_add_isbn_to_books.py");
}

#[test]
fn two_children_are_two_heads_and_a_merge_is_one() {
    assert_eq!(heads("two_heads"), ["c3d4e5f6a1b2", "d4e5f6a1b2c3"]);
    assert_eq!(heads("merge"), ["e5f6a1b2c3d4"]);
    let merge = opened("merge").project;
    assert_eq!(merge.graph.ids(&merge.graph.branch_points()), ["b2c3d4e5f6a1"]);
    assert_eq!(merge.graph.ids(&merge.graph.merges()), ["e5f6a1b2c3d4"]);
}

#[test]
fn labels_hold_for_their_branch() {
    let graph = opened("labelled_heads").project.graph;
    assert_eq!(graph.ids(&graph.heads), ["c3d4e5f6a1b2", "d4e5f6a1b2c3"]);
    assert_eq!(graph.ids(&graph.real_heads), ["d4e5f6a1b2c3"], "contract depends on expand");
    assert_eq!(graph.ids(&graph.resolve("contract@head").unwrap()), ["d4e5f6a1b2c3"]);
}

#[test]
fn settings_may_stand_in_pyproject_or_nowhere() {
    for name in ["pyproject_only", "no_ini"] {
        let workspace = opened(name);
        assert_eq!(workspace.project.revisions.len(), 2, "{name}");
        assert!(workspace.ini.is_none(), "{name}");
    }
    assert!(opened("no_ini").notes[0].contains("taken for the script folder"));
}

#[test]
fn a_broken_file_does_not_hide_the_chain() {
    let project = opened("syntax_error").project;
    assert_eq!(project.graph.ids(&project.graph.heads), ["c3d4e5f6a1b2"]);
    let [problem] = project.problems.as_slice() else { panic!("{:?}", project.problems) };
    assert!(matches!(problem.kind, ProblemKind::Syntax { .. }));
    assert_eq!(problem.file, "migrations/versions/c3d4e5f6a1b2_add_isbn_to_books.py");
    assert!(problem.line.is_some_and(|line| (16..=20).contains(&line)), "{problem:?}");
    let conflict = opened("conflict").project;
    assert_eq!(conflict.problems.len(), 1);
    assert_eq!(conflict.problems[0].kind, ProblemKind::MergeConflict);
}

#[test]
fn what_downgrade_does_is_seen() {
    let downgrade = |name: &str| opened(name).project.revisions[1].downgrade.clone();
    assert_eq!(downgrade("missing_downgrade"), None);
    assert_eq!(downgrade("empty_downgrade").unwrap().shape, Shape::Empty);
    assert!(matches!(downgrade("raising_downgrade").unwrap().shape, Shape::Raises { message: Some(ref text), .. } if text == "books stay"));
    assert_eq!(downgrade("linear").unwrap().shape, Shape::Works);
}

#[test]
fn the_template_for_several_databases_is_read_through() {
    let workspace = opened("multidb");
    let upgrade = workspace.project.revisions[0].upgrade.clone().unwrap();
    let tables: Vec<_> = upgrade.operations.iter().map(|operation| operation.table.clone().unwrap()).collect();
    assert_eq!(tables, ["events", "orders"]);
    let names: Vec<&str> = workspace.settings.databases.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["shop", "log"]);
}
