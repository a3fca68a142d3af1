"""Data Lake Analytics."""

from outhaul_azureml.compute.accounts import AdlaCompute, DataLakeAnalyticsAttachConfiguration
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "AdlaCompute",
    "DataLakeAnalyticsAttachConfiguration",
]

_fill(__name__, globals())
