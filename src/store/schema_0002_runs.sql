-- Work that takes long. Who does it holds its row locked; a row that is neither ended nor locked was broken off.
CREATE TABLE alembic_gate_store.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text NOT NULL,
    -- The digest of tool and arguments: the same work is done once at a time.
    work text NOT NULL,
    tool text NOT NULL,
    replica text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    outcome text
);
CREATE UNIQUE INDEX run_open ON alembic_gate_store.run (project, work) WHERE ended_at IS NULL;
