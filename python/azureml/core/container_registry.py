"""Registries of images."""

from outhaul_azureml.environment.sections import ContainerRegistry, RegistryIdentity
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "ContainerRegistry",
    "RegistryIdentity",
]

_fill(__name__, globals())
