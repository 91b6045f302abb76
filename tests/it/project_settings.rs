//! Settings against the real Alembic: the same texts, the same places, and refused where it refuses.

use std::fmt::Write;

use alembic_gate::project::ini::{Source, settings};
use serde_json::{Value, json};

use crate::real_alembic;

/// Ini texts: from common to strange.
const INIS: &[&str] = &[
    "[alembic]\nscript_location = migrations\n",
    "[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = .\n",
    "[alembic]\nscript_location: migrations\n",
    "[alembic]\nSCRIPT_LOCATION = migrations\n",
    "# a comment\n; another\n\n[alembic]\n# inside\nscript_location = migrations ; no comment\n",
    "[alembic]\nscript_location = pkg:migrations\nfile_template = %%(year)d_%%(rev)s_%%(slug)s\n",
    "[alembic]\nscript_location = migrations\nversion_locations = a b  c\n",
    "[alembic]\nscript_location = migrations\nversion_locations = a, b,c ,d\n",
    "[alembic]\nscript_location = migrations\nversion_locations = %(here)s/a:%(here)s/b\nversion_path_separator = :\n",
    "[alembic]\nscript_location = migrations\nversion_locations = %(here)s/a:%(here)s/b\nversion_path_separator = os\n",
    "[alembic]\nscript_location = migrations\nversion_locations = a;b;\npath_separator = ;\n",
    "[alembic]\nscript_location = migrations\nversion_locations = a b\npath_separator = space\nversion_path_separator = :\n",
    "[alembic]\nscript_location = migrations\nversion_locations =\n    %(here)s/a\n    %(here)s/b\n\npath_separator = newline\n",
    "[alembic]\nscript_location = migrations\nversion_locations =\n  a\n  # b\n  c\npath_separator = newline\nrecursive_version_locations = true\n",
    "[alembic]\nscript_location = migrations\nrecursive_version_locations = True\n",
    "[alembic]\nscript_location = migrations\nrecursive_version_locations = false\n",
    "[alembic]\nscript_location = migrations\nversion_locations = a\npath_separator = comma\n",
    "[alembic]\nscript_location = migrations\nprepend_sys_path = .:src\n",
    "[alembic]\nscript_location = migrations\nprepend_sys_path = .:src\npath_separator = os\n",
    "[alembic]\nscript_location = migrations\nversion_locations =\n",
    "[DEFAULT]\nroot = %(here)s/db\n[alembic]\nscript_location = %(root)s/migrations\n",
    "[DEFAULT]\nscript_location = everywhere\n[alembic]\nprepend_sys_path = .\n",
    "[DEFAULT]\nhere = /elsewhere\n[alembic]\nscript_location = %(here)s/migrations\n",
    "[alembic]\nname = shop\nscript_location = %(NAME)s/migrations\n",
    "[alembic]\nscript_location = 100%%\n",
    "[alembic]\nscript_location = 100%\n",
    "[alembic]\nscript_location = %(nowhere)s\n",
    "[alembic]\nscript_location = %(script_location)s\n",
    "[alembic]\na = %(b)s\nb = %(a)s\nscript_location = %(a)s\n",
    "[alembic]\nscript_location = %(here)\n",
    "[alembic]\nscript_location = migrations\nscript_location = twice\n",
    "[alembic]\nscript_location = a\n[alembic]\nscript_location = b\n",
    "script_location = migrations\n[alembic]\n",
    "[alembic]\nscript_location\n",
    "[alembic]\n= migrations\n",
    "[alembic]\nscript_location = migrations\n  goes_on\n",
    "[alembic]\n  script_location = migrations\n  prepend_sys_path = .\n",
    "[other]\nscript_location = other\n",
    "[other]\nscript_location = other\n[alembic]\nscript_location = migrations\n",
    "[alembic] trailing\nscript_location = migrations\n",
    "[]\nscript_location = migrations\n",
    "[alembic]\nscript_location =\n",
    "[alembic]\nscript_location = a = b : c\n",
    "",
];

const TOMLS: &[&str] = &[
    "[tool.alembic]\nscript_location = \"%(here)s/migrations\"\n",
    "[tool.alembic]\nscript_location = \"toml\"\nversion_locations = [\"%(here)s/a\", \"b\"]\nrecursive_version_locations = true\nprepend_sys_path = [\".\"]\n",
    "[tool.alembic]\nscript_location = \"toml\"\nfile_template = \"%%(rev)s\"\n",
    "[tool.alembic]\nscript_location = \"100%\"\n",
    "[tool.alembic]\nscript_location = \"%(nowhere)s\"\n",
    "[tool.alembic]\nscript_location = \"toml\"\nrecursive_version_locations = \"true\"\n",
    "[tool.alembic]\nversion_locations = [\"only\"]\n",
    "[tool.other]\nx = 1\n",
    "[tool.alembic\n",
];

fn cases() -> Vec<Value> {
    let mut cases = Vec::new();
    for ini in INIS {
        for section in ["alembic", "other"] {
            cases.push(json!({ "ini": ini, "section": section }));
        }
    }
    for toml in TOMLS {
        cases.push(json!({ "toml": toml }));
        for ini in [INIS[0], INIS[6], INIS[21], "[alembic]\nprepend_sys_path = src\n", "[other]\nx = 1\n"] {
            cases.push(json!({ "ini": ini, "toml": toml }));
        }
    }
    cases
}

fn ours(case: &Value) -> Value {
    let source = |key: &str, file| case.get(key).and_then(Value::as_str).map(|text| Source { file, text, here: "/here" });
    let section = case.get("section").and_then(Value::as_str).unwrap_or("alembic");
    match settings(source("ini", "alembic.ini"), source("toml", "pyproject.toml"), section) {
        Ok(found) => json!({
            "script_location": found.script_location,
            "version_locations": found.version_locations,
            "recursive": found.recursive,
            "file_template": found.file_template,
            "prepend_sys_path": found.prepend_sys_path,
        }),
        Err(error) => {
            assert!(!error.hint().is_empty());
            Value::Null
        }
    }
}

#[test]
fn settings_mean_what_alembic_reads() {
    let cases = cases();
    let mut input = String::new();
    for case in &cases {
        writeln!(input, "{case}").unwrap();
    }
    let Some(said) = real_alembic::ask("settings.py", &[], &input) else { return };
    let theirs: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(theirs.len(), cases.len());
    let differ: Vec<String> = cases
        .iter()
        .zip(&theirs)
        .filter(|(case, theirs)| ours(case) != **theirs)
        .map(|(case, theirs)| format!("{case}\n  Alembic: {theirs}\n  ours:    {}", ours(case)))
        .collect();
    assert!(differ.is_empty(), "{} of {} differ:\n{}", differ.len(), cases.len(), differ.join("\n"));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let read = |ini: &str| settings(Some(Source { file: "alembic.ini", text: ini, here: "/here" }), None, "alembic").unwrap_err();
    let error = read("[alembic]\nscript_location = a\npassword correct-horse\n");
    assert!(error.to_string().contains("line 3"), "{error}");
    assert!(!error.to_string().contains("correct-horse"), "{error}");
    let error = read("[shop]\nscript_location = a\n[log]\nscript_location = b\n");
    assert_eq!(error.hint(), "give `section`: log, shop");
    let error = read("[alembic]\nscript_location = 100%\n");
    assert!(error.hint().contains("%%"));
}
