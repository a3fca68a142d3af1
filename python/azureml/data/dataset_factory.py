"""Making datasets."""

from outhaul_azureml.data.dataset import FileDatasetFactory
from outhaul_azureml.data.tabular import DataType, TabularDatasetFactory
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "DataType",
    "FileDatasetFactory",
    "TabularDatasetFactory",
]

_fill(__name__, globals())
