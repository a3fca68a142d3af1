"""References to paths on a datastore."""

from outhaul_azureml.data.references import DataReference
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "DataReference",
]

_fill(__name__, globals())
