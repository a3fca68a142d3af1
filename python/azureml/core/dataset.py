"""Datasets."""

from outhaul_azureml.data.facade import Dataset
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "Dataset",
]

_fill(__name__, globals())
