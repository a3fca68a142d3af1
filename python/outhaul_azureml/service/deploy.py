"""`Model.deploy`: from models and configurations to a web service."""

from outhaul_azureml.errors import WebserviceException
from outhaul_azureml.planned import not_yet
from outhaul_azureml.service import requests
from outhaul_azureml.service.local import LocalWebservice, LocalWebserviceDeploymentConfiguration
from outhaul_azureml.service.webservice import check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def deploy(
    workspace: "Any",
    name: str,
    models: "Any",
    inference_config: "Any" = None,
    deployment_config: "Any" = None,
    deployment_target: "Any" = None,
    overwrite: bool = False,
    show_output: bool = False,
) -> LocalWebservice:
    """Deploys models and gives the service, which is being brought up."""
    check_name(name)
    if not isinstance(deployment_config, LocalWebserviceDeploymentConfiguration) or deployment_target is not None:
        raise not_yet(
            "azureml.core.model.Model.deploy",
            "models are deployed to this machine today: give LocalWebservice.deploy_configuration(port=...) as "
            "deployment_config; Container Instances and Kubernetes are planned",
        )
    if inference_config is None:
        raise WebserviceException("An inference_config with an entry script has to be given")
    known = requests.find(workspace, name)
    if known is not None and not overwrite:
        raise WebserviceException(
            "Service {} with the same name already exists, please use a different service name or delete the existing "
            "service.".format(name)
        )
    from outhaul._client.query import new_run_id

    words = ["deploy", "local", name, "--detach", "--id={}".format(new_run_id())]
    if overwrite:
        words.append("--overwrite")
    found = requests.call(workspace, words + requests.wishes(inference_config, models, deployment_config.port))
    service = LocalWebservice._of(workspace, found)
    if show_output:
        service.wait_for_deployment(show_output=True)
    return service
