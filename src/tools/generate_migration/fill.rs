//! A plan's bodies, put into the functions of a revision that Alembic wrote from the project's template.
//!
//! Templates are the project's own: one may set a timeout in front of each body, have no `pass`, or a function for each engine.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use crate::lifecycle::ledger::Bodies;
use crate::tools::answer::ToolError;

/// Puts the bodies in place of `pass`, or behind what the template has in the function; the file is removed where it cannot be done.
pub(super) fn fill(path: &Path, bodies: &Bodies) -> Result<(), ToolError> {
    let unwritable = |error: std::io::Error| ToolError {
        code: "unwritable",
        message: format!("`{}`: {error}", path.display()),
        at: Some("project".to_owned()),
        hint: "check its rights".to_owned(),
        retry: false,
    };
    let text = std::fs::read_to_string(path).map_err(unwritable)?;
    match filled(&text, bodies) {
        Ok(text) => std::fs::write(path, text).map_err(unwritable),
        Err(message) => {
            std::fs::remove_file(path).map_err(unwritable)?;
            Err(ToolError {
                code: "template",
                message: format!("{message}; no file was kept"),
                at: Some("script.py.mako".to_owned()),
                hint: "call with mode `empty` and write the bodies into the file, or let the template write `def upgrade():` and `def downgrade():`"
                    .to_owned(),
                retry: false,
            })
        }
    }
}

fn filled(text: &str, bodies: &Bodies) -> Result<String, String> {
    let mut lines: Vec<String> = text.lines().flat_map(in_lines_of_their_own).collect();
    for (name, body) in [("upgrade", &bodies.upgrade), ("downgrade", &bodies.downgrade)] {
        if let Some(other) = lines.iter().find(|line| line.starts_with(&format!("def {name}_"))) {
            return Err(format!(
                "the template has a function for each engine (`{}`): a plan's step is for one",
                other.trim_end_matches(':')
            ));
        }
        let suite = suite(&lines, name).ok_or_else(|| format!("the template writes no `def {name}():`"))?;
        put(&mut lines, suite, body);
    }
    Ok(lines.into_iter().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{line}");
        out
    }))
}

/// `def upgrade(): pass` is written as two lines.
fn in_lines_of_their_own(line: &str) -> Vec<String> {
    match line.strip_suffix(": pass").filter(|line| line.starts_with("def ")) {
        Some(signature) => vec![format!("{signature}:"), "    pass".to_owned()],
        None => vec![line.to_owned()],
    }
}

/// The lines of a function's body.
fn suite(lines: &[String], name: &str) -> Option<Range<usize>> {
    let start = lines.iter().position(|line| line.starts_with(&format!("def {name}(")))?;
    // The signature may take several lines.
    let colon = lines.iter().skip(start).position(|line| line.split('#').next().unwrap_or_default().trim_end().ends_with(':'))?;
    let first = start + colon + 1;
    let is_inside = |line: &String| line.trim().is_empty() || line.starts_with([' ', '\t']);
    let length = lines.iter().skip(first).take_while(|line| is_inside(line)).count();
    let blank = lines.get(first..first + length)?.iter().rev().take_while(|line| line.trim().is_empty()).count();
    Some(first..first + length - blank)
}

fn put(lines: &mut Vec<String>, suite: Range<usize>, body: &str) {
    let of_suite = lines.get(suite.clone()).unwrap_or_default();
    let indent: String =
        of_suite.first().map_or_else(|| "    ".to_owned(), |line| line.chars().take_while(|c| c.is_whitespace()).collect());
    let body = body.lines().map(|line| if line.trim().is_empty() { String::new() } else { format!("{indent}{line}") });
    let is_nothing = |line: &String| matches!(line.split('#').next().unwrap_or_default().trim(), "pass" | "...");
    let place = match of_suite.iter().position(is_nothing) {
        Some(at) => suite.start + at..suite.start + at + 1,
        None => suite.end..suite.end,
    };
    lines.splice(place, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(template: &str) -> Result<String, String> {
        filled(template, &Bodies { upgrade: "up()\n\nif x:\n    more()".to_owned(), downgrade: "down()".to_owned() })
    }

    #[test]
    fn bodies_stand_where_a_template_has_pass_or_behind_what_it_has() {
        let plain = with("def upgrade() -> None:\n    \"\"\"Up.\"\"\"\n    pass\n\n\ndef downgrade(\n) -> None:  # back\n    pass\n");
        let expected = "def upgrade() -> None:\n    \"\"\"Up.\"\"\"\n    up()\n\n    if x:\n        more()\n\n\ndef downgrade(\n) -> None:  # back\n    down()\n";
        assert_eq!(plain.as_deref(), Ok(expected));
        let short = with("def upgrade(): pass\ndef downgrade(): pass\n");
        assert_eq!(short.as_deref(), Ok("def upgrade():\n    up()\n\n    if x:\n        more()\ndef downgrade():\n    down()\n"));
        let own = with("def upgrade():\n  op.execute('SET lock_timeout = 5000')\n\n\ndef downgrade():\n  ...\n\nx = 1\n");
        let expected = "def upgrade():\n  op.execute('SET lock_timeout = 5000')\n  up()\n\n  if x:\n      more()\n\n\ndef downgrade():\n  down()\n\nx = 1\n";
        assert_eq!(own.as_deref(), Ok(expected));
    }

    #[test]
    fn a_template_without_the_functions_is_refused() {
        let refused = |template: &str| with(template).err().unwrap_or_default();
        assert!(refused("def upgrade():\n    pass\n").contains("no `def downgrade():`"));
        let several = refused(
            "def upgrade(engine):\n    globals()[engine]()\n\n\ndef upgrade_one():\n    pass\n\n\ndef downgrade(engine):\n    pass\n",
        );
        assert!(several.contains("`def upgrade_one()`"));
    }
}
