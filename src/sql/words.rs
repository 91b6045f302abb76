//! The words of the contract for kinds of statements: one list, from which output, schema and docs are made.

use serde::{Serialize, Serializer};

macro_rules! words {
    ($(#[$about:meta])* $name:ident: $($variant:ident $word:literal),+ $(,)?) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum $name { $($variant),+ }

        impl $name {
            /// All of them, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands for it in answers.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

words! {
    /// What a statement is.
    Kind:
    AlterAggregate "alter_aggregate", AlterCollation "alter_collation", AlterConversion "alter_conversion",
    AlterDatabase "alter_database", AlterDefaultPrivileges "alter_default_privileges", AlterDomain "alter_domain",
    AlterEvent "alter_event", AlterEventTrigger "alter_event_trigger", AlterExtension "alter_extension",
    AlterForeignDataWrapper "alter_foreign_data_wrapper", AlterForeignTable "alter_foreign_table", AlterFunction "alter_function",
    AlterIndex "alter_index", AlterLanguage "alter_language", AlterLargeObject "alter_large_object",
    AlterMaterializedView "alter_materialized_view", AlterOperator "alter_operator", AlterOperatorClass "alter_operator_class",
    AlterOperatorFamily "alter_operator_family", AlterPolicy "alter_policy", AlterProcedure "alter_procedure",
    AlterPublication "alter_publication", AlterRole "alter_role", AlterRule "alter_rule", AlterSchema "alter_schema",
    AlterSequence "alter_sequence", AlterServer "alter_server", AlterStatistics "alter_statistics",
    AlterSubscription "alter_subscription", AlterSystem "alter_system", AlterTable "alter_table", AlterTableAll "alter_table_all",
    AlterTablespace "alter_tablespace", AlterTrigger "alter_trigger", AlterTsConfig "alter_ts_config", AlterType "alter_type",
    AlterUser "alter_user", AlterUserMapping "alter_user_mapping", AlterView "alter_view", Analyze "analyze", Attach "attach",
    Begin "begin", BeginTry "begin_try", Call "call", Checkpoint "checkpoint", Close "close", Cluster "cluster", Comment "comment",
    Commit "commit", CommitPrepared "commit_prepared", Copy "copy", CreateAccessMethod "create_access_method", CreateAggregate "create_aggregate",
    CreateCast "create_cast", CreateCollation "create_collation", CreateConversion "create_conversion", CreateDatabase "create_database",
    CreateDomain "create_domain", CreateEvent "create_event", CreateEventTrigger "create_event_trigger",
    CreateExtension "create_extension", CreateForeignDataWrapper "create_foreign_data_wrapper", CreateForeignTable "create_foreign_table",
    CreateFunction "create_function", CreateIndex "create_index", CreateLanguage "create_language",
    CreateMaterializedView "create_materialized_view", CreateOperator "create_operator", CreateOperatorClass "create_operator_class",
    CreateOperatorFamily "create_operator_family", CreatePolicy "create_policy", CreateProcedure "create_procedure",
    CreatePublication "create_publication", CreateRole "create_role", CreateRule "create_rule", CreateSchema "create_schema",
    CreateSequence "create_sequence", CreateServer "create_server", CreateStatistics "create_statistics",
    CreateSubscription "create_subscription", CreateSynonym "create_synonym", CreateTable "create_table", CreateTableAs "create_table_as",
    CreateTablespace "create_tablespace", CreateTransform "create_transform", CreateTrigger "create_trigger",
    CreateTsConfig "create_ts_config", CreateType "create_type", CreateUser "create_user", CreateUserMapping "create_user_mapping",
    CreateView "create_view", CreateVirtualTable "create_virtual_table", Deallocate "deallocate", Declare "declare", Delete "delete", Detach "detach",
    Discard "discard", DoBlock "do_block", DropAccessMethod "drop_access_method", DropAggregate "drop_aggregate", DropCast "drop_cast",
    DropCollation "drop_collation", DropConversion "drop_conversion", DropDatabase "drop_database", DropDomain "drop_domain", DropEvent "drop_event",
    DropEventTrigger "drop_event_trigger", DropExtension "drop_extension", DropForeignDataWrapper "drop_foreign_data_wrapper",
    DropForeignTable "drop_foreign_table", DropFunction "drop_function", DropIndex "drop_index", DropLanguage "drop_language",
    DropMaterializedView "drop_materialized_view", DropOperator "drop_operator", DropOperatorClass "drop_operator_class",
    DropOperatorFamily "drop_operator_family", DropOwned "drop_owned", DropPolicy "drop_policy", DropProcedure "drop_procedure",
    DropPublication "drop_publication", DropRole "drop_role", DropRule "drop_rule", DropSchema "drop_schema",
    DropSequence "drop_sequence", DropServer "drop_server", DropStatistics "drop_statistics", DropSubscription "drop_subscription",
    DropSynonym "drop_synonym", DropTable "drop_table", DropTablespace "drop_tablespace", DropTransform "drop_transform", DropTrigger "drop_trigger",
    DropTsConfig "drop_ts_config", DropType "drop_type", DropUser "drop_user", DropUserMapping "drop_user_mapping", DropView "drop_view",
    Exec "exec", Execute "execute", Explain "explain", Fetch "fetch", Flush "flush", Grant "grant", GrantRole "grant_role", If "if", ImportForeignSchema "import_foreign_schema", Insert "insert",
    Listen "listen", Load "load", LoadData "load_data", LockTable "lock_table", Merge "merge", Notify "notify",
    OptimizeTable "optimize_table", Pragma "pragma", Prepare "prepare", PrepareTransaction "prepare_transaction", Print "print", ReassignOwned "reassign_owned",
    RefreshMaterializedView "refresh_materialized_view", Reindex "reindex", Release "release", RenameTable "rename_table",
    RepairTable "repair_table", Replace "replace", Reset "reset", Revoke "revoke", RevokeRole "revoke_role", Rollback "rollback",
    RollbackPrepared "rollback_prepared", Savepoint "savepoint", SecurityLabel "security_label", Select "select", Set "set",
    SetConstraints "set_constraints", SetRole "set_role", SetSessionAuthorization "set_session_authorization", Show "show",
    Truncate "truncate", Unknown "unknown", Unlisten "unlisten", UnlockTables "unlock_tables", Update "update", Use "use", Vacuum "vacuum",
    While "while",
}

words! {
    /// What one part of an `ALTER` does.
    Action:
    AddAttribute "add_attribute", AddColumn "add_column", AddConstraint "add_constraint", AddEnumValue "add_enum_value",
    AddIdentity "add_identity", AddIndex "add_index", AddPartition "add_partition", AddPeriod "add_period", AddSystemVersioning "add_system_versioning",
    Alter "alter", AlterAttribute "alter_attribute",
    AlterColumn "alter_column", AlterColumnType "alter_column_type", AlterConstraint "alter_constraint", AlterIndex "alter_index",
    AttachPartition "attach_partition", AutoIncrement "auto_increment", ChangeColumn "change_column", ChangeTracking "change_tracking", ClusterOn "cluster_on",
    CoalescePartition "coalesce_partition", Comment "comment", ConvertCharset "convert_charset", DefaultCharset "default_charset",
    DependsOnExtension "depends_on_extension", DetachPartition "detach_partition", Disable "disable",
    DisableConstraint "disable_constraint", DisableKeys "disable_keys", DisableRls "disable_rls", DisableRule "disable_rule",
    DisableTrigger "disable_trigger", DiscardTablespace "discard_tablespace", DropAttribute "drop_attribute", DropColumn "drop_column",
    DropConstraint "drop_constraint", DropDefault "drop_default", DropExpression "drop_expression", DropForeignKey "drop_foreign_key",
    DropIdentity "drop_identity", DropIndex "drop_index", DropNotNull "drop_not_null", DropPartition "drop_partition",
    DropPrimaryKey "drop_primary_key", DropSystemVersioning "drop_system_versioning", Enable "enable", EnableConstraint "enable_constraint", EnableKeys "enable_keys", EnableRls "enable_rls", EnableRule "enable_rule",
    EnableTrigger "enable_trigger", Engine "engine", ExchangePartition "exchange_partition", Force "force", ForceRls "force_rls",
    ImportTablespace "import_tablespace", Inherit "inherit", MergePartitions "merge_partitions", ModifyColumn "modify_column", NoForceRls "no_force_rls", NoInherit "no_inherit",
    NotOf "not_of", OfType "of_type", Options "options", OrderBy "order_by", OwnedBy "owned_by", OwnerTo "owner_to",
    PartitionBy "partition_by", PartitionMaintenance "partition_maintenance", Rebuild "rebuild", RemovePartitioning "remove_partitioning", Rename "rename",
    RenameAttribute "rename_attribute", RenameColumn "rename_column", RenameConstraint "rename_constraint", RenameEnumValue "rename_enum_value",
    RenameIndex "rename_index", RenameTable "rename_table", RenameType "rename_type", ReorganizePartition "reorganize_partition",
    ReplicaIdentity "replica_identity", ResetColumnOptions "reset_column_options", ResetOptions "reset_options",
    ResetStorageParams "reset_storage_params", Restart "restart", Set "set", SetAccessMethod "set_access_method",
    SetColumnOptions "set_column_options", SetCompression "set_compression", SetDefault "set_default", SetExpression "set_expression",
    SetIdentity "set_identity", SetLogged "set_logged", SetNotNull "set_not_null", SetOptions "set_options", SetSchema "set_schema",
    SetStatistics "set_statistics", SetStorage "set_storage", SetStorageParams "set_storage_params", SetTablespace "set_tablespace",
    SetUnlogged "set_unlogged", SetWithoutCluster "set_without_cluster", SetWithoutOids "set_without_oids", SplitPartition "split_partition",
    SwitchPartition "switch_partition", TableOptions "table_options", TruncatePartition "truncate_partition", Unknown "unknown",
    Update "update", ValidateConstraint "validate_constraint",
}

/// The kind called `verb_object` (`create` + `table`), if there is one.
#[must_use]
pub fn kind_named(verb: &str, object: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.word().strip_prefix(verb).and_then(|rest| rest.strip_prefix('_')) == Some(object))
}
