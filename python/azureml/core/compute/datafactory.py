"""Data Factory."""

from outhaul_azureml.compute.accounts import DataFactoryAttachConfiguration, DataFactoryCompute
from outhaul_azureml.compute.base import ComputeTargetProvisioningConfiguration
from outhaul_azureml.planned import fill as _fill

__all__ = ["ComputeTargetProvisioningConfiguration", "DataFactoryAttachConfiguration", "DataFactoryCompute"]

_fill(__name__, globals())
