"""Datasets of rows."""

from outhaul_azureml.data.tabular import TabularDataset
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "TabularDataset",
]

_fill(__name__, globals())
