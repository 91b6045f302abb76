//! The schemas that clients see of a tool's input and output: portable, and short, for all of them are sent at once.
//!
//! `--help` has the whole sentence of a field; a field that several tools share has a shorter one here.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

/// What a field means that several tools take, for readers who see it in each of them.
pub const SHARED: &[(&str, &str)] = &[
    ("after", "Go on behind this index, after a cut answer."),
    ("config", "Ini file, if not alembic.ini."),
    ("deployed", "Git commit that runs now: its classes are tried on both sides."),
    ("detail", "Default: concise."),
    ("dialect", "Default: the project's, else postgresql."),
    ("downgrade_sql", "The way back, from the schema after `sql`."),
    ("environment", "As alembic-gate.toml names it. Example: staging"),
    ("from", "Revision in front of the range. Default: in front of what is pending."),
    ("max_block_ms", "Write block that the deploy tolerates. Default: 1000."),
    ("migration_id", "As an earlier answer named it."),
    ("project", "Folder of alembic.ini. Default: the current one."),
    ("section", "Ini section. Default: alembic."),
    ("server_version", "Example: \"16\". Default: the newest known."),
    ("setup_sql", "The schema before `sql`: CREATE statements; INSERT or COPY mark the tables that have rows."),
    ("state_block", "Of an earlier answer; its claims are checked."),
    ("table_stats", "Sizes: {\"orders\": {\"rows\": 8000000, \"bytes\": 6000000000}}. Unknown: long locks count as long."),
    ("to", "Last revision of the range. Default: head."),
];

/// An input's JSON schema in the form that all clients take.
#[must_use]
pub fn portable_schema<T: JsonSchema>() -> Value {
    schema_with_own::<T>(&[])
}

/// The same, where the fields `own` mean something of their own in this tool and keep their sentence.
#[must_use]
pub fn schema_with_own<T: JsonSchema>(own: &[&str]) -> Value {
    let mut schema = serde_json::to_value(schemars::schema_for!(T)).unwrap_or_default();
    let definitions = match schema.as_object_mut().and_then(|map| map.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    portable(&mut schema, &definitions);
    let Some(map) = schema.as_object_mut() else { return schema };
    for noise in ["$schema", "title", "description"] {
        map.remove(noise);
    }
    for (name, field) in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(field) = field.as_object_mut() {
            described(name, field, own.contains(&name.as_str()));
        }
    }
    schema
}

/// A field with its own sentence, or the short one of all; parts of a field speak for themselves.
fn described(name: &str, field: &mut Map<String, Value>, is_own: bool) {
    let sentence = field.remove("description");
    field.values_mut().for_each(without_descriptions);
    let short = SHARED.iter().find(|(shared, _)| !is_own && *shared == name).map(|(_, short)| Value::from(*short));
    if let Some(sentence) = short.or(sentence) {
        field.insert("description".to_owned(), sentence);
    }
}

fn without_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("description").is_some_and(Value::is_string) {
                map.remove("description");
            }
            map.values_mut().for_each(without_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_descriptions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Some clients warn of `format: uint32`, some drop `type: [a, null]`, some do not follow `$ref`: all are put in plain words.
fn portable(schema: &mut Value, definitions: &Map<String, Value>) {
    match schema {
        Value::Object(map) => {
            inlined(map, definitions);
            for noise in ["format", "$schema"] {
                map.remove(noise);
            }
            map.retain(|key, value| !(key == "minimum" && *value == json!(0)) && !(key == "default" && value.is_null()));
            chosen_from(map);
            never_null(map, definitions);
            map.values_mut().for_each(|value| portable(value, definitions));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| portable(item, definitions)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts a definition in the place that points at it. No input of ours holds itself.
fn inlined(map: &mut Map<String, Value>, definitions: &Map<String, Value>) {
    while let Some(Value::String(path)) = map.remove("$ref") {
        let definition = path.strip_prefix("#/$defs/").and_then(|name| definitions.get(name)).and_then(Value::as_object);
        for (key, value) in definition.into_iter().flatten() {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Words to choose from, in the short form; what each means stands in the tool's page.
fn chosen_from(map: &mut Map<String, Value>) {
    let words = |choices: &Vec<Value>| choices.iter().map(|choice| choice.get("const").cloned()).collect::<Option<Vec<Value>>>();
    if let Some(words) = map.get("oneOf").and_then(Value::as_array).and_then(words) {
        map.remove("oneOf");
        map.insert("type".to_owned(), json!("string"));
        map.insert("enum".to_owned(), Value::Array(words));
    }
}

/// Every field may be left out: that it may be null need not be said.
fn never_null(map: &mut Map<String, Value>, definitions: &Map<String, Value>) {
    if let Some(types) = map.get("type").and_then(Value::as_array) {
        let plain: Vec<Value> = types.iter().filter(|word| *word != "null").cloned().collect();
        if let [one] = plain.as_slice() {
            map.insert("type".to_owned(), one.clone());
        }
    }
    let Some(choices) = map.get("anyOf").and_then(Value::as_array) else { return };
    let plain: Vec<Value> = choices.iter().filter(|choice| choice.get("type") != Some(&json!("null"))).cloned().collect();
    if let [Value::Object(one)] = plain.as_slice() {
        map.remove("anyOf");
        for (key, value) in one {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
        inlined(map, definitions);
        chosen_from(map);
    }
}

/// A schema for outputs: only `verdict` and `summary` are required, since errors have no more.
#[must_use]
pub fn output_schema(fields: &[(&str, &[&str])]) -> Value {
    const COMMON: &[(&str, &[&str])] = &[
        ("verdict", &["string"]),
        ("summary", &["string"]),
        ("state", &["object", "null"]),
        ("state_block", &["string", "null"]),
        ("state_overrides", &["array"]),
        ("next", &["array"]),
        ("assumed", &["array"]),
        ("notes", &["array"]),
        ("suggested_queries", &["array"]),
        ("truncated", &["object", "null"]),
        ("error", &["object"]),
    ];
    let mut properties = Map::new();
    for (name, types) in COMMON.iter().chain(fields) {
        let schema = match types {
            [one] => json!({ "type": one }),
            // What may be null has no type: clients drop lists of types, and `anyOf` would take a tenth of the whole list.
            // Where it is not null it is not empty either.
            several if several.contains(&"object") => json!({ "minProperties": 1 }),
            several if several.contains(&"string") => json!({ "minLength": 1 }),
            _ => json!({ "minimum": 0 }),
        };
        properties.insert((*name).to_owned(), schema);
    }
    json!({ "type": "object", "properties": properties, "required": ["verdict", "summary"] })
}
