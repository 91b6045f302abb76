//! `alembic-gate.toml`: the whole form is read, what does not belong there is refused with the mend.

use std::path::PathBuf;

use alembic_gate::config::{Config, ConfigError, Runner};
use alembic_gate::dialect::Dialect;
use alembic_gate::lifecycle::approval::{Level, Tier};
use alembic_gate::project::{Downgrades, Heads};

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::of(text, PathBuf::from("alembic-gate.toml"))
}

#[test]
fn the_whole_form_is_read() {
    let config = read(
        r#"
        [project]
        python = ".venv/bin/python"
        config = "alembic.ini"
        section = "alembic"
        runner = "thread"
        hook = "gate_hook.py"
        env = { DATABASE_URL = "{scratch_url}" }
        heads = ["expand", "contract"]
        downgrades = "none"
        [environments.production]
        tier = "production"
        url_env = "PROD_URL"
        read_url_env = "PROD_READ_URL"
        server = { dialect = "postgresql", version = "16" }
        [dev_servers.local]
        url_env = "DEV_SERVER_URL"
        [rules]
        index_without_concurrently = { severity = "notice", because = "tables under 10,000 rows" }
        [policy]
        level = { medium = "L1", production = "L3" }
        "#,
    )
    .unwrap();
    assert_eq!(config.project.runner, Runner::Thread);
    assert_eq!(config.project.heads, Some(Heads::Labels(vec!["expand".to_owned(), "contract".to_owned()])));
    assert_eq!(config.project.downgrades, Some(Downgrades::None));
    let production = &config.environments["production"];
    assert_eq!((production.tier, production.url_env.as_deref()), (Tier::Production, Some("PROD_URL")));
    let server = production.server.clone().unwrap();
    assert_eq!((server.dialect, server.server().version.major), (Dialect::Postgresql, 16));
    assert_eq!((config.policy.level.medium, config.policy.level.high, config.policy.level.production), (Level::L1, Level::L2, Level::L3));
}

/// A second name for what production's variable holds is no way around what production asks for.
#[test]
fn two_environments_of_one_variable_are_both_the_more_serious() {
    let text = "[environments.production]\ntier = \"production\"\nurl_env = \"PROD_URL\"\n\
         [environments.play]\ntier = \"dev\"\nurl_env = \"PROD_URL\"\n[environments.own]\ntier = \"dev\"\nurl_env = \"OWN_URL\"\n";
    let config = read(text).unwrap();
    assert_eq!(
        ["production", "play", "own"].map(|name| config.environment(name).unwrap().tier),
        [Tier::Production, Tier::Production, Tier::Dev]
    );
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(read("").unwrap(), Config::default());
    assert_eq!(read("[project]\nheads = 2\n").unwrap().project.heads, Some(Heads::Count(2)));
}

#[test]
fn a_url_is_refused_and_not_shown() {
    for text in [
        "[environments.production]\ntier = \"production\"\nurl = \"postgresql://app:correct-horse@db/app\"\n",
        "[environments.production]\ntier = \"production\"\nurl_env = \"postgresql://app:correct-horse@db/app\"\n",
        "[dev_servers.local]\nurl_env = \"mysql+pymysql://app:correct-horse@db/app\"\n",
        "[project]\nenv = { DATABASE_URL = \"sqlite:///correct-horse.db\" }\n",
        "[project]\nenv = { BROKER = \"amqp://app:correct-horse@queue\" }\n",
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, ConfigError::HoldsUrl { .. }), "{text}: {error}");
        let said = format!("{error} {} {error:?}", error.hint());
        assert!(!said.contains("correct-horse"), "{said}");
        assert!(error.hint().contains("url_env"), "{}", error.hint());
    }
    read("[project]\nenv = { DATABASE_URL = \"{scratch_url}\", PROXY = \"http://localhost:8080\" }\n").unwrap();
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (text, word) in [
        ("[project]\npyhton = \"python3\"\n", "pyhton"),
        ("[environment.production]\ntier = \"production\"\n", "environment"),
        ("[environments.production]\ntier = \"live\"\n", "live"),
        ("[environments.production]\nurl_env = \"PROD_URL\"\n", "tier"),
        ("[environments.production]\ntier = \"dev\"\nserver = { dialect = \"postgresql\", version = \"new\" }\n", "new"),
        ("[dev_servers.local]\nurl_env = \"DEV-URL\"\n", "dev_servers.local.url_env"),
        ("[policy]\nlevel = { high = \"L9\" }\n", "L9"),
        ("[project]\nheads = 0\n", "heads"),
        ("[project]\nheads = [\"a\", \"a\"]\n", "twice"),
        ("[project]\ndowngrades = \"maybe\"\n", "maybe"),
        ("[rules]\nno_such_rule = { severity = \"notice\", because = \"x\" }\n", "no_such_rule"),
    ] {
        let error = read(text).unwrap_err();
        let said = format!("{error} {}", error.hint());
        assert!(said.contains(word), "{text}: {said}");
    }
}
