"""The core of the SDK. Each name is loaded when it is asked for, so that a run pays for `Run` only."""

from outhaul_azureml.lazy import attributes as _attributes

VERSION = "1.61.0"
"""The version of v1 whose calls are followed."""

_PLACES = {
    "ComputeTarget": "azureml.core.compute.compute",
    "ContainerRegistry": "azureml.core.container_registry",
    "Dataset": "azureml.core.dataset",
    "Datastore": "azureml.core.datastore",
    "Environment": "azureml.core.environment",
    "Experiment": "azureml.core.experiment",
    "Image": "azureml.core.image.image",
    "Keyvault": "azureml.core.keyvault",
    "LinkedService": "azureml.core.linked_service",
    "Model": "azureml.core.model",
    "PrivateEndPoint": "azureml.core.private_endpoint",
    "PrivateEndPointConfig": "azureml.core.private_endpoint",
    "Run": "azureml.core.run",
    "RunConfiguration": "azureml.core.runconfig",
    "ScriptRun": "azureml.core.script_run",
    "ScriptRunConfig": "azureml.core.script_run_config",
    "SynapseWorkspaceLinkedServiceConfiguration": "azureml.core.linked_service",
    "Webservice": "azureml.core.webservice.webservice",
    "Workspace": "azureml.core.workspace",
    "attach_legacy_compute_target": "azureml.core.compute_target",
    "diagnostic_log": "azureml.core.diagnostics",
    "get_run": "azureml.core.run",
    "is_compute_target_prepared": "azureml.core.compute_target",
    "prepare_compute_target": "azureml.core.compute_target",
    "remove_legacy_compute_target": "azureml.core.compute_target",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
