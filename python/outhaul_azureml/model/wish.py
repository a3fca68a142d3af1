"""A model that a script registers of its own run's outputs: what it leaves for the server, and what it sees until then."""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pending(
    run_id: str, experiment: str, name: str, model_path: "str | None", said: "dict[str, Any]"
) -> "tuple[dict[str, Any], dict[str, Any]]":
    """The wish for the server, and the model as it is known before it has a version."""
    from outhaul._client.query import new_run_id

    path = os.path.normpath((name if model_path is None else str(model_path)).replace("\\", "/")).replace(os.sep, "/")
    wish = dict(said, name=name, path=path)
    found = {
        "id": new_run_id(),
        "name": name,
        "version": 0,
        "tags": said["tags"],
        "properties": said["properties"],
        "description": said["description"],
        "framework": said["framework"],
        "framework_version": said["framework_version"],
        "origin": {"kind": "run", "run": run_id, "experiment": experiment, "path": path},
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": {"tree": "", "entry": path.rsplit("/", 1)[-1], "files": 0, "bytes": 0},
    }
    return wish, found
