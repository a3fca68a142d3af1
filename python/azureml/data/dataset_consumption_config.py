"""Datasets as inputs."""

from outhaul_azureml.data.dataset import DatasetConsumptionConfig
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "DatasetConsumptionConfig",
]

_fill(__name__, globals())
