"""What web services have in common."""

from outhaul_azureml.planned import fill as _fill
from outhaul_azureml.service.webservice import Webservice, WebserviceDeploymentConfiguration

__all__ = ["Webservice", "WebserviceDeploymentConfiguration"]

_fill(__name__, globals())
