//! Which revisions are meant: a range as Alembic writes it, or what is pending.

use std::collections::BTreeSet;

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
    /// The range between two names; without them what is pending, said in `assumed`.
    ///
    /// # Errors
    /// A name means nothing or too much; the chain is broken; the range is empty.
    pub fn range(&mut self, from: Option<&str>, to: Option<&str>) -> Result<Range, WorkshopError> {
        let graph = &self.workspace.project.graph;
        if graph.nodes.is_empty() {
            return Err(WorkshopError::EmptyRange { from: "base".to_owned(), to: "head".to_owned() });
        }
        let to_name = match to {
            Some(to) => to.to_owned(),
            None if graph.real_heads.len() == 1 => "head".to_owned(),
            None => "heads".to_owned(),
        };
        let ends = graph.resolve(&to_name)?;
        let from_name = match from {
            Some(from) => from.to_owned(),
            None => {
                let (from, why) = self.pending_from(&ends);
                self.assumed.push(why);
                from
            }
        };
        let graph = &self.workspace.project.graph;
        let starts = graph.ids(&graph.resolve(&from_name)?);
        let revisions = graph.ids(&graph.upgrade_path(&starts, &to_name)?);
        let named = |ids: Vec<String>, name: &str| match ids.as_slice() {
            [] => "base".to_owned(),
            [one] => one.clone(),
            _ => name.to_owned(),
        };
        let to = named(graph.ids(&ends), &to_name);
        let from = named(starts, &from_name);
        if revisions.is_empty() {
            return Err(WorkshopError::EmptyRange { from, to });
        }
        Ok(Range { from, to, revisions })
    }

    /// Where what is pending begins: behind the last published revision, else in front of the head; and why.
    fn pending_from(&self, ends: &[usize]) -> (String, String) {
        let project = &self.workspace.project;
        let graph = &project.graph;
        let below = graph.ancestors(ends);
        if let Ok(Some(published)) = crate::git::published(&self.workspace.folder) {
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
                return (graph.id(*one).to_owned(), format!("the range is what is not in {}", published.branches.join(", ")));
            }
        }
        match ends {
            [head] => {
                let parents = project.revision(*head).map(|revision| revision.parents.clone()).unwrap_or_default();
                let from = match parents.as_slice() {
                    [] => "base".to_owned(),
                    [one] => one.clone(),
                    _ => format!("{}-1", graph.id(*head)),
                };
                (from, format!("the range is the head `{}` alone (give `from`)", graph.id(*head)))
            }
            _ => ("base".to_owned(), "the range is the whole chain: it has several heads (give `from` and `to`)".to_owned()),
        }
    }
}
