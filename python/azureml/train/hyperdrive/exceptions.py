"""Exceptions."""

from outhaul_azureml.errors import AzureMLException
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "AzureMLException",
]

_fill(__name__, globals())
