"""The base of all exceptions."""

from outhaul_azureml.errors import AzureMLAggregatedException, AzureMLException

__all__ = [
    "AzureMLAggregatedException",
    "AzureMLException",
]
