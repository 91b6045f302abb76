//! `ALTER TABLE`: each action meets a situation, and the whole is as dear as the worst of them.

use crate::effects::fact::{Fact, LockMode, Role};
use crate::effects::mysql::facts::{COPIED_FOR_LOCK_NONE, release};
use crate::effects::mysql::whole::Alter;
use crate::effects::mysql::{
    ALGORITHMS, LOCKS, breaks, column, copies, fact, fact_of, has_old_rows, keys, loses_stored, meets, missing, rank, takes, types,
};
use crate::effects::{Effect, Loss, Online, Place, When};
use crate::sql::catalog::{self};
use crate::sql::change::{AlterAction, AlterTable, Index, Name};

/// The effect of an `ALTER TABLE`.
pub fn alter(effect: &mut Effect, alter: &AlterTable, lenient: bool, place: &Place<'_>) {
    if missing(effect, "1146", &alter.table, alter.if_exists, place) {
        if alter.if_exists {
            meets(effect, "no_change", &alter.table, place);
        }
        return;
    }
    let table = place.catalog.table(&alter.table);
    let mut whole = Alter { effect, alter, place, table, lenient, parts: Vec::new() };
    refuse_versioned(&mut whole);
    for action in &alter.actions {
        one(&mut whole, action);
    }
    settle(&mut whole);
}

/// `CREATE INDEX`: an `ALTER TABLE` with one action; `replace` takes an old index of that name away.
pub fn create_index(effect: &mut Effect, alter: &AlterTable, index: &Index, replace: bool, place: &Place<'_>) {
    if missing(effect, "1146", &alter.table, false, place) {
        return;
    }
    let table = place.catalog.table(&alter.table);
    let mut whole = Alter { effect, alter, place, table, lenient: false, parts: Vec::new() };
    keys::add_index(&mut whole, index, replace);
    settle(&mut whole);
}

/// A system-versioned table takes no change of its columns, unless the session says otherwise.
fn refuse_versioned(whole: &mut Alter<'_, '_>) {
    let keeps = whole.place.catalog.setting("system_versioning_alter_history") == Some("keep");
    let versioned = whole.option("system versioning").is_some() && !keeps;
    let touches =
        whole.alter.actions.iter().any(|action| {
            matches!(action, AlterAction::AddColumn { .. } | AlterAction::DropColumn { .. } | AlterAction::ChangeColumn { .. })
        });
    if versioned && touches {
        let why = format!("`{}` is system-versioned: set `system_versioning_alter_history=KEEP` first", whole.name());
        whole.refuse("4119", why);
    }
}

fn one(whole: &mut Alter<'_, '_>, action: &AlterAction) {
    match action {
        AlterAction::AddColumn { column, if_not_exists } => column::add(whole, column, *if_not_exists),
        AlterAction::DropColumn { column, if_exists, .. } => column::drop(whole, column, *if_exists),
        AlterAction::RenameColumn { from, to } => column::rename(whole, from, to),
        AlterAction::ChangeColumn { from, column, if_exists } => column::change(whole, from, column, *if_exists),
        AlterAction::SetDefault { column, .. } | AlterAction::ColumnVisibility { column } => {
            if !column::missing(whole, column, "1054", whole.lenient) {
                if let AlterAction::SetDefault { default, .. } = action {
                    column::refuse_default_of(whole, column, default);
                }
                whole.part("column_default");
            }
        }
        AlterAction::DropDefault { column } => {
            if !column::missing(whole, column, "1054", whole.lenient) {
                whole.part("column_default");
                whole.lose(Loss::Low, format!("`{column}` has no default any more"));
            }
        }
        AlterAction::AddIndex(index) => keys::add_index(whole, index, false),
        AlterAction::AddConstraint(constraint) => keys::add_constraint(whole, constraint),
        AlterAction::DropIndex { name, if_exists } => keys::drop_index(whole, name, *if_exists),
        AlterAction::DropConstraint { name, if_exists, .. } => keys::drop_constraint(whole, name, *if_exists),
        AlterAction::DropForeignKey { name, if_exists } => keys::drop_foreign_key(whole, name, *if_exists),
        AlterAction::DropPrimaryKey => keys::drop_primary_key(whole),
        AlterAction::RenameIndex { from, to } => keys::rename_index(whole, from, to),
        AlterAction::AlterIndex { .. } => whole.part("index_visibility"),
        AlterAction::AlterConstraint { enforced, .. } => {
            whole.part(if *enforced == Some(true) { "add_check" } else { "drop_check" });
            if *enforced == Some(false) {
                whole.lose(Loss::Low, format!("a check of `{}` is not enforced any more", whole.name()));
            }
        }
        _ => table_action(whole, action),
    }
}

/// Actions on the table as a whole.
fn table_action(whole: &mut Alter<'_, '_>, action: &AlterAction) {
    match action {
        AlterAction::RenameTable { to } => rename(whole, to),
        AlterAction::ConvertCharset { charset, collation } => convert(whole, charset, collation.as_deref()),
        AlterAction::DefaultCharset => {
            whole.part(if whole.is_mariadb() { "table_option" } else { "default_charset" });
        }
        AlterAction::Engine { engine } => engine_change(whole, engine),
        AlterAction::Force => whole.part("rebuild"),
        AlterAction::OrderBy => whole.part("copy"),
        AlterAction::Keys { .. } => whole.part("keys"),
        AlterAction::TableOption { name, .. } => table_option(whole, name),
        AlterAction::Tablespace { import } => {
            whole.effect.online = None;
            if let Some(row) = fact(whole.effect, "truncate", whole.place) {
                takes(whole.effect, row, whole.name(), whole.place);
            }
            if !import && has_old_rows(whole.name(), whole.place) {
                whole.lose(Loss::High, format!("the rows of `{}` are thrown away with its tablespace", whole.name()));
            }
        }
        AlterAction::SystemVersioning { add: true } => whole.part("copy"),
        AlterAction::SystemVersioning { add: false } => {
            whole.part("drop_versioning");
            whole.lose(Loss::High, format!("the history of the rows of `{}` is gone", whole.name()));
        }
        AlterAction::PartitionBy | AlterAction::RemovePartitioning => repartition(whole, action),
        AlterAction::AddPartition { .. }
        | AlterAction::DropPartition { .. }
        | AlterAction::TruncatePartition
        | AlterAction::CoalescePartition
        | AlterAction::ReorganizePartition
        | AlterAction::ExchangePartition { .. }
        | AlterAction::PartitionMaintenance { .. } => partition(whole, action),
        AlterAction::Unknown { text } => {
            whole.effect.unknown.get_or_insert_with(|| format!("the part `{text}` is not known"));
        }
        _ => {
            whole.effect.unknown.get_or_insert_with(|| format!("{} has no such action", whole.place.server.dialect.title()));
        }
    }
}

fn rename(whole: &mut Alter<'_, '_>, to: &Name) {
    if whole.place.catalog.is_complete && whole.place.catalog.table(to).is_some() && to.name != whole.name().name {
        whole.refuse("1050", format!("table `{to}` already exists"));
        return;
    }
    whole.part("rename_table");
    breaks(whole.effect, "rename", whole.name(), format!("queries that name `{}`: it is `{to}` now", whole.name()), whole.place);
}

fn engine_change(whole: &mut Alter<'_, '_>, engine: &str) {
    if !ENGINES.contains(&engine) {
        whole.refuse("1286", format!("there is no storage engine `{engine}`"));
        return;
    }
    let same = whole.option("engine").unwrap_or("innodb") == engine;
    if engine != "innodb" {
        let owner = whole.table.is_some_and(|table| table.constraints.iter().any(|found| found.reference().is_some()));
        if owner || !whole.place.catalog.foreign_keys_to(whole.name()).is_empty() {
            let code = if whole.is_new_mysql() { "3776" } else { "1217" };
            whole.refuse(code, format!("`{}` has foreign keys, which `{engine}` does not keep", whole.name()));
            return;
        }
    }
    whole.part(if same && engine == "innodb" { "rebuild" } else { "copy" });
}

const ENGINES: &[&str] = &[
    "innodb",
    "myisam",
    "aria",
    "memory",
    "heap",
    "csv",
    "archive",
    "blackhole",
    "merge",
    "mrg_myisam",
    "federated",
    "ndb",
    "ndbcluster",
    "rocksdb",
    "connect",
    "sequence",
    "columnstore",
    "tokudb",
    "s3",
    "spider",
    "mroonga",
    "example",
    "federatedx",
    "oqgraph",
    "sphinx",
];

fn table_option(whole: &mut Alter<'_, '_>, name: &str) {
    whole.part(match name {
        "row_format" | "key_block_size" | "encrypted" => "rebuild",
        "encryption" | "compression" | "tablespace" => "copy",
        "period" => "copy",
        "page_compressed" | "page_compression_level" if whole.place.server.version.major >= 11 => "rebuild",
        _ => "table_option",
    });
}

/// `CONVERT TO CHARACTER SET`: the worst of all columns with characters.
fn convert(whole: &mut Alter<'_, '_>, charset: &str, collation: Option<&str>) {
    let Some(table) = whole.known() else {
        whole.part("copy");
        whole.misfit("1366", "characters that the new character set does not have");
        return;
    };
    let target = if charset == "default" || charset == "utf8" { "utf8mb3" } else { charset };
    let mut found = false;
    for column in &table.columns {
        let Some(data_type) = column.data_type.as_ref().filter(|data_type| types::has_characters(data_type)) else {
            continue;
        };
        found = true;
        let mut after = data_type.clone();
        after.charset = Some(target.to_owned());
        after.collation = collation.map(str::to_owned).or_else(|| data_type.collation.clone().filter(|_| data_type.charset.is_none()));
        let indexed = table.indexes_on(&column.name).next().is_some();
        let at = types::Surroundings { table: Some(table), dialect: whole.place.server.dialect, indexed };
        let change = types::type_change(data_type, &after, &at);
        let grows = types::is_long(data_type) && change.situations.iter().any(|found| found.starts_with("widen_charset"));
        let parts: Vec<&'static str> = if grows { vec!["copy"] } else { change.situations };
        whole.parts.extend(parts);
        for code in change.refused {
            whole.misfit(code, "characters that the new character set does not have");
        }
    }
    if !found || whole.parts.is_empty() {
        whole.part("table_option");
    }
}

fn repartition(whole: &mut Alter<'_, '_>, action: &AlterAction) {
    let owner = whole.table.is_some_and(|table| table.constraints.iter().any(|found| found.reference().is_some()));
    if matches!(action, AlterAction::PartitionBy) {
        if owner || !whole.place.catalog.foreign_keys_to(whole.name()).is_empty() {
            let code = if whole.is_mariadb() { "1217" } else { "1506" };
            whole.refuse(code, format!("`{}` has foreign keys: it cannot be partitioned", whole.name()));
            return;
        }
        whole.refuse_on_rows("1526", format!("rows of `{}` that fit into no partition stop it", whole.name()));
        if let Some(AlterAction::Unknown { .. }) = whole.alter.actions.first() {
            return;
        }
    }
    whole.part("copy");
}

fn partition(whole: &mut Alter<'_, '_>, action: &AlterAction) {
    if whole.known().is_some_and(|table| table.partition_by.is_none()) {
        whole.refuse("1505", format!("`{}` is not partitioned", whole.name()));
        return;
    }
    let hashed = whole.table.and_then(|table| table.partition_by.as_ref()).map(|(method, _)| matches!(method.as_str(), "hash" | "key"));
    let name = whole.name();
    let situation = match action {
        AlterAction::AddPartition { count } if hashed.unwrap_or(*count) => "partition_copy",
        AlterAction::AddPartition { .. } => {
            whole.effect.fail("1493", When::OnRows, "a range that is not above those before it stops it");
            "add_partition"
        }
        AlterAction::DropPartition { names } => {
            loses_stored(whole.effect, name, format!("the rows of `{}` in `{}` are gone", name, names_of(names)), whole.place);
            breaks(whole.effect, "drop_table", name, format!("queries for rows of `{name}` in {}", names_of(names)), whole.place);
            whole.effect.fail("1507", When::OnRows, "a partition that does not stand stops it");
            "drop_partition"
        }
        AlterAction::TruncatePartition => {
            loses_stored(whole.effect, name, format!("the rows of `{name}` in these partitions are gone"), whole.place);
            "partition_at_once"
        }
        AlterAction::ExchangePartition { with } => {
            if missing(whole.effect, "1146", with, false, whole.place) {
                return;
            }
            whole.refuse_on_rows("1737", format!("rows of `{with}` that do not belong into the partition stop it"));
            meets(whole.effect, "partition_at_once", with, whole.place);
            "partition_at_once"
        }
        AlterAction::PartitionMaintenance { word } if matches!(word.as_str(), "analyze" | "check" | "repair") => "partition_check",
        AlterAction::PartitionMaintenance { word } if word == "optimize" && !whole.is_mariadb() => "optimize_partition",
        _ => "partition_copy",
    };
    meets(whole.effect, situation, name, whole.place);
}

fn names_of(names: &[String]) -> String {
    names.join("`, `")
}

/// The parts become one: what cannot be done together at the cheapest, and what the table makes dearer.
fn settle(whole: &mut Alter<'_, '_>) {
    let partitions_only = whole.parts.is_empty() && whole.alter.actions.iter().any(has_no_clause);
    if partitions_only || whole.effect.always_fails() {
        whole.parts.clear();
        return;
    }
    if whole.parts.is_empty() {
        whole.part("no_change");
    }
    together(whole);
    let rows: Vec<&'static Fact> =
        std::mem::take(&mut whole.parts).into_iter().filter_map(|part| fact(whole.effect, part, whole.place)).collect();
    let several = rows.len() > 1;
    for row in &rows {
        // With another action beside it, a new name needs no lock of its own.
        if !(several && row.situation == "rename_table") {
            takes(whole.effect, row, whole.name(), whole.place);
        }
    }
    dearer(whole, &rows);
    clauses(whole);
}

const fn has_no_clause(action: &AlterAction) -> bool {
    matches!(
        action,
        AlterAction::AddPartition { .. }
            | AlterAction::DropPartition { .. }
            | AlterAction::TruncatePartition
            | AlterAction::CoalescePartition
            | AlterAction::ReorganizePartition
            | AlterAction::ExchangePartition { .. }
            | AlterAction::PartitionMaintenance { .. }
            | AlterAction::Tablespace { .. }
    )
}

/// Actions that together are more, or less, than the worst of them.
fn together(whole: &mut Alter<'_, '_>) {
    same_index(whole);
    let has = |parts: &[&'static str], part: &str| parts.contains(&part);
    let count = |parts: &[&'static str], part: &str| parts.iter().filter(|other| **other == part).count();
    let parts = whole.parts.clone();
    if has(&parts, "drop_primary_key") && has(&parts, "add_primary_key") {
        whole.parts.retain(|part| !matches!(*part, "drop_primary_key" | "add_primary_key"));
        whole.part("replace_primary_key");
    }
    if count(&parts, "add_fulltext_first") > 1 {
        if !whole.is_mariadb() {
            whole.refuse("1795", "InnoDB makes one FULLTEXT index at a time");
            return;
        }
        whole.part("add_fulltext_several");
    }
    let builds = parts.iter().any(|part| matches!(*part, "add_index" | "add_unique" | "add_foreign_key_unchecked"));
    let plain = parts.iter().any(|part| matches!(*part, "add_column" | "add_column_between" | "drop_column" | "move_column"));
    if whole.is_mariadb() {
        if has(&parts, "add_column_virtual") && parts.iter().any(|part| matches!(*part, "add_column" | "add_column_unique")) {
            whole.part("add_column_virtual_and_plain");
        } else if has(&parts, "add_column_virtual") && builds {
            whole.part("add_column_virtual_and_index");
        }
        if plain && builds {
            whole.part("add_column_rebuild");
        }
    } else {
        if has(&parts, "add_column_virtual") && builds {
            whole.part("add_column_virtual_and_index");
        }
        if plain && !whole.is_all_instant() {
            whole.part("add_column_rebuild");
        }
    }
}

impl Alter<'_, '_> {
    fn is_all_instant(&mut self) -> bool {
        let parts = self.parts.clone();
        let mut unused = Effect::default();
        parts.iter().all(|part| fact(&mut unused, part, self.place).is_none_or(|row| row.algorithm == "INSTANT"))
    }
}

/// `DROP INDEX a, ADD INDEX b` over the same columns is a new name for the old index.
fn same_index(whole: &mut Alter<'_, '_>) {
    let Some(table) = whole.table else {
        return;
    };
    let dropped: Vec<&Index> = whole
        .alter
        .actions
        .iter()
        .filter_map(|action| match action {
            AlterAction::DropIndex { name, .. } => table.index(name).map(|state| &state.index),
            _ => None,
        })
        .collect();
    let added: Vec<&Index> = whole
        .alter
        .actions
        .iter()
        .filter_map(|action| match action {
            AlterAction::AddIndex(index) => Some(index),
            _ => None,
        })
        .collect();
    let again =
        |index: &&Index| dropped.iter().any(|old| old.keys == index.keys && old.unique == index.unique && old.special == index.special);
    if !added.is_empty() && dropped.len() == added.len() && added.iter().all(again) {
        whole.parts.retain(|part| !matches!(*part, "drop_index" | "add_index" | "add_unique"));
        whole.part("replace_same_index");
    }
}

/// What the table has that makes it dearer.
fn dearer(whole: &mut Alter<'_, '_>, rows: &[&'static Fact]) {
    let mariadb = whole.is_mariadb();
    let shape_changes = rows.iter().any(|row| {
        row.algorithm == "INSTANT" && matches!(row.situation, "add_column" | "add_column_between" | "drop_column" | "move_column")
    });
    let rebuilds = rows.iter().any(|row| row.algorithm == "INPLACE" && copies(row) && row.situation != "add_fulltext_first");
    let fulltext = whole.has_special("fulltext");
    let mut more: Vec<&'static str> = Vec::new();
    if shape_changes {
        let hidden = whole.option(catalog::mysql::HAD_FULLTEXT).is_some();
        if whole.is_compressed() || hidden || fulltext && !mariadb {
            more.push("add_column_rebuild");
        }
        if mariadb && whole.has_virtual_index() {
            more.push("rebuild_with_virtual_index");
        }
    }
    let by_option = rows.iter().any(|row| row.situation == "rebuild");
    if fulltext && (shape_changes || rebuilds || by_option) {
        more.push("rebuild_with_fulltext");
    }
    let changes =
        rows.iter().any(|row| row.algorithm != "INSTANT" || row.situation.contains("add_column") || row.situation == "drop_column");
    if whole.is_other_engine() && changes {
        more.push("copy");
    }
    // Rows can only be thrown away while they are copied.
    if whole.alter.ignore && rows.iter().any(|row| row.algorithm == "COPY" || matches!(row.situation, "add_unique" | "add_primary_key")) {
        more.push("copy_ignoring");
    }
    for situation in more {
        meets(whole.effect, situation, whole.name(), whole.place);
    }
}

/// `ALGORITHM=` and `LOCK=` of the statement itself: refused where they are too cheap, obeyed where they are dearer.
fn clauses(whole: &mut Alter<'_, '_>) {
    let Some(online) = whole.effect.online else {
        return;
    };
    let asked = whole.alter.algorithm.as_deref().filter(|word| *word != "default");
    if let Some(word) = asked {
        let known = ALGORITHMS.iter().any(|other| other.eq_ignore_ascii_case(word));
        if !known || word == "nocopy" && !whole.is_mariadb() {
            whole.refuse("1800", format!("there is no algorithm `{word}` on {}", whole.place.server));
        } else if rank(ALGORITHMS, word) < rank(ALGORITHMS, online.algorithm) {
            let code = refusal_code(whole.effect);
            whole.refuse(code, format!("`ALGORITHM={}` is not possible here: it takes `{}`", word.to_uppercase(), online.algorithm));
        } else if word == "copy" {
            let name = whole.name();
            meets(whole.effect, "copy", name, whole.place);
        }
    }
    let lock = whole.alter.lock.as_deref().filter(|word| *word != "default");
    let copied = whole.effect.online.is_some_and(|online| online.algorithm == "COPY");
    if (copied || asked.is_none() && lock == Some("none")) && waits_only_in_place(whole) {
        let key = whole.place.catalog.key(whole.name());
        whole.effect.locks.retain(|held| held.table != key);
        whole.effect.online = None;
        let name = whole.name();
        meets(whole.effect, "copy", name, whole.place);
    }
    let Some(lock) = lock else {
        return;
    };
    let needed = whole.effect.online.map_or("NONE", |online| online.lock);
    if !whole.is_mariadb() && asked == Some("instant") {
        whole.refuse("1221", format!("MySQL takes no `LOCK={}` together with `ALGORITHM=INSTANT`", lock.to_uppercase()));
    } else if rank(LOCKS, lock) < rank(LOCKS, needed) {
        let code = refusal_code(whole.effect);
        whole.refuse(code, format!("`LOCK={}` is not possible here: it takes `{needed}`", lock.to_uppercase()));
    } else if let Some(mode) = [LockMode::OnlineNone, LockMode::OnlineShared, LockMode::OnlineExclusive].get(rank(LOCKS, lock))
        && !whole.place.catalog.is_new(whole.name())
    {
        let key = whole.place.catalog.key(whole.name());
        whole.effect.lock(key, *mode);
        whole.effect.online = whole.effect.online.map(|online| Online { lock: mode.words(), ..online });
    }
}

/// True when writers wait for what is done in place, and would not wait while the table is copied.
fn waits_only_in_place(whole: &Alter<'_, '_>) -> bool {
    let place = whole.place;
    let waits = |situation: &&&str| fact_of(situation, place).is_some_and(|row| row.mode(Role::Target) == Some(LockMode::OnlineShared));
    let mut waited_for = whole.effect.situations.iter().filter(waits);
    let copies_online = whole.is_mariadb() && release(place.server.dialect, place.server.version) >= (11, 2);
    let waits = whole.effect.online.is_some_and(|online| online.lock == "SHARED");
    copies_online && waits && waited_for.all(|situation| COPIED_FOR_LOCK_NONE.contains(situation))
}

/// 1846 names a reason, 1845 knows none.
fn refusal_code(effect: &Effect) -> &'static str {
    let with_reason = [
        "change_type",
        "narrow_type",
        "widen_varchar_across",
        "change_values",
        "change_charset",
        "add_index",
        "add_unique",
        "drop_index",
        "add_foreign_key",
        "add_fulltext",
        "add_fulltext_first",
        "gain_auto_increment",
        "add_column_auto_increment",
    ];
    if effect.situations.iter().any(|situation| with_reason.contains(situation)) { "1846" } else { "1845" }
}
