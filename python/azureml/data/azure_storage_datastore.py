"""Datastores of files."""

from outhaul_azureml.data.stores import AbstractAzureStorageDatastore, AzureBlobDatastore, AzureFileDatastore
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "AbstractAzureStorageDatastore",
    "AzureBlobDatastore",
    "AzureFileDatastore",
]

_fill(__name__, globals())
