"""Web services on this machine."""

from outhaul_azureml.planned import fill as _fill
from outhaul_azureml.service.local import LocalWebservice, LocalWebserviceDeploymentConfiguration

__all__ = ["LocalWebservice", "LocalWebserviceDeploymentConfiguration"]

_fill(__name__, globals())
