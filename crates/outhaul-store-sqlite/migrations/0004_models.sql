-- Registered models. `key` is the order of registration, `name_key` the name with its ASCII letters in lower case. A row
-- whose `model` is NULL is a deleted version: its number and its id are not given again.
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
