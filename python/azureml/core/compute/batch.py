"""Azure Batch."""

from outhaul_azureml.compute.accounts import BatchAttachConfiguration, BatchCompute
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "BatchAttachConfiguration",
    "BatchCompute",
]

_fill(__name__, globals())
