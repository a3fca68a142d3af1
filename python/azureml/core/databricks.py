"""Libraries and clusters of Databricks."""

from outhaul_azureml.environment.databricks import (
    DatabricksCluster,
    DatabricksSection,
    EggLibrary,
    JarLibrary,
    MavenLibrary,
    PyPiLibrary,
    RCranLibrary,
)
from outhaul_azureml.environment.model import DatabricksEnvironment
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "DatabricksCluster",
    "DatabricksEnvironment",
    "DatabricksSection",
    "EggLibrary",
    "JarLibrary",
    "MavenLibrary",
    "PyPiLibrary",
    "RCranLibrary",
]

_fill(__name__, globals())
