-- One row a migration: who writes its record holds this row.
CREATE TABLE alembic_gate_store.migration (
    project text NOT NULL,
    id text NOT NULL,
    PRIMARY KEY (project, id)
);
-- The texts of a record under the names they have in a folder: `ledger.jsonl`, `state.json`, `evidence/review-….json`.
CREATE TABLE alembic_gate_store.record (
    project text NOT NULL,
    migration text NOT NULL,
    name text NOT NULL,
    content text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, migration, name),
    FOREIGN KEY (project, migration) REFERENCES alembic_gate_store.migration (project, id)
);
