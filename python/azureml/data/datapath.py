"""Paths on a datastore."""

from outhaul_azureml.data.references import DataPath, DataPathComputeBinding
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "DataPath",
    "DataPathComputeBinding",
]

_fill(__name__, globals())
