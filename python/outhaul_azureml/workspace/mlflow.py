"""Where MLflow tracks to when it is asked of a workspace."""

from outhaul_azureml.planned import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def tracking_uri(workspace: "Any") -> str:
    """The address of the workspace's MLflow tracking."""
    raise not_yet("azureml.core.workspace.Workspace.get_mlflow_tracking_uri", "tracking by MLflow is planned")
