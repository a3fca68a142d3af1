"""Runs that this process plays: no target, no process of their own. `Experiment.start_logging` and children are such."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WATCHED = ("outputs", "logs")


def start(
    experiment: "Any",
    name: "str | None" = None,
    run_id: "str | None" = None,
    parent: "str | None" = None,
    tags: "dict[str, str] | None" = None,
    properties: "dict[str, str] | None" = None,
) -> "Any":
    """Begins one; it is running at once."""
    from outhaul._client.query import new_run_id
    from outhaul_azureml.run import listing

    workspace = experiment.workspace
    body = {
        "id": run_id or new_run_id(),
        "workspace": workspace.name,
        "experiment": experiment.name,
        "tags": tags or {},
        "properties": properties or {},
    }
    if name is not None:
        body["name"] = name
    if parent is not None:
        body["parent"] = parent
    found = workspace._server.ask("POST", "/runs/tracked", None, body, repeat=True)
    return listing.of(workspace, found)


def keep_folders(run: "Any") -> None:
    """Keeps what lies in `./outputs` and `./logs`, if the run was begun to watch them."""
    from outhaul_azureml.run import files

    for folder in getattr(run, "_watched", ()):
        for where, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(where, name)
                relative = os.path.relpath(path, os.path.dirname(folder)).replace(os.sep, "/")
                if os.path.isfile(path):
                    files.keep(run, relative, path)
