"""What all datasets have."""

from outhaul_azureml.data.facade import AbstractDataset
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "AbstractDataset",
]

_fill(__name__, globals())
