//! Real projects as a user meets them: their status, the review of their last ten revisions and a new revision, with
//! their own Python and Alembic. `tests/corpora/install` brings them at the pins beside it; what is not there is skipped.
//!
//! The counts of differences were measured with `alembic check` after `alembic upgrade heads` on PostgreSQL; optuna has one
//! more: its enum `trialstate` lacks the model's `WAITING`, which Alembic does not compare.

use std::path::{Path, PathBuf};

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::SqlInput;
use alembic_gate::tools::{migration_status, review_sql};
use serde_json::Value;
use tempfile::TempDir;

use crate::ranges::has_postgresql;

/// What a user of the package would write into its folder.
#[derive(Clone)]
pub struct Recipe {
    /// The pins: `tests/corpora/<package>.txt`.
    pub package: &'static str,
    /// Below `site-packages`.
    pub script_location: &'static str,
    /// More of the ini file, below `[alembic]`; `{site}` is `site-packages`.
    ini: &'static str,
    /// `[project]` beside the Python.
    settings: &'static str,
    hook: Option<&'static str>,
    revisions: u64,
    differences: usize,
    /// What is reviewed: behind which revision, up to which.
    range: (&'static str, &'static str),
    rendered_by: &'static str,
    /// Its statements, up and down.
    statements: (usize, usize),
}

const PRODUCTION: &str = "sqlalchemy.url = postgresql+psycopg://nobody@production.invalid/production\n";

pub fn site_packages(package: &str) -> Option<(PathBuf, PathBuf)> {
    let tools = [PathBuf::from("/var/tmp/alembic-gate-tools"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.tools")];
    let named = std::env::var_os("ALEMBIC_GATE_PYTHONS").map(PathBuf::from);
    let folder = named.into_iter().chain(tools).map(|folder| folder.join(format!("corpus-{package}"))).find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED: {package} is not installed (`tests/corpora/install {package}`)");
        return None;
    };
    let site = glob::glob(&format!("{}/lib/python3*/site-packages", folder.display())).unwrap().next()?.unwrap();
    Some((folder.join("bin/python"), site))
}

/// The package as a project in a folder of its own.
pub fn project(recipe: &Recipe) -> Option<TempDir> {
    let (python, site) = site_packages(recipe.package)?;
    if !has_postgresql() {
        return None;
    }
    let folder = TempDir::new().unwrap();
    let ini = recipe.ini.replace("{site}", &site.display().to_string());
    let scripts = site.join(recipe.script_location);
    std::fs::write(folder.path().join("alembic.ini"), format!("[alembic]\nscript_location = {}\n{ini}", scripts.display())).unwrap();
    let hook = recipe.hook.map_or("", |_| "hook = \"gate_hook.py\"\n");
    let settings = format!("[project]\npython = {:?}\n{hook}{}", python.display().to_string(), recipe.settings);
    std::fs::write(folder.path().join("alembic-gate.toml"), settings).unwrap();
    if let Some(text) = recipe.hook {
        std::fs::write(folder.path().join("gate_hook.py"), text).unwrap();
    }
    Some(folder)
}

/// Status and the review of the last ten revisions; nothing of the project is written.
fn met(recipe: &Recipe) {
    let Some(folder) = project(recipe) else { return };
    let path = Some(folder.path().display().to_string());
    let settings = Settings::default();
    let call = Call::local(&settings);
    let asked = migration_status::Input { project: path.clone(), ..Default::default() };
    let status = Value::Object(migration_status::run(&asked, &call, None).output);
    assert_eq!(status["chain"]["length"], recipe.revisions, "{status:#}");
    let drift = status["drift"]["items"].as_array().unwrap_or_else(|| panic!("{status:#}"));
    assert_eq!(drift.len(), recipe.differences, "{drift:#?}");
    assert!(drift.iter().all(|item| item["likely_cause"].as_str().is_some_and(|cause| !cause.is_empty())));
    let (from, to) = recipe.range;
    let asked = SqlInput { project: path, from: Some(from.to_owned()), to: Some(to.to_owned()), ..SqlInput::default() };
    let review = Value::Object(review_sql::run(&asked, Default::default(), &call, None).output);
    assert_eq!(review["rendered_by"], recipe.rendered_by, "{review:#}");
    let why = review["notes"].to_string();
    assert!(recipe.rendered_by == "alembic_offline" || why.contains(".py` line ") && why.contains("without a database"), "{why}");
    let placed = |statements: &Value| {
        let statements = statements.as_array().unwrap();
        let bare = statements.iter().find(|one| one["file"].is_null() || one["line"].is_null() || one["revision"].is_null());
        assert!(bare.is_none(), "{bare:#?}");
        statements.len()
    };
    assert_eq!((placed(&review["statements"]), placed(&review["downgrade"]["statements"])), recipe.statements, "{}", review["summary"]);
    // What ran on a server is not said to fail there.
    let findings = review["findings"].as_array().unwrap();
    let refused: Vec<&Value> = findings.iter().filter(|found| found["rule"] == "will_fail" && found["statement"].is_number()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(findings.iter().all(|found| found["rule"] != "not_understood"), "{findings:#?}");
}

pub const OPTUNA: Recipe = Recipe {
    package: "optuna",
    script_location: "optuna/storages/_rdb/alembic",
    ini: PRODUCTION,
    settings: "",
    hook: None,
    revisions: 10,
    differences: 5,
    range: ("head-10", "head"),
    rendered_by: "scratch_execution",
    statements: (50, 7),
};

pub const PREFECT: Recipe = Recipe {
    package: "prefect",
    script_location: "prefect/server/database/_migrations",
    ini: "version_locations = {site}/prefect/server/database/_migrations/versions/postgresql\n",
    settings: "runner = \"thread\"\nenv = { PREFECT_SERVER_DATABASE_CONNECTION_URL = \"{scratch_url+asyncpg}\" }\n",
    hook: None,
    revisions: 118,
    differences: 9,
    range: ("head-10", "head"),
    rendered_by: "scratch_execution",
    statements: (17, 11),
};

pub const MLFLOW: Recipe = Recipe {
    package: "mlflow",
    script_location: "mlflow/store/db_migrations",
    ini: PRODUCTION,
    settings: "",
    // Its first revision takes the tables of its oldest release for granted.
    hook: Some(
        "def prepare(scratch_url):\n    import sqlalchemy\n    from mlflow.store.tracking.dbmodels.initial_models import Base\n\n    \
         Base.metadata.create_all(sqlalchemy.create_engine(scratch_url, poolclass=sqlalchemy.pool.NullPool))\n",
    ),
    revisions: 67,
    differences: 14,
    range: ("head-10", "head"),
    rendered_by: "scratch_execution",
    statements: (88, 79),
};

pub const PHOENIX: Recipe = Recipe {
    package: "phoenix",
    script_location: "phoenix/db/migrations",
    ini: "",
    settings: "env = { PHOENIX_SQL_DATABASE_URL = \"{scratch_url}\" }\n",
    hook: None,
    revisions: 35,
    differences: 88,
    range: ("head-10", "head"),
    rendered_by: "scratch_execution",
    statements: (113, 82),
};

pub const LANGFLOW: Recipe = Recipe {
    package: "langflow",
    script_location: "langflow/alembic",
    ini: PRODUCTION,
    settings: "",
    hook: None,
    revisions: 41,
    differences: 1,
    range: ("head-10", "head"),
    rendered_by: "scratch_execution",
    statements: (15, 11),
};

const AIRFLOW: Recipe = Recipe {
    package: "airflow",
    script_location: "airflow/migrations",
    ini: PRODUCTION,
    settings: "env = { AIRFLOW__DATABASE__SQL_ALCHEMY_CONN = \"{scratch_url+psycopg2}\", AIRFLOW_HOME = \"airflow-home\" }\n",
    hook: None,
    revisions: 124,
    differences: 0,
    range: ("head-10", "head"),
    rendered_by: "alembic_offline",
    statements: (18, 16),
};

/// Two heads for ever, and no downgrades.
const KEYSTONE: Recipe = Recipe {
    package: "keystone",
    script_location: "keystone/common/sql/migrations",
    ini: "recursive_version_locations = true\nsqlalchemy.url = postgresql+psycopg://nobody@production.invalid/production\n",
    settings: "heads = [\"expand\", \"contract\"]\ndowngrades = \"none\"\n",
    hook: Some("import keystone.conf\n\nkeystone.conf.configure()\n"),
    revisions: 10,
    differences: 54,
    range: ("base", "heads"),
    rendered_by: "scratch_execution",
    statements: (81, 0),
};

const NOVA: Recipe = Recipe {
    package: "nova",
    script_location: "nova/db/main/migrations",
    ini: PRODUCTION,
    settings: "downgrades = \"none\"\n",
    hook: None,
    revisions: 10,
    differences: 0,
    range: ("head-10", "head"),
    rendered_by: "scratch_execution",
    statements: (240, 0),
};

const CINDER: Recipe = Recipe {
    package: "cinder",
    script_location: "cinder/db/migrations",
    ini: PRODUCTION,
    settings: "downgrades = \"none\"\n",
    hook: None,
    revisions: 8,
    differences: 7,
    range: ("base", "head"),
    rendered_by: "scratch_execution",
    statements: (102, 0),
};

pub const PREFECT_SQLITE: Recipe = Recipe {
    ini: "sqlalchemy.url = sqlite:///production.db\nversion_locations = {site}/prefect/server/database/_migrations/versions/sqlite\n",
    settings: "runner = \"thread\"\nenv = { PREFECT_SERVER_DATABASE_CONNECTION_URL = \"{scratch_url+aiosqlite}\" }\n",
    revisions: 113,
    ..PREFECT
};

/// The same project with a SQLite file for its database; `env.py` of the last two wants a driver that is asynchronous.
pub fn on_sqlite(recipe: &Recipe) -> Recipe {
    let ini = match recipe.package {
        "langflow" | "phoenix" => "sqlalchemy.url = sqlite+aiosqlite:///production.db\n",
        _ => "sqlalchemy.url = sqlite:///production.db\n",
    };
    Recipe { ini, ..recipe.clone() }
}

#[test]
fn optuna_is_met() {
    met(&OPTUNA);
}

#[test]
fn prefect_is_met() {
    met(&PREFECT);
}

#[test]
fn mlflow_is_met() {
    met(&MLFLOW);
}

#[test]
fn phoenix_is_met() {
    met(&PHOENIX);
}

#[test]
fn langflow_is_met() {
    met(&LANGFLOW);
}

#[test]
fn airflow_is_met() {
    met(&AIRFLOW);
}

#[test]
fn keystone_is_met() {
    met(&KEYSTONE);
}

#[test]
fn nova_is_met() {
    met(&NOVA);
}

#[test]
fn cinder_is_met() {
    met(&CINDER);
}
