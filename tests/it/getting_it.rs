//! How the program is got and set up: the files of clients, the plugin, the bundle, what registries read.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use alembic_gate::hook::{MATCHER, WRITERS};
use serde_json::{Value, json};

use crate::mcp_client::{Client, PROGRAM, modern_meta};

const CLIENTS: &[(&str, &str, &str)] = &[
    ("claude", "project/.mcp.json", "mcpServers"),
    ("cursor", "project/.cursor/mcp.json", "mcpServers"),
    ("windsurf", "home/.codeium/windsurf/mcp_config.json", "mcpServers"),
    ("vscode", "project/.vscode/mcp.json", "servers"),
];

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for folder in ["home", "project"] {
        std::fs::create_dir(place.path().join(folder)).unwrap();
    }
    place
}

fn config(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.current_dir(place.join("project")).env("HOME", place.join("home")).arg("config").args(arguments).output().unwrap()
}

fn read(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn of_ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn s_006_a_client_finds_the_server_by_the_file_that_is_written() {
    for (client, file, holder) in CLIENTS {
        let place = place();
        let written = config(place.path(), &[client, "--write"]);
        assert!(written.status.success() && written.stdout.is_empty(), "{client}: {written:?}");
        let entry = read(place.path().join(file))[holder]["alembic-gate"].clone();
        assert_eq!(entry["command"], json!(PROGRAM), "{client}");
        let arguments: Vec<String> = serde_json::from_value(entry["args"].clone()).unwrap();
        assert_eq!(arguments[0], "serve");
        // The client puts the open folder there.
        let project = place.path().join("project").display().to_string();
        let given: Vec<String> = arguments[1..].iter().map(|word| word.replace("${workspaceFolder}", &project)).collect();
        let mut started = Client::silent(&given.iter().map(String::as_str).collect::<Vec<_>>());
        let answer = started.ask("server/discover", json!({ "_meta": modern_meta() }));
        assert_eq!(answer["result"]["serverInfo"]["name"].as_str().or(Some("alembic-gate")), Some("alembic-gate"), "{answer}");
        assert!(answer["result"]["capabilities"]["tools"].is_object(), "{answer}");

        let printed = config(place.path(), &[client]);
        assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), read(place.path().join(file)), "{client}");
    }
}

#[test]
fn s_006_what_else_stands_in_a_file_stays_in_its_order() {
    let place = place();
    let file = place.path().join("project/.mcp.json");
    let before = "{\n  \"zeta\": 1.50,\n  \"mcpServers\": {\n    \"other\": {\n      \"url\": \"http://127.0.0.1\",\n      \"a\": []\n    }\n  },\n  \"alpha\": null\n}\n";
    std::fs::write(&file, before).unwrap();
    assert!(config(place.path(), &["claude", "--write"]).status.success());
    let after = std::fs::read_to_string(&file).unwrap();
    let positions: Vec<usize> = ["zeta", "other", "alembic-gate", "alpha"].iter().map(|word| after.find(word).unwrap()).collect();
    assert!(positions.is_sorted(), "{after}");
    assert_eq!(read(file.clone())["mcpServers"]["other"]["url"], json!("http://127.0.0.1"));
    let again = config(place.path(), &["claude", "--write"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("already"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
}

#[test]
fn s_006_a_file_that_is_not_understood_is_left_as_it_is() {
    let place = place();
    let file = place.path().join("project/.vscode/mcp.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    for text in ["{ // servers\n \"servers\": {} }", "[1, 2]", "{\"servers\": 3}"] {
        std::fs::write(&file, text).unwrap();
        let refused = config(place.path(), &["vscode", "--write"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && said.contains("mcp.json") && said.contains("hint:"), "{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn s_006_a_server_over_http_is_named_without_a_token_in_the_file() {
    for (client, _, holder) in CLIENTS {
        let place = place();
        let printed = config(place.path(), &[client, "--url", "https://gate.example.org/mcp"]);
        let whole: Value = serde_json::from_slice(&printed.stdout).unwrap();
        let entry = &whole[holder]["alembic-gate"];
        let url = entry.get("serverUrl").or(entry.get("url")).unwrap();
        assert_eq!(url, &json!("https://gate.example.org/mcp"), "{client}");
        let sent = entry["headers"]["Authorization"].as_str().unwrap();
        assert!(sent.starts_with("Bearer ${") && sent.ends_with('}'), "{client}: {sent}");
        assert_eq!(config(place.path(), &[client, "--url", "https://me:geheim@host/mcp"]).status.code(), Some(2));
    }
}

#[test]
fn the_hook_is_written_once_beside_others() {
    let place = place();
    let file = place.path().join("project/.claude/settings.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let other = json!({ "matcher": "Bash", "hooks": [{ "type": "command", "command": "true" }] });
    std::fs::write(&file, json!({ "hooks": { "PreToolUse": [other] } }).to_string()).unwrap();
    for _ in 0..2 {
        assert!(config(place.path(), &["claude", "--hook", "--write"]).status.success());
        let hooks = read(file.clone())["hooks"]["PreToolUse"].clone();
        assert_eq!((hooks.as_array().unwrap().len(), &hooks[0]), (2, &other));
        assert_eq!(hooks[1]["hooks"][0]["command"], json!(format!("{PROGRAM} hook")));
    }
    assert_eq!(config(place.path(), &["cursor", "--hook"]).status.code(), Some(2));
}

#[test]
fn the_plugin_shows_the_hook_what_it_looks_at() {
    let words: Vec<&str> = MATCHER.split('|').collect();
    assert!(words.contains(&"Bash") && WRITERS.iter().all(|writer| words.contains(writer)), "{MATCHER}");
    let hooks = read(of_ours("plugin/hooks/hooks.json"))["hooks"]["PreToolUse"].clone();
    assert_eq!((&hooks[0]["matcher"], &hooks[0]["hooks"][0]["command"]), (&json!(MATCHER), &json!("alembic-gate hook")));
    let server = &read(of_ours("plugin/.mcp.json"))["mcpServers"]["alembic-gate"];
    assert_eq!((&server["command"], &server["args"][0]), (&json!("alembic-gate"), &json!("serve")));
    let skill = std::fs::read_to_string(of_ours("plugin/skills/alembic-migrations/SKILL.md")).unwrap();
    for tool in alembic_gate::tools::TOOLS {
        assert!(skill.contains(tool.name), "the skill does not name `{}`", tool.name);
    }
}

#[test]
fn one_version_stands_everywhere() {
    let version = json!(env!("CARGO_PKG_VERSION"));
    assert_eq!(read(of_ours("plugin/.claude-plugin/plugin.json"))["version"], version);
    assert_eq!(read(of_ours(".claude-plugin/marketplace.json"))["plugins"][0]["version"], version);
    assert_eq!(read(of_ours("packaging/mcpb/manifest.json"))["version"], version);
    let server = read(of_ours("server.json"));
    assert_eq!(server["version"], version);
    let image = server["packages"][0]["identifier"].as_str().unwrap();
    assert!(image.ends_with(&format!(":{}", env!("CARGO_PKG_VERSION"))), "{image}");
    let changes = std::fs::read_to_string(of_ours("CHANGELOG.md")).unwrap();
    assert!(changes.contains(&format!("## {}", env!("CARGO_PKG_VERSION"))));
}

/// The bounds of the registry's schema of 2025-12-11 (`server.schema.json`, definition ServerDetail).
#[test]
fn the_registry_takes_server_json() {
    let server = read(of_ours("server.json"));
    let (space, name) = server["name"].as_str().unwrap().split_once('/').unwrap();
    let fits = |text: &str, more: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    assert!(fits(space, ".-") && fits(name, "._-"));
    for field in ["title", "description"] {
        assert!((1..=100).contains(&server[field].as_str().unwrap().chars().count()), "{field}");
    }
    let package = &server["packages"][0];
    assert_eq!((&package["registryType"], &package["transport"]["type"]), (&json!("oci"), &json!("stdio")));
    let dockerfile = std::fs::read_to_string(of_ours("Dockerfile")).unwrap();
    assert!(dockerfile.contains(&format!("io.modelcontextprotocol.server.name={}", server["name"])), "the image names its server");
}

#[test]
fn s_006_snippets_of_the_readme_can_be_pasted() {
    let readme = std::fs::read_to_string(of_ours("README.md")).unwrap();
    let mut seen = 0;
    for block in readme.split("\n```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        match kind {
            "json" => drop(serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"))),
            "toml" => drop(toml::from_str::<toml::Table>(text).unwrap_or_else(|error| panic!("{error}: {text}"))),
            _ => continue,
        }
        seen += 1;
    }
    assert!(seen >= 3, "{seen} snippets");
}
