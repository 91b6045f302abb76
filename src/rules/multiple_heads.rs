//! # The chain has other heads than expected
//!
//! More than one revision has nothing after it, or a declared branch has no head or several.
//!
//! ## Why
//! With two heads `alembic upgrade head` stops ("Multiple head revisions are present") and `alembic revision` refuses. It
//! comes from two people who each wrote a revision after the same parent.
//!
//! ## Do
//! When both are published: a merge revision, `alembic merge -m "merge a and b" a b`. When one is not: re-point its
//! `down_revision` to the other head. A published revision is never re-pointed: databases that have it would never get what
//! was put in front of it. Branches that stay apart get a label each, and are declared:
//! `heads = ["expand", "contract"]` in `alembic-gate.toml`.
//!
//! ```python bad
//! # file: a1b2c3d4e5f6_create_books.py
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//! # file: b2c3d4e5f6a1_add_isbn.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = "a1b2c3d4e5f6"
//! # file: c3d4e5f6a1b2_add_year.py
//! revision = "c3d4e5f6a1b2"
//! down_revision = "a1b2c3d4e5f6"
//! ```
//! ```python good
//! # file: a1b2c3d4e5f6_create_books.py
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//! # file: b2c3d4e5f6a1_add_isbn.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = "a1b2c3d4e5f6"
//! # file: c3d4e5f6a1b2_add_year.py
//! revision = "c3d4e5f6a1b2"
//! down_revision = "a1b2c3d4e5f6"
//! # file: d4e5f6a1b2c3_merge_isbn_and_year.py
//! revision = "d4e5f6a1b2c3"
//! down_revision = ("b2c3d4e5f6a1", "c3d4e5f6a1b2")
//! ```

use std::collections::BTreeSet;

use crate::chain::ProjectContext;
use crate::finding::{Finding, Severity};
use crate::project::{Fault, Heads};
use crate::rules::Check;

/// Looks at the chain.
pub const CHECK: Check = Check::Project(check);

fn check(context: &ProjectContext<'_>) -> Vec<Finding> {
    let graph = &context.project.graph;
    // An id that two files have is no second head: `duplicate_revision` says what it is.
    let heads: Vec<usize> = graph.heads.iter().copied().filter(|at| graph.by_id(graph.id(*at)) == Some(*at)).collect();
    let is_broken = graph.faults.iter().any(|fault| matches!(fault, Fault::MissingParent { .. } | Fault::Cycle { .. }));
    match &context.expected.heads {
        // Without its parent a revision looks like another chain.
        _ if is_broken || graph.nodes.is_empty() => Vec::new(),
        None if heads.len() <= 1 => Vec::new(),
        None if has_own_label(context, &heads) => undeclared(context, &heads),
        None => several(context, &heads, "1 is expected"),
        Some(Heads::Count(count)) if heads.len() == *count => Vec::new(),
        Some(Heads::Count(count)) => several(context, &heads, &format!("{count} {} expected", if *count == 1 { "is" } else { "are" })),
        Some(Heads::Labels(labels)) => by_label(context, &heads, labels),
    }
}

fn labels_of<'a>(context: &'a ProjectContext<'_>, at: usize) -> impl Iterator<Item = &'a String> {
    context.project.graph.nodes.get(at).into_iter().flat_map(|node| &node.labels)
}

/// True when each head has a label that no other has.
fn has_own_label(context: &ProjectContext<'_>, heads: &[usize]) -> bool {
    let others = |at: usize| heads.iter().copied().filter(move |other| *other != at);
    heads.iter().all(|at| labels_of(context, *at).any(|label| others(*at).all(|other| labels_of(context, other).all(|foreign| foreign != label))))
}

fn names(context: &ProjectContext<'_>, heads: &[usize]) -> String {
    heads.iter().map(|at| format!("`{}`", context.project.graph.id(*at))).collect::<Vec<_>>().join(", ")
}

fn undeclared(context: &ProjectContext<'_>, heads: &[usize]) -> Vec<Finding> {
    let labels: BTreeSet<&String> = heads.iter().flat_map(|at| labels_of(context, *at)).collect();
    let written = labels.into_iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(", ");
    let what = format!("the chain has {} labelled heads: {}", heads.len(), names(context, heads));
    let why = "nobody said that they stay apart: a third one would not be noticed";
    let mend = format!("declare them: `heads = [{written}]` under `[project]` in `alembic-gate.toml`; or merge them");
    heads.last().map(|at| context.on(*at, |revision| revision.id_line, Severity::Warning, what, why, mend)).into_iter().collect()
}

fn by_label(context: &ProjectContext<'_>, heads: &[usize], labels: &[String]) -> Vec<Finding> {
    let of_label = |label: &String| heads.iter().copied().filter(|at| labels_of(context, *at).any(|other| other == label)).collect::<Vec<_>>();
    let mut found = Vec::new();
    for label in labels {
        match of_label(label).as_slice() {
            [] => {
                let mend = format!("give the first revision of that branch `branch_labels = (\"{label}\",)`, or take it out of `heads` in `alembic-gate.toml`");
                let why = "`alembic-gate.toml` declares it";
                found.extend(heads.last().map(|at| {
                    context.on(*at, |revision| revision.id_line, Severity::Error, format!("no head carries the label `{label}`"), why, mend)
                }));
            }
            [_] => {}
            more => found.extend(several(context, more, &format!("`{label}` has one"))),
        }
    }
    let is_declared = |at: usize| labels_of(context, at).any(|label| labels.contains(label));
    let strays: Vec<usize> = heads.iter().copied().filter(|at| !is_declared(*at)).collect();
    for at in strays {
        let what = format!("the head `{}` is on none of the declared branches: {}", context.project.graph.id(at), labels.join(", "));
        let mend = "re-point it to the head of its branch when nobody has it yet, else merge it: `alembic merge`";
        let why = "`alembic upgrade <label>@head` does not reach it";
        found.push(context.on(at, |revision| revision.parents_line, Severity::Error, what, why, mend));
    }
    found
}

/// What a head has for itself: the revisions that lead to no other head, and the first of them.
struct Branch {
    head: usize,
    /// The one revision by which it leaves the rest; `None` when there are several.
    first: Option<usize>,
    /// `None`: nobody knows.
    is_published: Option<bool>,
}

fn branch(context: &ProjectContext<'_>, head: usize, heads: &[usize]) -> Branch {
    let graph = &context.project.graph;
    let others: Vec<usize> = heads.iter().copied().filter(|other| *other != head).collect();
    let shared = graph.ancestors(&others);
    let own: BTreeSet<usize> = graph.ancestors(&[head]).difference(&shared).copied().collect();
    let is_first = |at: &&usize| graph.nodes.get(**at).is_some_and(|node| node.parents.len() <= 1 && !node.parents.iter().any(|parent| own.contains(parent)));
    let firsts: Vec<usize> = own.iter().filter(is_first).copied().collect();
    let merges_in = own.iter().any(|at| graph.nodes.get(*at).is_some_and(|node| node.parents.len() > 1 && node.parents.iter().any(|parent| !own.contains(parent))));
    let first = match firsts.as_slice() {
        [one] if !merges_in => Some(*one),
        _ => None,
    };
    let file = |at: &usize| context.project.revision(*at).map(|revision| &revision.file);
    let is_published = context.expected.published.as_ref().map(|published| own.iter().filter_map(file).any(|file| published.contains(file)));
    Branch { head, first, is_published }
}

fn several(context: &ProjectContext<'_>, heads: &[usize], expected: &str) -> Vec<Finding> {
    let graph = &context.project.graph;
    let mut branches: Vec<Branch> = heads.iter().map(|head| branch(context, *head, heads)).collect();
    let created = |branch: &Branch| context.project.revision(branch.head).and_then(|revision| revision.created.clone());
    branches.sort_by_key(created);
    let what = format!("the chain has {} heads: {}; {expected}", heads.len(), names(context, heads));
    let why = "`alembic upgrade head` stops, and `alembic revision` refuses";
    let ids = graph.ids(heads);
    let merge = format!("alembic merge -m \"merge {}\" {}", ids.join(" and "), ids.join(" "));
    // The newest that nobody has yet can still be put behind the others.
    let movable = branches.iter().rev().find(|branch| branch.is_published == Some(false) && branch.first.is_some());
    let other = movable.and_then(|movable| branches.iter().rev().find(|branch| branch.head != movable.head)).map(|branch| graph.id(branch.head));
    let knows = branches.iter().all(|branch| branch.is_published.is_some());
    if let (Some(first), Some(other)) = (movable.and_then(|branch| branch.first), other) {
        let id = graph.id(first);
        let rest = if heads.len() > 2 { ", then see to the others" } else { "" };
        let mend = format!("`{id}` is not published yet: re-point it, `down_revision = \"{other}\"`{rest}; published revisions stay as they are");
        let mut found = context.on(first, |revision| revision.parents_line, Severity::Error, what, why, mend);
        found.fix_alembic = Some(format!("down_revision = \"{other}\""));
        return vec![found];
    }
    let mend = if knows {
        format!("all of them are published: merge them, `{merge}`; a published revision is never re-pointed")
    } else {
        format!("merge them: `{merge}`; one that nobody has yet may be re-pointed instead, a published one never (git could not say which is)")
    };
    heads.last().map(|at| context.on(*at, |revision| revision.parents_line, Severity::Error, what, why, mend)).into_iter().collect()
}
