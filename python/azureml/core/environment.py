"""Environments."""

from outhaul_azureml.environment.conda import CondaDependencies
from outhaul_azureml.environment.model import (
    DockerEnvironment,
    Environment,
    EnvironmentReference,
    PythonEnvironment,
    SparkEnvironment,
)
from outhaul_azureml.environment.registry import ImageBuildDetails
from outhaul_azureml.environment.sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerBuildContext,
    DockerImagePlatform,
    DockerSection,
    PythonSection,
    RCranPackage,
    RGitHubPackage,
    RSection,
    SparkPackage,
    SparkSection,
)
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "CondaDependencies",
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DockerBuildContext",
    "DockerEnvironment",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "EnvironmentReference",
    "ImageBuildDetails",
    "PythonEnvironment",
    "PythonSection",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "SparkEnvironment",
    "SparkPackage",
    "SparkSection",
]

_fill(__name__, globals())
