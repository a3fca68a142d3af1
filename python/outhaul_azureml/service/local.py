"""`LocalWebservice`: a web service on the machine of the server."""

import time

from outhaul_azureml.errors import WebserviceException
from outhaul_azureml.planned import known_as
from outhaul_azureml.service import requests
from outhaul_azureml.service.webservice import Webservice, WebserviceDeploymentConfiguration, not_found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

_STATES = {
    "Transitioning": "deploying",
    "Healthy": "running",
    "Unhealthy": "failed",
    "Failed": "failed",
    "Deleting": "deleted",
}
_PAUSES = (0.02, 0.05, 0.1, 0.2)


@known_as("azureml.core.webservice.local")
class LocalWebservice(Webservice):
    """A web service on this machine: a process, or a container where the environment asks for one."""

    NETWORK_NAME = "azureml-local"
    STATE_DELETED = "deleted"
    STATE_DEPLOYING = "deploying"
    STATE_FAILED = "failed"
    STATE_RUNNING = "running"
    STATE_UNKNOWN = "unknown"
    _webservice_type = "Local"

    def __init__(self, workspace: "Any", name: str, must_exist: bool = True) -> None:
        self._begin(workspace, name)
        self.update_deployment_state(must_exist=must_exist)

    def _begin(self, workspace: "Any", name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.compute_type = "Local"
        self.image_id = None
        self.properties = {}  # type: dict[str, str]
        self._found = None  # type: dict[str, Any] | None

    @classmethod
    def _of(cls, workspace: "Any", found: "dict[str, Any]") -> "LocalWebservice":
        """A service as the server tells it."""
        made = cls.__new__(cls)
        made._begin(workspace, found["name"])
        made._found = found
        made._take()
        return made  # type: ignore[no-any-return]

    def _take(self) -> None:
        """Takes over what the server tells."""
        from outhaul._model import moment
        from outhaul._service import ServiceView

        found = self._found
        if found is None:
            self.state = self.STATE_UNKNOWN
            self.error = None
            self.tags = {}  # type: dict[str, str]
            self.description = None
            self.created_time = self.updated_time = None
            return
        # One that is asked to change is not what was asked for yet.
        changing = found["state"] == "Healthy" and ServiceView(found).is_changing
        self.state = self.STATE_DEPLOYING if changing else _STATES[found["state"]]
        error = found.get("error")
        self.error = None if error is None else error["message"]
        self.tags = dict(found["tags"])
        self.description = found.get("description") or None
        self.created_time = moment(found["created_at"])
        self.updated_time = moment(found["updated_at"])

    def __repr__(self) -> str:
        return "LocalWebservice(workspace={!r}, name={}, state={})".format(self.workspace, self.name, self.state)

    @staticmethod
    def deploy_configuration(port: "int | None" = None) -> "LocalWebserviceDeploymentConfiguration":
        """The port to listen on; a free one without it."""
        return LocalWebserviceDeploymentConfiguration(port)

    @staticmethod
    def list(  # type: ignore[override]
        workspace: "Any", model_name: "str | None" = None, model_id: "str | None" = None, all: "Any" = None
    ) -> "List[LocalWebservice]":
        """Services on this machine, by name."""
        found = requests.listed(workspace, model_id or model_name)
        return [LocalWebservice._of(workspace, one) for one in found]

    # Where it is

    @property
    def port(self) -> "str | None":
        """The port, as text."""
        return None if self._found is None else str(self._found["spec"]["port"])

    @property
    def scoring_uri(self) -> "str | None":
        """Where requests go."""
        return None if self._found is None else "http://localhost:{}/score".format(self.port)

    @property
    def swagger_uri(self) -> "str | None":
        """Where it describes itself."""
        return None if self._found is None else "http://localhost:{}/swagger.json".format(self.port)

    # How it stands

    def update_deployment_state(self, must_exist: bool = False) -> None:
        """Asks how it stands."""
        self._found = requests.find(self.workspace, self.name)
        if self._found is None and must_exist:
            raise not_found(self.name)
        gone = self._found is None and getattr(self, "state", None) not in (None, self.STATE_UNKNOWN)
        self._take()
        if gone:
            self.state = self.STATE_DELETED

    def _only(self, call: str, *states: str) -> None:
        """Refuses a call in a state where it makes no sense."""
        self.update_deployment_state()
        if self.state not in states:
            raise WebserviceException("Cannot call {}() when service is {}.".format(call, self.state))

    def wait_for_deployment(self, show_output: bool = False) -> None:
        """Waits until it answers."""
        self._only("wait_for_deployment", self.STATE_DEPLOYING, self.STATE_RUNNING, self.STATE_FAILED)
        if show_output:
            print("Checking container health...")
        pause = 0
        while self.state == self.STATE_DEPLOYING:
            time.sleep(_PAUSES[min(pause, len(_PAUSES) - 1)])
            pause += 1
            self.update_deployment_state(must_exist=True)
        if self.error is not None:
            print("Container Logs:")
            print(self._failed_log())
            raise WebserviceException("Error: Container has crashed. Did your init method fail?\n{}".format(self.error))
        if show_output:
            print("Local webservice is running at http://localhost:{}".format(self.port))

    def _failed_log(self) -> str:
        error = (self._found or {}).get("error") or {}
        return str(error.get("log") or error.get("message") or "")

    def get_logs(self, num_lines: int = 5000, raw: bool = False) -> "Any":
        """The last lines that it wrote."""
        self._only("get_logs", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING)
        from outhaul._service import ServiceView

        run = None if self._found is None else ServiceView(self._found).run_id
        text = "" if run is None else requests.log(self.workspace, run)
        lines = text.splitlines(True)[-num_lines:] if num_lines else []
        kept = "".join(lines)
        return kept.encode("utf-8") if raw else kept

    # Using and changing it

    def run(self, input_data: "Any") -> "Any":
        """Sends a request and gives its answer."""
        self._only("run", self.STATE_DEPLOYING, self.STATE_RUNNING)
        return requests.score(str(self.scoring_uri), input_data)

    def reload(self, wait: bool = False) -> None:
        """Takes up the entry script and its folder as they are now."""
        self._only("reload", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING)
        self._found = requests.call(self.workspace, ["service", "reload", self.name, "--detach"])
        self._take()
        if wait:
            self.wait_for_deployment(show_output=True)

    def update(
        self,
        models: "Any" = None,
        image_config: "Any" = None,
        deployment_config: "Any" = None,
        wait: bool = False,
        inference_config: "Any" = None,
    ) -> None:
        """Changes its models, its script and environment, or its port."""
        self._only("update", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING, self.STATE_UNKNOWN)
        if image_config is not None and inference_config is not None:
            raise WebserviceException("Cannot pass both image_config and inference_config.")
        inference = inference_config or image_config
        port = None if deployment_config is None else deployment_config.port
        words = requests.wishes(inference, models, port)
        if not words:
            raise WebserviceException("No parameters provided to update.")
        self._found = requests.call(self.workspace, ["service", "update", self.name, "--detach", *words])
        self._take()
        if wait:
            self.wait_for_deployment(show_output=True)

    def delete(self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True) -> None:
        """Ends it when what is under way is answered."""
        self._only("delete", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING)
        requests.delete(self.workspace, self.name)
        self._found = None
        self._take()
        self.state = self.STATE_DELETED

    # What a local service of v1 has not

    def get_keys(self) -> "Any":
        """Not for local services."""
        raise NotImplementedError("Local webservices do not support keys.")

    def get_token(self) -> "Any":
        """Not for local services."""
        raise NotImplementedError("Local webservices do not support Token Authentication.")

    def regen_key(self, key: "Any") -> None:
        """Not for local services."""
        raise NotImplementedError("Local webservices do not support keys.")

    def serialize(self) -> "dict[str, Any]":
        """It as a dictionary."""
        return {
            "computeType": self.compute_type,
            "error": self.error,
            "imageId": self.image_id,
            "name": self.name,
            "port": self.port,
            "properties": self.properties,
            "scoringUri": self.scoring_uri,
            "state": self.state,
            "tags": self.tags,
        }


@known_as("azureml.core.webservice.local")
class LocalWebserviceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """The port of a web service on this machine."""

    _webservice_type = LocalWebservice

    def __init__(self, port: "int | None" = None) -> None:
        super().__init__(LocalWebservice)
        self.port = port
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Refuses what is no port."""
        if self.port is None:
            return
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 1 <= self.port <= 65535:
            raise WebserviceException("Invalid configuration: port must be an integer from 1 to 65535, not {!r}".format(self.port))

    def print_deploy_configuration(self) -> None:
        """Writes the port."""
        print("Port: {}".format(self.port))
