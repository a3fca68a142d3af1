"""Machines over SSH."""

from outhaul_azureml.compute.remote import RemoteCompute, RemoteComputeAttachConfiguration
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "RemoteCompute",
    "RemoteComputeAttachConfiguration",
]

_fill(__name__, globals())
