//! From a wish to the revisions that fulfil it: one file a recipe. A file's `//!` text is its page, the page's `plan`
//! examples are planned, reviewed and run with rows as tests. A new recipe is a file and one word in `recipes![…]`.
//!
//! A wish is said in the shortest way that the dialect has (`parts::wish`) and judged like any other SQL. If nothing
//! blocks, breaks, fails or loses, that is the plan: one revision. Else the recipe is found by what was found wrong.

pub mod parts;

use crate::dialect::{Dialect, Server};
use crate::effects::Effect;
use crate::finding::Finding;
use crate::recipes::parts::body::Body;
use crate::recipes::parts::wish::{Statement, Wish};
use crate::sql::catalog::Catalog;
use crate::sql::change::Name;
use crate::step::Options;

pub use parts::planning::{Asked, Planned, Refusal, plan};

/// What a revision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Concern {
    /// Tables, columns, constraints.
    Schema,
    /// Rows.
    Data,
}

/// Where a revision stands between the old code and the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Something new stands beside the old: all code works.
    Expand,
    /// Rows are brought along.
    Backfill,
    /// The new takes the place of the old.
    Switch,
    /// The old goes.
    Contract,
}

/// One revision of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, in lower case with underscores.
    pub name: String,
    /// Schema or rows.
    pub concern: Concern,
    /// Where it stands.
    pub stage: Stage,
    /// Why it is a revision of its own.
    pub why: String,
    /// The way up.
    pub upgrade: Body,
    /// The way back.
    pub downgrade: Body,
    /// What must run before it, and what may be deployed behind it.
    pub deploy: String,
}

/// What a recipe gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The revisions, in order.
    pub steps: Vec<Step>,
    /// What only the user knows.
    pub questions: Vec<String>,
    /// What else should be known.
    pub notes: Vec<String>,
}

impl Found {
    /// Asks about what hangs on a column that another takes the place of: values that a `using` leaves out, views.
    fn ask_about_switch(&mut self, case: &Case<'_>, table: &Name, column: &str, is_using: bool) {
        let place = format!("`{}.{column}`", table.shown());
        if is_using {
            self.questions
                .push(format!("may go what `using` leaves out of {place}? After the last revision only the converted values are left"));
        }
        for view in case.catalog.views_on_column(table, column) {
            self.questions.push(format!("the view `{}` reads {place}: make it anew in the revision that switches", view.shown()));
        }
    }
}

/// A wish, with what is known of it.
pub struct Case<'a> {
    /// The server.
    pub server: Server,
    /// The schema in front of it.
    pub catalog: &'a Catalog,
    /// What is wanted.
    pub wish: &'a Wish,
    /// What its statement does, where it has one.
    pub effect: Option<&'a Effect>,
    /// What was found wrong with its statement.
    pub findings: &'a [Finding],
    /// Sizes, and what the deploy tolerates.
    pub options: &'a Options,
    /// What stands behind it in the same plan.
    pub following: &'a [Wish],
    /// Somebody said which version of the server it is.
    pub is_version_known: bool,
    /// The deploy stops the application: nobody waits, and no old code runs.
    pub is_stopped: bool,
}

impl Case<'_> {
    /// The dialect.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.server.dialect
    }

    /// The statement that says it in the shortest way.
    #[must_use]
    pub const fn statement(&self) -> Option<&Statement> {
        match self.wish {
            Wish::Statement(statement) => Some(statement),
            Wish::RemoveEnumValue(_) | Wish::ColumnValue(_) | Wish::Backfill(_) | Wish::SplitTable(_) | Wish::MergeTables(_) => None,
        }
    }
}

/// A recipe.
#[derive(Clone, Copy)]
pub struct Recipe {
    /// Its name; its page is `recipe-<name>`.
    pub name: &'static str,
    /// The source file: its `//!` lines are the page.
    pub source: &'static str,
    /// What it mends: names of rules, or the word of a wish that no statement says.
    pub mends: &'static [&'static str],
    /// The dialects it is proven on.
    pub dialects: &'static [Dialect],
    /// The revisions; none where the wish has another form.
    pub steps: fn(&Case<'_>) -> Option<Found>,
}

impl Recipe {
    /// It is proven on the dialect; MySQL takes what is proven on MariaDB, and the plan says so.
    #[must_use]
    pub fn serves(&self, dialect: Dialect) -> bool {
        self.dialects.contains(&dialect) || dialect == Dialect::Mysql && self.dialects.contains(&Dialect::Mariadb)
    }

    /// The page, in Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        let lines = self.source.lines().take_while(|line| line.starts_with("//!"));
        lines.map(|line| line.strip_prefix("//! ").or_else(|| line.strip_prefix("//!")).unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }
}

macro_rules! recipes {
    ($($name:ident),+ $(,)?) => {
        $(pub mod $name;)+
        /// All recipes, in the order in which they are asked.
        pub const RECIPES: &[Recipe] = &[$(Recipe {
            name: stringify!($name),
            source: include_str!(concat!(stringify!($name), ".rs")),
            mends: $name::MENDS,
            dialects: $name::DIALECTS,
            steps: $name::steps,
        }),+];
    };
}

recipes![
    required_column,
    generated_column,
    generated_column_of_mariadb,
    big_index,
    key_by_index,
    validated_constraint,
    drop_column,
    drop_table,
    sqlite_batch,
    rename_column,
    rename_table,
    change_key_type,
    change_key_type_of_mariadb,
    change_type,
    shadow_column,
    column_in_place,
    enum_value,
    attach_partition,
    merge_tables,
    merge_tables_of_mariadb,
    split_table,
    split_table_of_mariadb,
    backfill,
    online_foreign_key,
];
