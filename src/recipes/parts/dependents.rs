//! What depends on a column and stands in the way of a change of its type: views, triggers and policies that name it. They are dropped
//! in front of the change and made anew behind it, in one transaction.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::written::{create_index, literal};
use crate::sql::catalog::{Catalog, Defined, RelationKind};
use crate::sql::change::Name;

/// The lines in front of a change and those behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    front: Vec<Line>,
    behind: Vec<Line>,
    /// What is dropped and made anew, as people name it.
    named: Vec<String>,
    /// Materialised views: their queries run again.
    computed: Vec<String>,
}

const IN_ONE: &str = "it is made anew in the same transaction";

/// Takes away what depends on these columns, and makes it again as it stands. `None`: the text of one is not known.
#[must_use]
pub fn around(catalog: &Catalog, columns: &[(Name, String)]) -> Option<Around> {
    let mut around = Around::default();
    for (table, column) in columns {
        for (defined, called) in catalog.defined_on(table) {
            let sql = catalog.definition(defined, table, called)?;
            if names(sql, column) && !around.named.contains(&shown(defined, called, table)) {
                let what = if defined == Defined::Trigger { "TRIGGER" } else { "POLICY" };
                let drop = format!("DROP {what} {} ON {}", quoted(Dialect::Postgresql, called), relation(Dialect::Postgresql, table));
                around.front.push(Line::execute(drop).allowing("drop_constraint", IN_ONE));
                around.behind.push(Line::execute(sql));
                around.named.push(shown(defined, called, table));
            }
        }
    }
    let mut views: Vec<Name> = Vec::new();
    for (table, column) in columns {
        for view in catalog.views_on_column(table, column) {
            let others = catalog.views_on(&view);
            views.extend(std::iter::once(view).chain(others).filter(|view| !views.contains(view)).collect::<Vec<_>>());
        }
    }
    for view in catalog.in_order_of_making(views)? {
        let is_materialized = catalog.table(&view)?.kind == RelationKind::MaterializedView;
        let what = if is_materialized { "MATERIALIZED VIEW" } else { "VIEW" };
        let drop = Line::execute(format!("DROP {what} {}", relation(Dialect::Postgresql, &view))).allowing("drop_object", IN_ONE);
        around.front.insert(0, drop);
        around.behind.extend(again(catalog, &view)?);
        around.named.push(format!("{} `{}`", what.to_lowercase(), view.shown()));
        around.computed.extend(is_materialized.then(|| format!("`{}`", view.shown())));
    }
    Some(around)
}

/// The definition has the column's name among its words.
fn names(sql: &str, column: &str) -> bool {
    sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word.eq_ignore_ascii_case(column))
}

fn shown(defined: Defined, called: &str, table: &Name) -> String {
    let what = if defined == Defined::Trigger { "trigger" } else { "policy" };
    format!("{what} `{called}` of `{}`", table.shown())
}

/// What makes a view again, with its indexes and the rights on it that the chain gives.
#[must_use]
pub fn again(catalog: &Catalog, view: &Name) -> Option<Vec<Line>> {
    let known = catalog.table(view)?;
    let is_view = matches!(known.kind, RelationKind::View | RelationKind::MaterializedView);
    let is_plain = is_view && known.triggers.is_empty() && known.rules.is_empty() && known.owner.is_none();
    let sql = catalog.definition(Defined::View, view, "").filter(|_| is_plain)?;
    let made = Line::execute(sql);
    let mut lines = vec![match known.kind {
        RelationKind::MaterializedView => {
            made.allowing("slow_work_under_lock", "the plan asks whether its query may run while others wait")
        }
        _ => made,
    }];
    for state in &known.indexes {
        let index = create_index(catalog.dialect, view, state.index.name.as_deref()?, &state.index, false)?;
        lines.push(index.allowing("index_without_concurrently", "nobody sees the view before the commit"));
    }
    for (role, privilege) in &known.grants {
        if privilege.ends_with(crate::sql::catalog::OF_COLUMNS) {
            return None;
        }
        let role = if role == "public" { "PUBLIC".to_owned() } else { quoted(catalog.dialect, role) };
        lines.push(Line::execute(format!("GRANT {} ON {} TO {role}", privilege.to_uppercase(), relation(catalog.dialect, view))));
    }
    Some(lines)
}

impl Around {
    /// What is made again compares with a value that goes.
    #[must_use]
    pub fn names_value(&self, value: &str) -> bool {
        self.behind.iter().any(|line| line.sql.contains(&literal(value)))
    }

    /// Nothing is in the way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The statements that take all of it away.
    pub fn front(&self) -> impl Iterator<Item = &str> {
        self.front.iter().map(|line| line.sql.as_str())
    }

    /// The lines with all of it taken away in front of them and made again behind them.
    #[must_use]
    pub fn lines(&self, lines: Vec<Line>) -> Vec<Line> {
        self.front.iter().cloned().chain(lines).chain(self.behind.iter().cloned()).collect()
    }

    /// The same around the last part of a body, which makes the change in one transaction; `None`: it does not.
    #[must_use]
    pub fn body(&self, mut body: Body) -> Option<Body> {
        match body.0.last_mut()? {
            Part::Inside(lines) => *lines = self.lines(std::mem::take(lines)),
            Part::Outside(_) => return None,
        }
        Some(body)
    }

    /// What the user should know; nothing where nothing is in the way.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let lost = "comments, and rights given outside the chain, go with it";
        (!self.is_empty()).then(|| format!("in the way, dropped and made anew in the same transaction: {} ({lost})", self.named.join(", ")))
    }

    /// What only the user knows.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        let views = self.computed.join(", ");
        (!views.is_empty())
            .then(|| format!("may the query of {views} run while everybody waits? It does in the revision that makes it anew"))
    }
}
