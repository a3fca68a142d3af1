"""`Workspace`: where experiments, targets, environments and datastores have their names."""

import re

from outhaul_azureml import plan
from outhaul_azureml.compute import ids
from outhaul_azureml.errors import UserErrorException, WorkspaceException
from outhaul_azureml.planned import known_as, not_yet
from outhaul_azureml.server import server
from outhaul_azureml.workspace import config_file
from outhaul_azureml.workspace.addresses import Addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORKSPACE_DEFAULT_BLOB_STORE_NAME = "workspaceblobstore"
LOCATION = "local"
_NAME = re.compile(r"[a-zA-Z0-9][\w\-]{1,32}$")
_NONE = "00000000-0000-0000-0000-000000000000"
_GROUP = "outhaul"


class _Cluster:
    """What v1's default clusters are made of; given to `Workspace.create` it raises, as Outhaul makes no machines."""

    def __init__(self, vm_size: str) -> None:
        self.vm_size = vm_size


@known_as("azureml.core.workspace")
class Workspace:
    """A workspace of the data folder's server. Subscription and resource group are kept as they were given; Outhaul
    tells workspaces apart by their names.
    """

    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"
    DEFAULT_CPU_CLUSTER_CONFIGURATION = _Cluster("STANDARD_DS2_V2")
    DEFAULT_GPU_CLUSTER_CONFIGURATION = _Cluster("STANDARD_NC6")

    def __init__(
        self,
        subscription_id: "str | None",
        resource_group: "str | None",
        workspace_name: str,
        auth: "Any" = None,
        _location: "str | None" = None,
        _disable_service_check: bool = False,
        _workspace_id: "str | None" = None,
        sku: str = "basic",
        tags: "dict[str, str] | None" = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        self._subscription_id = subscription_id or _NONE
        self._resource_group = resource_group or _GROUP
        self._name = workspace_name
        self._location = _location or LOCATION
        self._sku = sku
        self._tags = dict(tags or {})
        self._addresses = Addresses()
        self._home = None  # type: str | None
        self._made_at = None  # type: str | None
        if not _disable_service_check:
            self._check()

    def _check(self) -> None:
        found = self._server.find("/workspaces/" + _segment(self._name), raising=WorkspaceException)
        if found is None:
            raise WorkspaceException(
                "Workspaces not found: there is no workspace {}.\n`outhaul workspace create {}` makes it, or "
                "Workspace.create".format(self._name, self._name)
            )
        self._made_at = found["created_at"]

    @property
    def _server(self) -> "Any":
        return server(self._home)

    def __repr__(self) -> str:
        return "Workspace.create(name={!r}, subscription_id={!r}, resource_group={!r})".format(
            self._name, self._subscription_id, self._resource_group
        )

    # Finding and making

    @staticmethod
    def from_config(
        path: "str | None" = None, auth: "Any" = None, _logger: "Any" = None, _file_name: "str | None" = None
    ) -> "Workspace":
        """The workspace that the nearest `config.json` names, from this folder upwards."""
        import os

        where = config_file.find(path, _file_name)
        found = config_file.read(where)
        own = found.get("outhaul") or {}
        made = Workspace(
            found["subscription_id"], found["resource_group"], found["workspace_name"], _disable_service_check=True
        )
        made._addresses = Addresses(own, os.path.dirname(where))
        if own.get("home"):
            made._home = os.path.join(os.path.dirname(where), os.path.expanduser(own["home"]))
        made._check()
        return made

    @staticmethod
    def get(
        name: str,
        auth: "Any" = None,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        location: "str | None" = None,
        cloud: str = "AzureCloud",
        id: "str | None" = None,
    ) -> "Workspace":
        """The workspace of that name."""
        if not name:
            raise UserErrorException("name must be given")
        return Workspace(subscription_id, resource_group, name)

    @staticmethod
    def create(
        name: str,
        auth: "Any" = None,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        location: "str | None" = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: "dict[str, str] | None" = None,
        friendly_name: "str | None" = None,
        storage_account: "Any" = None,
        key_vault: "Any" = None,
        app_insights: "Any" = None,
        container_registry: "Any" = None,
        adb_workspace: "Any" = None,
        primary_user_assigned_identity: "Any" = None,
        cmk_keyvault: "Any" = None,
        resource_cmk_uri: "Any" = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: "Any" = None,
        default_gpu_compute_target: "Any" = None,
        private_endpoint_config: "Any" = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: "Any" = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: "Any" = None,
    ) -> "Workspace":
        """Make a workspace. What concerns Azure only is passed over."""
        if not _NAME.match(name or ""):
            raise UserErrorException(
                "Workspace name {} is invalid: it has 2 to 33 letters, digits, - and _, and begins with a letter or "
                "digit".format(name)
            )
        if default_cpu_compute_target or default_gpu_compute_target:
            raise not_yet("azureml.core.workspace.Workspace.create(default_cpu_compute_target=...)", plan.AZURE_COMPUTE)
        if private_endpoint_config:
            raise not_yet("azureml.core.workspace.Workspace.create(private_endpoint_config=...)", plan.NEVER)
        ours = server()
        found = ours.find("/workspaces/" + _segment(name), raising=WorkspaceException)
        if found is not None and not exist_ok:
            raise WorkspaceException("Workspace {} already exists; use Workspace.get, or exist_ok=True".format(name))
        if found is None:
            ours.ask("PUT", "/workspaces/" + _segment(name), None, {}, WorkspaceException)
            if show_output:
                print("Deployed Workspace with name {}.".format(name))
        return Workspace(subscription_id, resource_group, name, tags=tags)

    @staticmethod
    def list(
        subscription_id: "str | None", auth: "Any" = None, resource_group: "str | None" = None
    ) -> "dict[str, list[Workspace]]":
        """All workspaces by their names."""
        found = server().get("/workspaces", raising=WorkspaceException)
        names = [one["name"] for one in found]
        return {name: [Workspace(subscription_id, resource_group, name, _disable_service_check=True)] for name in names}

    @staticmethod
    def setup() -> "Workspace":
        """The workspace that the nearest `config.json` names."""
        return Workspace.from_config()

    def write_config(self, path: "str | None" = None, file_name: "str | None" = None) -> None:
        """Write `.azureml/config.json`, by which `from_config` finds the workspace again."""
        values = (self._subscription_id, self._resource_group, self._name)
        config_file.write(path, file_name, dict(zip(config_file.KEYS, values)))

    # What it is

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def subscription_id(self) -> str:
        """The subscription it was at Azure."""
        return self._subscription_id

    @property
    def resource_group(self) -> str:
        """The resource group it was in at Azure."""
        return self._resource_group

    @property
    def location(self) -> str:
        """Where it is."""
        return self._location

    @property
    def sku(self) -> str:
        """Kept as v1 had it."""
        return self._sku

    @property
    def tags(self) -> "dict[str, str]":
        """Tags that it was made with in this process; Outhaul does not store them."""
        return self._tags

    def get_details(self) -> "dict[str, Any]":
        """What is known about it. What only Azure has is not there."""
        return {
            "id": ids.of_workspace(self),
            "name": self._name,
            "location": self._location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self._tags,
            "sku": self._sku,
            "workspaceid": self._name,
            "friendlyName": self._name,
            "creationTime": self._made_at,
            "subscriptionId": self._subscription_id,
            "resourceGroup": self._resource_group,
        }

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> str:
        """Where MLflow tracks to."""
        from outhaul_azureml.workspace import mlflow

        return mlflow.tracking_uri(self, _with_auth)

    # What is in it

    @property
    def compute_targets(self) -> "dict[str, Any]":
        """Its compute targets by name."""
        from outhaul_azureml.compute.base import ComputeTarget

        return {one.name: one for one in ComputeTarget.list(self)}

    @property
    def experiments(self) -> "dict[str, Any]":
        """Its experiments by name."""
        from outhaul_azureml.run.experiment import Experiment

        return {one.name: one for one in Experiment.list(self)}

    @property
    def environments(self) -> "dict[str, Any]":
        """Its environments by name, in their newest versions."""
        from outhaul_azureml.environment import registry

        return registry.listed(self)

    @property
    def datastores(self) -> "dict[str, Any]":
        """Its datastores by name."""
        from outhaul_azureml.data import stores

        return stores.listed(self)

    @property
    def datasets(self) -> "dict[str, Any]":
        """Its registered datasets by name."""
        from outhaul_azureml.data import registry

        return registry.listed(self)

    @property
    def models(self) -> "dict[str, Any]":
        """Its models by name, in their newest versions."""
        from outhaul_azureml.model.model import Model

        return {one.name: one for one in Model.list(self, latest=True)}

    @property
    def webservices(self) -> "dict[str, Any]":
        """Its web services by name."""
        from outhaul_azureml.service.webservice import Webservice

        return {one.name: one for one in Webservice.list(self)}

    def get_run(self, run_id: str) -> "Any":
        """A run by its id."""
        from outhaul_azureml.run.model import Run

        return Run.get(self, run_id)

    def get_default_datastore(self) -> "Any":
        """The workspace's own datastore."""
        from outhaul_azureml.data import stores

        return stores.default(self)

    def set_default_datastore(self, name: str) -> None:
        """There is one datastore, which is the default."""
        from outhaul_azureml.data import stores

        stores.set_default(self, name)

    def get_default_compute_target(self, type: str) -> "Any":
        """The target called `cpu-cluster` or `gpu-cluster`, or None."""
        names = {"CPU": self.DEFAULT_CPU_CLUSTER_NAME, "GPU": self.DEFAULT_GPU_CLUSTER_NAME}
        if str(type).upper() not in names:
            raise UserErrorException("type must be CPU or GPU, not {}".format(type))
        return self.compute_targets.get(names[str(type).upper()])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and (self._name, self._home) == (other._name, other._home)

    def __hash__(self) -> int:
        return hash((self._name, self._home))


def _segment(name: str) -> str:
    from outhaul._client.query import segment

    return segment(name)
