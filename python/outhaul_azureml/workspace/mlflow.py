"""Where MLflow tracks to when it is asked of a workspace: the server's door for MLflow on this machine."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOKEN = "MLFLOW_TRACKING_TOKEN"


def tracking_uri(workspace: "Any", with_auth: bool = False) -> str:
    """The address of the workspace's MLflow tracking; the door is opened.

    MLflow shows the token that it finds in its variable, so it is set there for this process, unless one is there: a
    script that says `mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())` then goes on working as it stands.
    """
    server, query = workspace._server, {"workspace": workspace.name}
    door = server.ask("POST", "/mlflow/open", query, repeat=True)
    if TOKEN not in os.environ:
        os.environ[TOKEN] = server.ask("POST", "/mlflow/token", None, query, repeat=True)["token"]
    return str(door["uri"])
