"""Web services; those beyond this machine are planned."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "AciWebservice": "azureml.core.webservice.aci",
    "AksEndpoint": "azureml.core.webservice.aks",
    "AksWebservice": "azureml.core.webservice.aks",
    "LocalWebservice": "azureml.core.webservice.local",
    "UnknownWebservice": "outhaul_azureml.unlisted",
    "Webservice": "azureml.core.webservice.webservice",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
