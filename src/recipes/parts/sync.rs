//! A trigger that keeps two columns equal while old and new code run side by side (PostgreSQL).

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Line, fitting};
use crate::recipes::parts::loops::SILENCE;
use crate::recipes::parts::written::has_no_equality;
use crate::sql::change::{DataType, Name};

/// Two values of one column differ to the byte: its collation may take `a` for `A`.
fn differs(one: &str, other: &str) -> String {
    format!("NOT (CAST({one} AS BINARY) <=> CAST({other} AS BINARY))")
}

/// Two columns of a table, and how a value of the one becomes one of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// The table.
    pub table: Name,
    /// What the function and the trigger are called.
    pub name: String,
    /// The column that running code knows.
    pub old: String,
    /// The one that takes its place.
    pub new: String,
    /// The new value as an expression over `NEW`, where it is not the old one itself; what does not fit becomes NULL.
    pub forth: Option<String>,
    /// The old value as an expression over `NEW`, in the same way.
    pub back: Option<String>,
    /// PostgreSQL: the values are compared as text, since their type has no equality.
    pub as_text: bool,
}

impl Sync {
    /// For two columns of one type.
    #[must_use]
    pub fn equal(table: &Name, old: &str, new: &str) -> Self {
        let name = fitting(&format!("{}_{old}_{new}_sync", table.name));
        Self { table: table.clone(), name, old: old.to_owned(), new: new.to_owned(), forth: None, back: None, as_text: false }
    }

    /// The same, for columns of these types.
    #[must_use]
    pub fn of(mut self, types: &[Option<&DataType>]) -> Self {
        self.as_text = types.iter().flatten().any(|one| has_no_equality(one));
        self
    }

    fn function(&self) -> String {
        relation(Dialect::Postgresql, &Name { schema: self.table.schema.clone(), name: self.name.clone() })
    }

    /// Makes the function and the trigger.
    #[must_use]
    pub fn made(&self, dialect: Dialect) -> Vec<Line> {
        if dialect.is_mysql_family() { self.made_of_two(dialect) } else { self.made_of_one() }
    }

    /// MySQL and MariaDB: a trigger for each event, of one statement each.
    fn made_of_two(&self, dialect: Dialect) -> Vec<Line> {
        let (old, new) = (quoted(dialect, &self.old), quoted(dialect, &self.new));
        let table = relation(dialect, &self.table);
        let silent = format!("COALESCE(@{}, '') = 'off'", SILENCE.replace('.', "_"));
        let [insert, update] = self.names(dialect);
        if let (Some(forth), Some(back)) = (&self.forth, &self.back) {
            return [(insert, "INSERT"), (update, "UPDATE")]
                .map(|(name, event)| self.converting(dialect, &name, event, forth, back))
                .to_vec();
        }
        let [of_new, of_old] = [&new, &old].map(|name| differs(&format!("NEW.{name}"), &format!("OLD.{name}")));
        vec![
            Line::execute(format!(
                "CREATE TRIGGER {insert} BEFORE INSERT ON {table} FOR EACH ROW SET NEW.{new} = IF({silent}, NEW.{new}, COALESCE(NEW.{new}, NEW.{old})), NEW.{old} = IF({silent}, NEW.{old}, NEW.{new})"
            )),
            Line::execute(format!(
                "CREATE TRIGGER {update} BEFORE UPDATE ON {table} FOR EACH ROW SET NEW.{new} = IF({silent} OR {of_new} OR NOT {of_old}, NEW.{new}, NEW.{old}), NEW.{old} = IF({silent} OR NOT {of_new}, NEW.{old}, NEW.{new})"
            )),
        ]
    }

    /// A value that cannot be converted is left out: NULL on the other side, and the write goes on.
    fn converting(&self, dialect: Dialect, name: &str, event: &str, forth: &str, back: &str) -> Line {
        let (old, new) = (quoted(dialect, &self.old), quoted(dialect, &self.new));
        let (written, switch) = (relation(dialect, &self.table), SILENCE.replace('.', "_"));
        let deed = if event == "INSERT" {
            format!("IF NEW.{new} IS NOT NULL THEN SET NEW.{old} = {back}; ELSE SET NEW.{new} = {forth}; END IF;")
        } else {
            let [of_new, of_old] = [&new, &old].map(|name| differs(&format!("NEW.{name}"), &format!("OLD.{name}")));
            format!(
                "IF {of_new} THEN SET NEW.{old} = NULL; SET NEW.{old} = {back}; ELSEIF {of_old} THEN SET NEW.{new} = NULL; SET NEW.{new} = {forth}; END IF;"
            )
        };
        Line::execute(format!(
            "CREATE TRIGGER {name} BEFORE {event} ON {written} FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; IF COALESCE(@{switch}, '') <> 'off' THEN {deed} END IF; END"
        ))
    }

    fn names(&self, dialect: Dialect) -> [String; 2] {
        ["insert", "update"].map(|event| {
            let name = Name { schema: self.table.schema.clone(), name: fitting(&format!("{}_{event}", self.name)) };
            relation(dialect, &name)
        })
    }

    fn made_of_one(&self) -> Vec<Line> {
        let dialect = Dialect::Postgresql;
        let (old, new) = (quoted(dialect, &self.old), quoted(dialect, &self.new));
        let assigned = |target: &str, plain: &str, other: &Option<String>| match other {
            Some(value) => format!("BEGIN NEW.{target} := {value}; EXCEPTION WHEN others THEN NEW.{target} := NULL; END;"),
            None => format!("NEW.{target} := NEW.{plain};"),
        };
        let forth = assigned(&new, &old, &self.forth);
        let back = assigned(&old, &new, &self.back);
        let cast = if self.as_text { "::text" } else { "" };
        let body = format!(
            "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  IF current_setting('{SILENCE}', true) = 'off' THEN\n    RETURN NEW;\n  END IF;\n  IF TG_OP = 'INSERT' THEN\n    IF NEW.{new} IS NOT NULL THEN\n      {back}\n    ELSE\n      {forth}\n    END IF;\n  ELSIF NEW.{new}{cast} IS DISTINCT FROM OLD.{new}{cast} THEN\n    {back}\n  ELSIF NEW.{old}{cast} IS DISTINCT FROM OLD.{old}{cast} THEN\n    {forth}\n  END IF;\n  RETURN NEW;\nEND\n$$",
            self.function()
        );
        let trigger = format!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            quoted(dialect, &self.name),
            relation(dialect, &self.table),
            self.function()
        );
        vec![Line::execute(body), Line::execute(trigger)]
    }

    /// Takes both away.
    #[must_use]
    pub fn gone(&self, dialect: Dialect) -> Vec<Line> {
        if dialect.is_mysql_family() {
            return self
                .names(dialect)
                .map(|name| Line::execute(format!("DROP TRIGGER {name}")).allowing("drop_object", "it only kept the two columns equal"))
                .to_vec();
        }
        vec![
            Line::execute(format!("DROP TRIGGER {} ON {}", quoted(dialect, &self.name), relation(dialect, &self.table))),
            Line::execute(format!("DROP FUNCTION {}()", self.function()))
                .allowing("drop_object", "only the trigger that goes with it called it"),
        ]
    }
}
