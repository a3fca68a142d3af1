"""Workspaces."""

from outhaul_azureml.workspace.model import WORKSPACE_DEFAULT_BLOB_STORE_NAME, Workspace
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "WORKSPACE_DEFAULT_BLOB_STORE_NAME",
    "Workspace",
]

_fill(__name__, globals())
