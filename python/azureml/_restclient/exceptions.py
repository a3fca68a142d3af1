"""Refused requests."""

from outhaul_azureml.errors import AzureMLRestClientException, ServiceException

__all__ = [
    "AzureMLRestClientException",
    "ServiceException",
]
