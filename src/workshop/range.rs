//! Which revisions are meant: a range as Alembic writes it, or what is pending.

use std::collections::BTreeSet;

use crate::judge::{breaks_chain, judge_project};
use crate::workshop::{Workshop, WorkshopError};

/// A range of revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Behind which it begins, `base` where it begins with the first.
    pub from: String,
    /// With which it ends.
    pub to: String,
    /// Its revisions by id, in the order in which they run.
    pub revisions: Vec<String>,
}

impl Workshop {
    /// The range between two names; without them what is pending, said in `assumed`. `from` may count down from `to`
    /// (`-2`, `head-2`), `to` may count up from `from` (`+1`).
    ///
    /// # Errors
    /// A name means nothing or too much; the chain is broken; the range is empty.
    pub fn range(&mut self, from: Option<&str>, to: Option<&str>) -> Result<Range, WorkshopError> {
        let graph = &self.workspace.project.graph;
        if graph.nodes.is_empty() {
            return Err(WorkshopError::EmptyRange { from: "base".to_owned(), to: "head".to_owned() });
        }
        let broken = self.faults();
        if !broken.is_empty() {
            return Err(WorkshopError::BrokenChain(broken));
        }
        let top = if graph.real_heads.len() == 1 { "head" } else { "heads" };
        let counts_up = to.is_some_and(|to| is_relative(to, '+'));
        let to_name = to.unwrap_or(top).to_owned();
        let mut ends = graph.resolve(if counts_up { top } else { &to_name })?;
        let (from_name, why) = match from {
            Some(from) => self.start_below(&ends, from)?,
            None => self.pending_from(&ends),
        };
        self.assumed.extend(why);
        let graph = &self.workspace.project.graph;
        let starts = graph.ids(&graph.resolve(&from_name)?);
        let path = graph.upgrade_path(&starts, &to_name)?;
        if counts_up {
            ends = path.last().copied().into_iter().collect();
        }
        let named = |ids: Vec<String>, name: &str| match ids.as_slice() {
            [] => "base".to_owned(),
            [one] => one.clone(),
            _ => name.to_owned(),
        };
        let to = named(graph.ids(&ends), &to_name);
        let from = named(starts, &from_name);
        if path.is_empty() {
            return Err(WorkshopError::EmptyRange { from, to });
        }
        Ok(Range { from, to, revisions: graph.ids(&path) })
    }

    /// What keeps Alembic from loading the chain, each with its file and line.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let found = judge_project(&self.workspace.project, &self.workspace.expectations(&self.config), &self.config.severities());
        let said = found.iter().filter(|finding| breaks_chain(finding)).map(|finding| {
            let place = finding.file.as_ref().map(|file| format!("{file}:{}: ", finding.line.unwrap_or(1))).unwrap_or_default();
            format!("{place}{}", finding.what)
        });
        said.collect()
    }

    /// Where the way back of a range ends: its beginning, or the last of its revisions that has no `downgrade()`; none where
    /// that is the one with which it ends. With it the revision that stops it.
    #[must_use]
    pub fn way_back(&self, range: &Range) -> (Option<String>, Option<String>) {
        let project = &self.workspace.project;
        let revision = |id: &String| project.graph.by_id(id).and_then(|at| project.revision(at));
        let Some(at) = range.revisions.iter().rposition(|id| revision(id).is_some_and(|revision| revision.downgrade.is_none())) else {
            return (Some(range.from.clone()), None);
        };
        let above = range.revisions.get(at + 1..).unwrap_or_default();
        let is_a_line = above.iter().all(|id| revision(id).is_some_and(|revision| revision.parents.len() == 1));
        let stops = range.revisions.get(at).cloned();
        (stops.clone().filter(|_| is_a_line && !above.is_empty()), stops)
    }

    /// The revision that a `from` means; one that counts is counted down from the end of the range.
    fn start_below(&self, ends: &[usize], from: &str) -> Result<(String, Option<String>), WorkshopError> {
        let graph = &self.workspace.project.graph;
        if !is_relative(from, '-') {
            return Ok((from.to_owned(), None));
        }
        let turned_back = graph.downgrade_path(&graph.ids(ends), from)?;
        let left: BTreeSet<usize> = graph.ancestors(ends).into_iter().filter(|at| !turned_back.contains(at)).collect();
        let tops: Vec<usize> = left.iter().copied().filter(|at| graph.descendants(&[*at]).intersection(&left).count() == 1).collect();
        Ok(match tops.as_slice() {
            [] => ("base".to_owned(), None),
            [one] => (graph.id(*one).to_owned(), None),
            _ => {
                let start = self.before_all_of(&graph.ids(&turned_back), ends);
                let why = format!("`{from}` stands on several branches: the range begins where they part, at `{start}`");
                (start, Some(why))
            }
        })
    }

    /// The last revision that everything up to `ends`, and above it, needs: before it the chain is one line.
    fn before_all_of(&self, revisions: &[String], ends: &[usize]) -> String {
        let graph = &self.workspace.project.graph;
        let below = graph.ancestors(ends);
        let meant: BTreeSet<usize> = revisions.iter().filter_map(|id| graph.by_id(id)).collect();
        let parts = |at: &usize| {
            let (before, after) = (graph.ancestors(&[*at]), graph.descendants(&[*at]));
            meant.iter().all(|one| after.contains(one)) && below.iter().all(|one| before.contains(one) || after.contains(one))
        };
        let found = below.iter().copied().filter(|at| !meant.contains(at)).filter(parts);
        found.max_by_key(|at| graph.ancestors(&[*at]).len()).map_or_else(|| "base".to_owned(), |at| graph.id(at).to_owned())
    }

    /// Where what is pending begins: behind the last published revision, else in front of the head; and why.
    fn pending_from(&self, ends: &[usize]) -> (String, Option<String>) {
        let project = &self.workspace.project;
        let graph = &project.graph;
        let below = graph.ancestors(ends);
        if let Ok(Some(published)) = crate::git::landed(&self.workspace.folder) {
            let is_published =
                |at: &usize| project.revision(*at).is_some_and(|revision| published.files.contains(&self.workspace.path(&revision.file)));
            let unpublished: BTreeSet<usize> = below.iter().copied().filter(|at| !is_published(at)).collect();
            let last: Vec<usize> = below
                .iter()
                .copied()
                .filter(|at| {
                    is_published(at)
                        && graph
                            .descendants(&[*at])
                            .iter()
                            .all(|later| *later == *at || unpublished.contains(later) || !below.contains(later))
                })
                .collect();
            if let ([one], false) = (last.as_slice(), unpublished.is_empty()) {
                return (graph.id(*one).to_owned(), Some(format!("the range is what is not in {}", published.branches.join(", "))));
            }
        }
        let (from, why) = match ends {
            [head] => {
                let id = graph.id(*head).to_owned();
                match project.revision(*head).map(|revision| revision.parents.as_slice()).unwrap_or_default() {
                    [] => ("base".to_owned(), format!("the range is the head `{id}` alone (give `from`)")),
                    [one] => (one.clone(), format!("the range is the head `{id}` alone (give `from`)")),
                    _ => {
                        let start = self.before_all_of(std::slice::from_ref(&id), ends);
                        let why = format!("the head `{id}` merges branches: the range begins where they part, at `{start}` (give `from`)");
                        (start, why)
                    }
                }
            }
            _ => ("base".to_owned(), "the range is the whole chain: it has several heads (give `from` and `to`)".to_owned()),
        };
        (from, Some(why))
    }
}

/// `-2`, `head-2`, `+1`: a name that counts revisions from another.
fn is_relative(name: &str, sign: char) -> bool {
    name.rsplit_once(sign).is_some_and(|(_, count)| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}
