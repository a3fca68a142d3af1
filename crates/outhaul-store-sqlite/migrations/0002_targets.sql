-- Attached targets. Names and ids compare exactly; the rest of a target is only in its JSON.
CREATE TABLE targets (
    name   TEXT PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    format INTEGER NOT NULL,
    target TEXT NOT NULL
) STRICT;

-- Sealed by the vault before they come here. The owner is a target's id; it may be sealed for before it is there.
CREATE TABLE secrets (
    owner  TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

-- The address book. `key` is the resource id with its ASCII letters in lower case.
CREATE TABLE addresses (
    key         TEXT PRIMARY KEY,
    resource_id TEXT NOT NULL,
    address     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What keeps a target from being detached.
CREATE INDEX runs_active_of_target ON runs (target, key) WHERE terminal = 0;
