CREATE TABLE addresses (
    key         TEXT PRIMARY KEY,
    resource_id TEXT NOT NULL,
    address     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE documents (
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    kind      TEXT NOT NULL,
    id        TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (workspace, kind, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE environments (
    workspace  TEXT NOT NULL REFERENCES workspaces (name),
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    format     INTEGER NOT NULL,
    spec       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, name, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    run    INTEGER NOT NULL REFERENCES runs (key),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    format INTEGER NOT NULL,
    event  TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE experiments (
    workspace   TEXT NOT NULL REFERENCES workspaces (name),
    name        TEXT NOT NULL,
    runs        INTEGER NOT NULL,
    last_run_at INTEGER,
    PRIMARY KEY (workspace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE locks (
    environment_id TEXT PRIMARY KEY,
    lock           TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE metric_marks (
    run   INTEGER PRIMARY KEY REFERENCES runs (key),
    bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE metrics (
    run      INTEGER NOT NULL REFERENCES runs (key),
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    value    TEXT NOT NULL,
    step     INTEGER,
    time     REAL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX metrics_by_name ON metrics (run, name, step, time);
CREATE TABLE models (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    name_key  TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    format    INTEGER NOT NULL,
    model     TEXT,
    UNIQUE (workspace, name_key, version)
) STRICT;
CREATE TABLE newest_metrics (
    run      INTEGER NOT NULL,
    name     TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (run, name),
    FOREIGN KEY (run, position) REFERENCES metrics (run, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE outputs (
    run  INTEGER NOT NULL REFERENCES runs (key),
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE run_records (
    run    INTEGER PRIMARY KEY REFERENCES runs (key),
    format INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE run_submissions (
    run        INTEGER PRIMARY KEY REFERENCES runs (key),
    format     INTEGER NOT NULL,
    submission TEXT NOT NULL
) STRICT;
CREATE TABLE run_tags (
    run   INTEGER NOT NULL REFERENCES runs (key),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tags_by_name ON run_tags (name, value);
CREATE TABLE runs (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    workspace     TEXT NOT NULL,
    experiment    TEXT NOT NULL,
    target        TEXT NOT NULL,
    name          TEXT NOT NULL,
    parent        INTEGER REFERENCES runs (key),
    has_spec      INTEGER NOT NULL CHECK (has_spec IN (0, 1)),
    created_at    INTEGER NOT NULL,
    state         TEXT NOT NULL,
    terminal      INTEGER NOT NULL CHECK (terminal IN (0, 1)),
    released      INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1)),
    started_at    INTEGER,
    ended_at      INTEGER,
    ran_ms        INTEGER,
    failure_class TEXT,
    exit_code     INTEGER,
    tags          TEXT NOT NULL,
    FOREIGN KEY (workspace, experiment) REFERENCES experiments (workspace, name)
) STRICT;
CREATE INDEX runs_active ON runs (key) WHERE terminal = 0;
CREATE INDEX runs_active_of_target ON runs (target, key) WHERE terminal = 0;
CREATE INDEX runs_of_experiment ON runs (workspace, experiment, key) WHERE parent IS NULL;
CREATE INDEX runs_of_parent ON runs (parent, key) WHERE parent IS NOT NULL;
CREATE INDEX runs_top ON runs (workspace, key) WHERE parent IS NULL;
CREATE INDEX runs_unreleased ON runs (key) WHERE terminal = 1 AND released = 0 AND has_spec = 1;
CREATE TABLE secrets (
    owner  TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE services (
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    name      TEXT NOT NULL,
    id        TEXT NOT NULL UNIQUE,
    format    INTEGER NOT NULL,
    service   TEXT NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT;
CREATE TABLE targets (
    name   TEXT PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    format INTEGER NOT NULL,
    target TEXT NOT NULL
) STRICT;
CREATE TABLE workspaces (
    name       TEXT PRIMARY KEY,
    settings   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    current    INTEGER NOT NULL CHECK (current IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX workspaces_current ON workspaces (current) WHERE current = 1;
