"""Databricks."""

from outhaul_azureml.compute.accounts import DatabricksAttachConfiguration, DatabricksCompute
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "DatabricksAttachConfiguration",
    "DatabricksCompute",
]

_fill(__name__, globals())
