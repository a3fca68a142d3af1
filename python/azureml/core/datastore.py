"""Datastores."""

from outhaul_azureml.data.stores import Datastore
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "Datastore",
]

_fill(__name__, globals())
