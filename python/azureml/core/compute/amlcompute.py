"""Clusters that Azure made; attach machines with `RemoteCompute`."""

from outhaul_azureml.compute.base import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetProvisioningConfiguration,
    ComputeTargetUpdateConfiguration,
)
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "ComputeTarget",
    "ComputeTargetAttachConfiguration",
    "ComputeTargetProvisioningConfiguration",
    "ComputeTargetUpdateConfiguration",
]

_fill(__name__, globals())
