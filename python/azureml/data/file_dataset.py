"""Datasets of files."""

from outhaul_azureml.data.dataset import FileDataset
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "FileDataset",
]

_fill(__name__, globals())
