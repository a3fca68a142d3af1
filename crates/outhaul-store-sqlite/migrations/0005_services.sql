-- Web services. Names compare exactly; the rest of a service is only in its JSON.
CREATE TABLE services (
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    name      TEXT NOT NULL,
    id        TEXT NOT NULL UNIQUE,
    format    INTEGER NOT NULL,
    service   TEXT NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT;
