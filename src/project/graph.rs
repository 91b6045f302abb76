//! The chain: which revision comes after which, what its heads are, what is wrong with it, and where a name leads.
//!
//! Source: Alembic 1.20.1 (`alembic.script.revision`); heads, names and orders are compared with it on random graphs in
//! `tests/it/project_graph.rs`. Alembic stops at the first fault with a traceback; here faults are listed and the rest of
//! the chain stays readable.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::revision::Revision;

/// A revision in the chain. The numbers are places in `RevisionGraph::nodes`, which are those of the revisions read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// The revisions of its `down_revision`, in order, those that are there.
    pub parents: Vec<usize>,
    /// The revisions of its `depends_on`.
    pub dependencies: Vec<usize>,
    /// Those of them that no ancestor depends on already.
    pub own_dependencies: Vec<usize>,
    /// The revisions that name it in `down_revision`.
    pub children: Vec<usize>,
    /// The revisions that come after it, by `down_revision` or `depends_on`.
    pub followers: Vec<usize>,
    /// The labels of its branch: its own, those of its ancestors, and those given further up on the same line.
    pub labels: BTreeSet<String>,
    /// True when `down_revision` is `None`.
    pub is_base: bool,
    /// True when it has no `depends_on` either.
    pub is_real_base: bool,
}

/// Something wrong with the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Several files have one id: Alembic only warns, and forgets all but the last.
    Duplicate {
        /// The id.
        id: String,
        /// The revisions.
        at: Vec<usize>,
    },
    /// `down_revision` names a revision that is not there.
    MissingParent {
        /// The revision.
        at: usize,
        /// The name.
        parent: String,
        /// A revision that may be meant.
        similar: Option<String>,
    },
    /// `depends_on` names what is not there.
    MissingDependency {
        /// The revision.
        at: usize,
        /// The name.
        name: String,
    },
    /// Revisions that come after one another in a ring.
    Cycle {
        /// Them.
        at: Vec<usize>,
        /// True when the ring is closed by `depends_on`.
        by_dependency: bool,
    },
    /// Two revisions give one branch label, or a label is an id.
    LabelTwice {
        /// The label.
        label: String,
        /// The revisions.
        at: Vec<usize>,
    },
}

/// All revisions and how they follow one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevisionGraph {
    /// The revisions, in the order of their files.
    pub nodes: Vec<Node>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// Revisions that no `down_revision` names.
    pub heads: Vec<usize>,
    /// Heads that no `depends_on` names either: what `heads` means in a command.
    pub real_heads: Vec<usize>,
    /// Revisions without a `down_revision`.
    pub bases: Vec<usize>,
    // Invariant: each place is one of `nodes`. Of a duplicate id the last file counts.
    by_id: BTreeMap<String, usize>,
    by_label: BTreeMap<String, usize>,
}

/// A name does not lead to a revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing of that name.
    #[error("no revision or branch is called `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Heads, for the hint.
        heads: Vec<String>,
    },
    /// Several ids begin so.
    #[error("several revisions begin with `{name}`: {}", .found.join(", "))]
    Several {
        /// The beginning.
        name: String,
        /// Their ids.
        found: Vec<String>,
    },
    /// `label@revision` of a revision elsewhere.
    #[error("revision `{revision}` is not on branch `{branch}`")]
    OtherBranch {
        /// The revision.
        revision: String,
        /// The branch.
        branch: String,
    },
    /// `head` where there are several.
    #[error("`{name}` could be any of {} heads: {}", .heads.len(), .heads.join(", "))]
    MultipleHeads {
        /// What was asked for.
        name: String,
        /// The heads.
        heads: Vec<String>,
    },
    /// `+1` where several come next.
    #[error("`{name}` could lead to {}", .found.join(" or "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Where it could lead.
        found: Vec<String>,
    },
    /// `+3` where only two come.
    #[error("`{name}` leads beyond the chain")]
    TooFar {
        /// What was asked for.
        name: String,
    },
    /// A relative name without a place to start from, or in the wrong direction.
    #[error("`{name}` has nothing to count from")]
    NoStart {
        /// What was asked for.
        name: String,
    },
    /// Two targets, one on the way to the other.
    #[error("`{name}` and `{other}` lie on one line: one of them is enough")]
    Overlap {
        /// One.
        name: String,
        /// The other.
        other: String,
    },
    /// A way down to what is not below.
    #[error("`{to}` is not below {}", list(.from))]
    NotBelow {
        /// Where it begins.
        from: Vec<String>,
        /// Where it should lead.
        to: String,
    },
    /// The chain is broken: nobody can say what comes after what.
    #[error("the chain is broken: {why}")]
    Broken {
        /// How.
        why: String,
    },
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() { "`base`".to_owned() } else { ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ") }
}

impl NameError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { heads, .. } => {
                format!("heads are: {}; write an id, its beginning, `base`, `head`, `heads` or `label@head`", heads.join(", "))
            }
            Self::Several { .. } => "write more of the id".to_owned(),
            Self::OtherBranch { .. } => "leave the label out, or name a revision of that branch".to_owned(),
            Self::MultipleHeads { .. } => "name one of them, `label@head`, or `heads` for all; or merge them".to_owned(),
            Self::Ambiguous { .. } => "name the revision".to_owned(),
            Self::TooFar { .. } => "count fewer steps, or write `head` or `base`".to_owned(),
            Self::NoStart { .. } => "write the revision in front, for example `1a2b3c+1`".to_owned(),
            Self::Overlap { .. } => "name the later one".to_owned(),
            Self::NotBelow { .. } => "give an ancestor of the revision it begins at".to_owned(),
            Self::Broken { .. } => "mend the chain first".to_owned(),
        }
    }
}

/// The first thing a relative name counts from, and how far: `label@revision+2`.
struct Relative<'a> {
    label: Option<&'a str>,
    symbol: Option<&'a str>,
    steps: i64,
}

/// A place that a walk reaches: a revision, or what lies before all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Base,
    At(usize),
}

impl RevisionGraph {
    /// The chain of these revisions.
    #[must_use]
    pub fn of(revisions: &[Revision]) -> Self {
        let mut graph = Self::default();
        let mut same: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, revision) in revisions.iter().enumerate() {
            let is_base = revision.parents.is_empty();
            graph.nodes.push(Node {
                id: revision.id.clone(),
                labels: revision.branch_labels.iter().cloned().collect(),
                is_base,
                is_real_base: is_base && revision.depends_on.is_empty(),
                ..Node::default()
            });
            same.entry(&revision.id).or_default().push(at);
            graph.by_id.insert(revision.id.clone(), at);
        }
        let twice = same.into_iter().filter(|(_, at)| at.len() > 1);
        graph.faults.extend(twice.map(|(id, at)| Fault::Duplicate { id: id.to_owned(), at }));
        graph.take_labels(revisions);
        graph.link(revisions);
        graph.thin_dependencies();
        graph.find_cycles();
        graph.hand_labels_on(revisions);
        graph
    }

    fn take_labels(&mut self, revisions: &[Revision]) {
        for (at, revision) in revisions.iter().enumerate() {
            for label in &revision.branch_labels {
                match self.by_label.get(label).or_else(|| self.by_id.get(label)) {
                    Some(other) => self.faults.push(Fault::LabelTwice { label: label.clone(), at: vec![*other, at] }),
                    None => {
                        self.by_label.insert(label.clone(), at);
                    }
                }
            }
        }
    }

    fn link(&mut self, revisions: &[Revision]) {
        let mut is_parent = vec![false; revisions.len()];
        let mut is_followed = vec![false; revisions.len()];
        for (at, revision) in revisions.iter().enumerate() {
            let (parents, missing) = self.found(&revision.parents, |graph, name| graph.by_id.get(name).copied());
            for parent in missing {
                let similar = self.similar(&parent);
                self.faults.push(Fault::MissingParent { at, parent, similar });
            }
            let (dependencies, missing) = self.found(&revision.depends_on, |graph, name| graph.place(name));
            self.faults.extend(missing.into_iter().map(|name| Fault::MissingDependency { at, name }));
            // Of two files with one id, Alembic keeps the last: only that one follows.
            let counts = self.by_id.get(&revision.id) == Some(&at);
            for parent in parents.iter().filter(|_| counts) {
                set(&mut is_parent, *parent);
                self.add_child(*parent, at);
            }
            for before in parents.iter().chain(&dependencies).filter(|_| counts) {
                set(&mut is_followed, *before);
                self.add_follower(*before, at);
            }
            if let Some(node) = self.nodes.get_mut(at) {
                (node.parents, node.dependencies) = (parents, dependencies);
            }
        }
        let without = |marks: &[bool]| marks.iter().enumerate().filter(|(_, marked)| !**marked).map(|(at, _)| at).collect();
        self.heads = without(&is_parent);
        self.real_heads = without(&is_followed);
        self.bases = self.nodes.iter().enumerate().filter(|(_, node)| node.is_base).map(|(at, _)| at).collect();
    }

    /// The places of names, each once, and the names that are not there.
    fn found(&self, names: &[String], place: impl Fn(&Self, &str) -> Option<usize>) -> (Vec<usize>, Vec<String>) {
        let (mut places, mut missing) = (Vec::new(), Vec::new());
        for name in names {
            match place(self, name) {
                Some(at) if places.contains(&at) => {}
                Some(at) => places.push(at),
                None => missing.push(name.clone()),
            }
        }
        (places, missing)
    }

    fn add_child(&mut self, parent: usize, child: usize) {
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.push(child);
        }
    }

    fn add_follower(&mut self, before: usize, follower: usize) {
        if let Some(node) = self.nodes.get_mut(before).filter(|node| !node.followers.contains(&follower)) {
            node.followers.push(follower);
        }
    }

    /// A revision whose id begins like `name`, or the other way round: an id that was shortened or mistyped at its end.
    fn similar(&self, name: &str) -> Option<String> {
        let shared = |id: &str| id.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        let (id, length) = self.by_id.keys().map(|id| (id, shared(id))).max_by_key(|(_, length)| *length)?;
        (length >= 4 && length * 2 >= name.chars().count()).then(|| id.clone())
    }

    /// A dependency that an ancestor has already says nothing new.
    fn thin_dependencies(&mut self) {
        for at in 0..self.nodes.len() {
            let Some(own) = self.nodes.get(at).map(|node| node.dependencies.clone()).filter(|own| !own.is_empty()) else { continue };
            let before = self.reach(&[at], |node| &node.parents);
            let known: BTreeSet<usize> = before
                .iter()
                .filter(|ancestor| **ancestor != at)
                .filter_map(|ancestor| self.nodes.get(*ancestor))
                .flat_map(|node| node.dependencies.iter().copied())
                .collect();
            if let Some(node) = self.nodes.get_mut(at) {
                node.own_dependencies = own.into_iter().filter(|dependency| !known.contains(dependency)).collect();
            }
        }
    }

    /// All that `next` leads to from these places, them included, in the order of the walk.
    fn reach<'a>(&'a self, from: &[usize], next: impl Fn(&'a Node) -> &'a [usize]) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut found = Vec::new();
        let mut open: Vec<usize> = from.to_vec();
        while let Some(at) = open.pop() {
            let Some(node) = self.nodes.get(at).filter(|_| !set(&mut seen, at)) else { continue };
            found.push(at);
            open.extend(next(node));
        }
        found
    }

    /// What comes before a revision at once: its parents, then the dependencies that no ancestor has.
    fn before(&self, at: usize) -> Vec<usize> {
        let Some(node) = self.nodes.get(at) else { return Vec::new() };
        let mut all = node.parents.clone();
        all.extend(node.own_dependencies.iter().filter(|dependency| !node.parents.contains(dependency)));
        all
    }

    /// The revisions that must be there before these, them included; dependencies count.
    #[must_use]
    pub fn ancestors(&self, of: &[usize]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = of.to_vec();
        while let Some(at) = open.pop() {
            if found.insert(at) {
                open.extend(self.before(at));
            }
        }
        found
    }

    /// The revisions that need one of these, them included; dependencies count.
    #[must_use]
    pub fn descendants(&self, of: &[usize]) -> BTreeSet<usize> {
        self.reach(of, |node| &node.followers).into_iter().collect()
    }

    fn find_cycles(&mut self) {
        let by_parents = rings(self.nodes.iter().map(|node| node.parents.clone()).collect());
        let all = |node: &Node| node.parents.iter().chain(&node.dependencies).copied().collect();
        let by_all = rings(self.nodes.iter().map(all).collect());
        let in_parents: BTreeSet<usize> = by_parents.iter().flatten().copied().collect();
        self.faults.extend(by_parents.into_iter().map(|at| Fault::Cycle { at, by_dependency: false }));
        let closed = by_all.into_iter().filter(|ring| !ring.iter().any(|at| in_parents.contains(at)));
        self.faults.extend(closed.map(|at| Fault::Cycle { at, by_dependency: true }));
    }

    /// A label holds for all that follow, and back along the line to where it branches off.
    fn hand_labels_on(&mut self, revisions: &[Revision]) {
        for (at, revision) in revisions.iter().enumerate().filter(|(_, revision)| !revision.branch_labels.is_empty()) {
            let mut places = self.reach(&[at], |node| &node.children);
            let mut line = at;
            while let Some(node) = self.nodes.get(line) {
                let [parent] = node.parents.as_slice() else { break };
                if self.nodes.get(*parent).is_none_or(|node| node.followers.len() > 1) || places.contains(parent) {
                    break;
                }
                places.push(*parent);
                line = *parent;
            }
            for place in places {
                if let Some(node) = self.nodes.get_mut(place) {
                    node.labels.extend(revision.branch_labels.iter().cloned());
                }
            }
        }
    }

    /// Revisions that several name as their parent.
    #[must_use]
    pub fn branch_points(&self) -> Vec<usize> {
        self.places(|node| node.children.len() > 1)
    }

    /// Revisions with several parents.
    #[must_use]
    pub fn merges(&self) -> Vec<usize> {
        self.places(|node| node.parents.len() > 1)
    }

    fn places(&self, which: impl Fn(&Node) -> bool) -> Vec<usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| which(node)).map(|(at, _)| at).collect()
    }

    /// The id at a place.
    #[must_use]
    pub fn id(&self, at: usize) -> &str {
        self.nodes.get(at).map_or("", |node| node.id.as_str())
    }

    /// The ids at places.
    #[must_use]
    pub fn ids(&self, at: &[usize]) -> Vec<String> {
        at.iter().map(|at| self.id(*at).to_owned()).collect()
    }

    /// The place of a whole id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The place of a whole id or a label.
    fn place(&self, name: &str) -> Option<usize> {
        self.by_id.get(name).or_else(|| self.by_label.get(name)).copied()
    }

    /// The revisions that a name means: an id or its beginning, `head`, `heads`, `label@head`, `-2`; none for `base`.
    ///
    /// # Errors
    /// Nothing or too much is called so.
    pub fn resolve(&self, name: &str) -> Result<Vec<usize>, NameError> {
        let (label, names) = self.symbols(name)?;
        if let ([steps], true) = (names.as_slice(), names.iter().any(|name| name.starts_with('-')))
            && let Ok(steps) = steps.parse::<i64>()
        {
            return self.below_heads(name, label, steps);
        }
        names.iter().map(|name| self.one(name, label)).collect()
    }

    /// The one revision that a name means; `None` for `base`.
    ///
    /// # Errors
    /// Nothing or more than one is called so.
    pub fn resolve_one(&self, name: &str) -> Result<Option<usize>, NameError> {
        let (label, names) = self.symbols(name)?;
        match names.as_slice() {
            // Below a branch lies nothing, but the branch must be there.
            [] => label.map(|label| self.one(label, None)).transpose().map(|_| None),
            [one] => self.one(one, label).map(Some),
            several => Err(NameError::MultipleHeads { name: name.to_owned(), heads: several.to_vec() }),
        }
    }

    /// The label in front of `@`, and the ids that the rest stands for.
    fn symbols<'a>(&self, name: &'a str) -> Result<(Option<&'a str>, Vec<String>), NameError> {
        let (label, symbol) = name.split_once('@').map_or((None, name), |(label, symbol)| (Some(label), symbol));
        let ids = match (symbol, label) {
            ("heads", None) => self.ids(&self.real_heads),
            ("heads", Some(label)) => self.ids(&self.of_branch(&self.heads, label)?),
            ("head", _) => {
                let heads = label.map_or_else(|| Ok(self.heads.clone()), |label| self.of_branch(&self.heads, label))?;
                match heads.as_slice() {
                    [] => Vec::new(),
                    [one] => vec![self.id(*one).to_owned()],
                    several => return Err(NameError::MultipleHeads { name: name.to_owned(), heads: self.ids(several) }),
                }
            }
            ("base", _) => Vec::new(),
            (id, _) => vec![id.to_owned()],
        };
        Ok((label, ids))
    }

    /// Those of `places` that lie on the line of a label or revision, upwards or downwards.
    fn of_branch(&self, places: &[usize], label: &str) -> Result<Vec<usize>, NameError> {
        let line = self.line_of(label)?;
        Ok(places.iter().copied().filter(|at| line.contains(at)).collect())
    }

    /// A revision with all that lies above and below it; dependencies do not count.
    fn line_of(&self, label: &str) -> Result<BTreeSet<usize>, NameError> {
        let at = self.one(label, None)?;
        let up = self.reach(&[at], |node| &node.children);
        let down = self.reach(&[at], |node| &node.parents);
        Ok(up.into_iter().chain(down).collect())
    }

    /// One id, label or beginning of one, on the branch of a label where one is given.
    fn one(&self, name: &str, branch: Option<&str>) -> Result<usize, NameError> {
        let line = branch.map(|branch| self.line_of(branch)).transpose()?;
        let on_line = |at: usize| line.as_ref().is_none_or(|line| line.contains(&at));
        if let Some(at) = self.place(name) {
            return if on_line(at) { Ok(at) } else { Err(self.other_branch(at, branch)) };
        }
        let names = self.by_id.iter().chain(&self.by_label);
        // Alembic does not guess at names of three letters or fewer.
        let found: Vec<(&String, usize)> = names
            .filter(|(other, _)| other.chars().count() > 3 && other.starts_with(name))
            .map(|(other, at)| (other, *at))
            .filter(|(_, at)| on_line(*at))
            .collect();
        match found.as_slice() {
            [] => Err(NameError::Unknown { name: name.to_owned(), heads: self.ids(&self.heads) }),
            [(_, at)] => Ok(*at),
            several => Err(NameError::Several {
                name: name.to_owned(),
                found: several.iter().take(5).map(|(other, _)| (*other).clone()).collect(),
            }),
        }
    }

    fn other_branch(&self, at: usize, branch: Option<&str>) -> NameError {
        NameError::OtherBranch { revision: self.id(at).to_owned(), branch: branch.unwrap_or_default().to_owned() }
    }

    /// `-2`, `label@-2`: so many steps down from each head.
    fn below_heads(&self, name: &str, label: Option<&str>, steps: i64) -> Result<Vec<usize>, NameError> {
        let heads = self
            .real_heads
            .iter()
            .filter(|at| label.is_none_or(|label| self.nodes.get(**at).is_some_and(|node| node.labels.contains(label))));
        let mut found = Vec::new();
        for head in heads {
            match self.walk(name, Stop::At(*head), steps, None)? {
                Some(Stop::At(at)) => found.push(at),
                Some(Stop::Base) => {}
                None => return Err(NameError::TooFar { name: name.to_owned() }),
            }
        }
        Ok(found)
    }

    /// Steps up or down from a place; `None` when the chain ends before. `label` chooses where it branches upwards.
    fn walk(&self, name: &str, from: Stop, steps: i64, label: Option<&str>) -> Result<Option<Stop>, NameError> {
        let mut here = from;
        for _ in 0..steps.unsigned_abs() {
            let next: Vec<usize> = match (here, steps > 0) {
                (Stop::Base, true) => self.bases.clone(),
                (Stop::At(at), true) => self.nodes.get(at).map(|node| node.children.clone()).unwrap_or_default(),
                (Stop::Base, false) => return Ok(None),
                (Stop::At(at), false) => self.nodes.get(at).map(|node| node.parents.clone()).unwrap_or_default(),
            };
            let next = match label.filter(|_| steps > 0) {
                Some(label) => self.of_branch(&next, label)?,
                None => next,
            };
            here = match next.as_slice() {
                [one] => Stop::At(*one),
                [] if steps < 0 => Stop::Base,
                [] => return Ok(None),
                several => return Err(NameError::Ambiguous { name: name.to_owned(), found: self.ids(several) }),
            };
        }
        Ok(Some(here))
    }

    /// The revisions that `upgrade to` runs on a database at `from` (ids as its version table holds them; none: empty),
    /// in the order in which they run.
    ///
    /// # Errors
    /// A name leads nowhere, or the chain is broken.
    pub fn upgrade_path(&self, from: &[String], to: &str) -> Result<Vec<usize>, NameError> {
        self.whole()?;
        let current = self.current(from)?;
        let targets = self.upgrade_targets(&current, to)?;
        self.apart(&targets)?;
        self.apart(&current)?;
        let there = self.ancestors(&current);
        let needed = self.ancestors(&targets).difference(&there).copied().collect();
        let mut order = self.latest_first(needed, &targets)?;
        order.reverse();
        Ok(order)
    }

    /// The revisions that `downgrade to` turns back on a database at `from`, in the order in which they are turned back.
    ///
    /// # Errors
    /// A name leads nowhere, `to` is not below `from`, or the chain is broken.
    pub fn downgrade_path(&self, from: &[String], to: &str) -> Result<Vec<usize>, NameError> {
        self.whole()?;
        let current = self.current(from)?;
        let (label, target) = self.downgrade_target(&current, to)?;
        let mut roots = match target {
            Stop::Base => self.bases.clone(),
            Stop::At(at) => self.nodes.get(at).map(|node| node.children.clone()).unwrap_or_default(),
        };
        if let Some(label) = label.filter(|_| roots.len() > 1) {
            let branch = self.one(&label, None)?;
            let line = self.reach(&[branch], |node| &node.parents);
            roots.retain(|root| line.contains(root));
            if roots.is_empty() {
                return Err(NameError::NotBelow { from: self.ids(&current), to: to.to_owned() });
            }
        }
        let active = self.ancestors(&current);
        let dropped: BTreeSet<usize> = self.descendants(&roots).intersection(&active).copied().collect();
        match target {
            Stop::At(at) if dropped.is_empty() && !current.contains(&at) => {
                Err(NameError::NotBelow { from: self.ids(&current), to: to.to_owned() })
            }
            Stop::At(_) | Stop::Base => self.latest_first(dropped, &current),
        }
    }

    /// `from:to`, both as Alembic writes revisions: the revisions in the order in which `upgrade` runs them. Without a
    /// colon: everything up to it.
    ///
    /// # Errors
    /// As `upgrade_path`.
    pub fn range(&self, text: &str) -> Result<Vec<usize>, NameError> {
        match text.split_once(':') {
            Some((from, to)) => self.upgrade_path(&[from.to_owned()], to),
            None => self.upgrade_path(&[], text),
        }
    }

    /// Fails where nobody can say what comes after what.
    fn whole(&self) -> Result<(), NameError> {
        for fault in &self.faults {
            let why = match fault {
                Fault::MissingParent { at, parent, .. } => format!("`{}` comes after `{parent}`, which is not there", self.id(*at)),
                Fault::MissingDependency { at, name } => format!("`{}` depends on `{name}`, which is not there", self.id(*at)),
                Fault::Cycle { at, .. } => format!("{} come after one another in a ring", list(&self.ids(at))),
                // Alembic goes on with the last file of an id.
                Fault::Duplicate { .. } | Fault::LabelTwice { .. } => continue,
            };
            return Err(NameError::Broken { why });
        }
        Ok(())
    }

    fn current(&self, from: &[String]) -> Result<Vec<usize>, NameError> {
        let mut current = Vec::new();
        for name in from {
            current.extend(self.resolve_one(name)?);
        }
        Ok(current)
    }

    fn upgrade_targets(&self, current: &[usize], to: &str) -> Result<Vec<usize>, NameError> {
        let Some(relative) = relative(to) else { return self.resolve(to) };
        let at = |stop: Option<Stop>| match stop {
            Some(Stop::At(at)) => Ok(vec![at]),
            Some(Stop::Base) => Ok(Vec::new()),
            None => Err(NameError::TooFar { name: to.to_owned() }),
        };
        let start = match (relative.symbol, relative.steps > 0) {
            (None, false) => return Err(NameError::NoStart { name: to.to_owned() }),
            (None, true) => self.start_of_branch(current, relative.label, to)?,
            (Some(symbol), true) => self.resolve_one(symbol)?.map_or(Stop::Base, Stop::At),
            (Some(symbol), false) => return at(self.walk(to, self.on_branch(relative.label, symbol)?, relative.steps, None)?),
        };
        at(self.walk(to, start, relative.steps, relative.label)?)
    }

    fn on_branch(&self, label: Option<&str>, symbol: &str) -> Result<Stop, NameError> {
        let name = label.map_or_else(|| symbol.to_owned(), |label| format!("{label}@{symbol}"));
        Ok(self.resolve_one(&name)?.map_or(Stop::Base, Stop::At))
    }

    /// Where `+1` and `label@+1` begin: at what the database has on that branch, else where the branch leaves it.
    fn start_of_branch(&self, current: &[usize], label: Option<&str>, to: &str) -> Result<Stop, NameError> {
        let mut starts = current.to_vec();
        if let Some(label) = label {
            starts = self.of_branch(current, label)?;
            if starts.is_empty() {
                let all: Vec<usize> = self.ancestors(current).into_iter().collect();
                let active = self.of_branch(&all, label)?;
                let below: BTreeSet<usize> = active.iter().flat_map(|at| self.before(*at)).collect();
                starts = active.into_iter().filter(|at| !below.contains(at)).collect();
            }
        }
        match starts.as_slice() {
            [] => Ok(Stop::Base),
            [one] => Ok(Stop::At(*one)),
            several => Err(NameError::Ambiguous { name: to.to_owned(), found: self.ids(several) }),
        }
    }

    fn downgrade_target(&self, current: &[usize], to: &str) -> Result<(Option<String>, Stop), NameError> {
        let Some(relative) = relative(to) else {
            // The label says which branch goes; the revision is looked for everywhere.
            let (label, symbol) = to.rsplit_once('@').map_or((None, to), |(label, symbol)| (Some(label.to_owned()), symbol));
            return Ok((label.filter(|label| !label.is_empty()), self.resolve_one(symbol)?.map_or(Stop::Base, Stop::At)));
        };
        let too_far = || NameError::TooFar { name: to.to_owned() };
        let label = relative.label.map(str::to_owned);
        if relative.steps >= 0 {
            let symbol = relative.symbol.ok_or_else(|| NameError::NoStart { name: to.to_owned() })?;
            let start = self.resolve_one(symbol)?.map_or(Stop::Base, Stop::At);
            return Ok((label, self.walk(to, start, relative.steps, relative.label)?.ok_or_else(too_far)?));
        }
        let (label, start) = match (relative.symbol, relative.label) {
            (Some(symbol), branch) => (label, self.on_branch(branch, symbol)?),
            (None, Some(branch)) => (label, Stop::At(self.current_on(current, branch, to)?)),
            (None, None) => match current {
                // Alembic takes any of several with a warning; a tool that names its targets does not.
                [one] => (Some(self.id(*one).to_owned()), Stop::At(*one)),
                [] => return Err(NameError::NoStart { name: to.to_owned() }),
                several => return Err(NameError::Ambiguous { name: to.to_owned(), found: self.ids(several) }),
            },
        };
        Ok((label, self.walk(to, start, relative.steps, None)?.ok_or_else(too_far)?))
    }

    /// The revision of a branch that the database has: one of its own, else the last one that those need.
    fn current_on(&self, current: &[usize], branch: &str, to: &str) -> Result<usize, NameError> {
        let mut found = self.of_branch(current, branch)?;
        if found.is_empty() {
            let all: Vec<usize> = self.ancestors(current).into_iter().collect();
            let tips: Vec<usize> = all
                .iter()
                .copied()
                .filter(|at| !self.nodes.get(*at).is_some_and(|node| node.children.iter().any(|child| all.contains(child))))
                .collect();
            found = self.of_branch(&tips, branch)?;
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(NameError::NoStart { name: to.to_owned() }),
            several => Err(NameError::Ambiguous { name: to.to_owned(), found: self.ids(several) }),
        }
    }

    /// Fails when one of several lies on the way to another.
    fn apart(&self, several: &[usize]) -> Result<(), NameError> {
        for at in several.iter().filter(|_| several.len() > 1) {
            let before = self.ancestors(&[*at]);
            if let Some(other) = several.iter().find(|other| *other != at && before.contains(other)) {
                return Err(NameError::Overlap { name: self.id(*at).to_owned(), other: self.id(*other).to_owned() });
            }
        }
        Ok(())
    }

    /// `wanted` from the latest to the first, as Alembic orders them: down one branch as long as no other needs what
    /// comes next.
    fn latest_first(&self, mut wanted: BTreeSet<usize>, from: &[usize]) -> Result<Vec<usize>, NameError> {
        let mut tips: Vec<usize> = from.iter().copied().filter(|at| wanted.contains(at)).collect::<BTreeSet<_>>().into_iter().collect();
        let mut needed: Vec<BTreeSet<usize>> = tips.iter().map(|tip| self.ancestors(&[*tip])).collect();
        let mut order = Vec::with_capacity(wanted.len());
        let mut on = 0;
        let mut turns = 0;
        while let Some(tip) = tips.get(on).copied() {
            // What was needed by a tip that moved on is needed no more; Alembic does not notice, and never ends.
            if turns > tips.len() {
                needed = tips.iter().map(|tip| self.ancestors(&[*tip])).collect();
            }
            if turns > 2 * tips.len() + 2 {
                break;
            }
            let other = needed.iter().enumerate().position(|(at, needed)| at != on && needed.contains(&tip));
            if let Some(other) = other {
                on = other;
                turns += 1;
                continue;
            }
            turns = 0;
            if wanted.remove(&tip) {
                order.push(tip);
            }
            let next: Vec<usize> = self.before(tip).into_iter().filter(|at| wanted.contains(at) && !tips.contains(at)).collect();
            let Some((first, others)) = next.split_first() else {
                tips.remove(on);
                needed.remove(on);
                on = on.saturating_sub(1);
                continue;
            };
            let is_plain = self.nodes.get(tip).is_some_and(|node| node.own_dependencies.is_empty() && node.parents.len() == 1);
            if let (Some(tip_slot), Some(needed_slot)) = (tips.get_mut(on), needed.get_mut(on)) {
                *tip_slot = *first;
                if is_plain {
                    needed_slot.remove(&tip);
                } else {
                    *needed_slot = self.ancestors(&[*first]);
                }
            }
            tips.extend(others);
            needed.extend(others.iter().map(|other| self.ancestors(&[*other])));
        }
        if wanted.is_empty() {
            Ok(order)
        } else {
            Err(NameError::Broken { why: format!("nothing leads to `{}`", self.id(wanted.first().copied().unwrap_or_default())) })
        }
    }
}

/// Marks a place; true when it was marked before.
fn set(marks: &mut [bool], at: usize) -> bool {
    marks.get_mut(at).is_some_and(|mark| std::mem::replace(mark, true))
}

/// `label@name+2`, `name-1`, `+1`, `label@-1`; `None` for a name that counts nothing.
fn relative(name: &str) -> Option<Relative<'_>> {
    let labels = name.match_indices('@').filter(|(at, _)| *at > 0);
    let with_label = labels.filter_map(|(at, _)| Some((Some(name.get(..at)?), name.get(at + 1..)?)));
    with_label.chain(std::iter::once((None, name))).find_map(|(label, rest)| {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (symbol, count) = rest.split_at_checked(word)?;
        let digits = count.strip_prefix(['+', '-'])?;
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let steps: i64 = digits.get(..end)?.parse().ok()?;
        let steps = if count.starts_with('-') { -steps } else { steps };
        Some(Relative { label, symbol: Some(symbol).filter(|symbol| !symbol.is_empty()), steps })
    })
}

/// The rings in a graph given by what each place leads to: strongly connected parts of more than one place, and places
/// that lead to themselves. Tarjan's algorithm without recursion.
fn rings(next: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut search = Search {
        next: &next,
        index: vec![None; next.len()],
        low: vec![0; next.len()],
        on_stack: vec![false; next.len()],
        stack: Vec::new(),
        found: Vec::new(),
        count: 0,
    };
    for at in 0..next.len() {
        if search.index.get(at).is_some_and(Option::is_none) {
            search.from(at);
        }
    }
    search.found
}

struct Search<'a> {
    next: &'a [Vec<usize>],
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    found: Vec<Vec<usize>>,
    count: usize,
}

impl Search<'_> {
    fn from(&mut self, root: usize) {
        let mut open = vec![(root, 0)];
        self.enter(root);
        while let Some((at, step)) = open.pop() {
            let Some(to) = self.next.get(at).and_then(|next| next.get(step)).copied() else {
                self.leave(at);
                if let Some((above, _)) = open.last().copied() {
                    let low = self.low.get(at).copied().unwrap_or_default();
                    self.lower(above, low);
                }
                continue;
            };
            open.push((at, step + 1));
            match self.index.get(to).copied().flatten() {
                None => {
                    self.enter(to);
                    open.push((to, 0));
                }
                Some(index) if self.on_stack.get(to) == Some(&true) => self.lower(at, index),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, at: usize) {
        if let (Some(index), Some(low)) = (self.index.get_mut(at), self.low.get_mut(at)) {
            (*index, *low) = (Some(self.count), self.count);
        }
        set(&mut self.on_stack, at);
        self.stack.push(at);
        self.count += 1;
    }

    fn lower(&mut self, at: usize, to: usize) {
        if let Some(low) = self.low.get_mut(at) {
            *low = (*low).min(to);
        }
    }

    /// When nothing leads further back, what was entered since is one part.
    fn leave(&mut self, at: usize) {
        if self.low.get(at).copied() != self.index.get(at).copied().flatten() {
            return;
        }
        let mut part = Vec::new();
        while let Some(member) = self.stack.pop() {
            if let Some(mark) = self.on_stack.get_mut(member) {
                *mark = false;
            }
            part.push(member);
            if member == at {
                break;
            }
        }
        part.sort_unstable();
        if part.len() > 1 || self.next.get(at).is_some_and(|next| next.contains(&at)) {
            self.found.push(part);
        }
    }
}
