"""Data lakes: planned."""

from outhaul_azureml.data.stores import AbstractDatastore
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "AbstractDatastore",
]

_fill(__name__, globals())
