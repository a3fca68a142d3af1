-- A client that sends a metric again must not make two of it: its equal is looked for by this.
CREATE INDEX metrics_by_name ON metrics (run, name, step, time);

-- What a tracking protocol keeps beside experiments and runs, and the store does not look into.
CREATE TABLE documents (
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    kind      TEXT NOT NULL,
    id        TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (workspace, kind, id)
) STRICT, WITHOUT ROWID;
