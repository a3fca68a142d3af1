"""Environments that are kept in a workspace: registering, getting, listing, building."""

import sys

from outhaul_azureml.environment import curated, translate
from outhaul_azureml.environment.model import Environment
from outhaul_azureml.errors import AzureMLException, UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LABELS = ("latest",)


def register(workspace: "Any", environment: Environment) -> Environment:
    """Keeps an environment; the answer is the one that is kept, with its version."""
    if not environment.name:
        raise UserErrorException("An environment without a name cannot be registered")
    if curated.is_curated(environment.name):
        raise UserErrorException(
            "Environment name {} is not allowed: names with the prefix AzureML- are for curated environments".format(
                environment.name
            )
        )
    body = {"name": environment.name, "spec": translate.spec(environment), "workspace": workspace.name}
    found = workspace._server.ask("POST", "/environments", None, body, UserErrorException)
    made = translate.environment(found["name"], str(found["version"]), found["spec"])
    environment.version = made.version
    return made


def get(workspace: "Any", name: str, version: "str | None", label: "str | None") -> Environment:
    """A registered or curated environment."""
    from outhaul._client.query import segment

    if version is not None and label is not None:
        raise UserErrorException("Give version or label, not both")
    if label is not None and label.lower() not in _LABELS:
        raise UserErrorException("There is no label {} of environment {}; `latest` is known".format(label, name))
    query = {"workspace": workspace.name}  # type: dict[str, Any]
    if version is not None and str(version).lower() not in ("", "latest", "autosave"):
        if not str(version).isdigit():
            raise _missing(name, version)
        query["version"] = int(version)
    found = workspace._server.find("/environments/" + segment(name), query, AzureMLException)
    if found is not None:
        return translate.environment(found["name"], str(found["version"]), found["spec"])
    if curated.is_curated(name):
        spec = curated.spec(name)
        if spec is not None:
            return translate.environment(name, "1", spec)
    raise _missing(name, version)


def _missing(name: str, version: "str | None") -> AzureMLException:
    which = "" if version is None else " with version {}".format(version)
    return UserErrorException(
        "Error retrieving the environment definition. Environment {}{} not found".format(name, which)
    )


def listed(workspace: "Any") -> "dict[str, Environment]":
    """The newest version of each registered environment, and the curated ones."""
    found = workspace._server.get("/environments", {"workspace": workspace.name}, AzureMLException)
    newest = {}  # type: dict[str, Any]
    for one in found:
        if one["name"] not in newest or one["version"] > newest[one["name"]]["version"]:
            newest[one["name"]] = one
    made = {name: translate.environment(name, str(one["version"]), one["spec"]) for name, one in sorted(newest.items())}
    for name in curated.NAMES:
        spec = curated.spec(name)
        if spec is not None:
            made.setdefault(name, translate.environment(name, "1", spec))
    return made


def build(workspace: "Any", environment: Environment) -> "ImageBuildDetails":
    """Begins to build an environment on this machine."""
    return ImageBuildDetails(workspace, translate.spec(environment))


@known_as("azureml.core.environment")
class ImageBuildDetails:
    """A build: its log and its end. The build is done when it is waited for."""

    def __init__(self, environment_client: "Any", location: "Any") -> None:
        self.environment_client = environment_client
        self.log_url = None
        self._spec = location
        self._status = "queued"
        self._log = ""

    @property
    def status(self) -> str:
        """`queued`, `succeeded` or `failed`."""
        return self._status

    def get_log(self) -> str:
        """What the build has said."""
        return self._log

    def wait_for_completion(self, show_output: bool = True) -> None:
        """Build, and show what the build says."""
        if self._status != "queued":
            return
        for name, data in _frames(self.environment_client, self._spec):
            if name == "log":
                self._log += data
                if show_output:
                    sys.stdout.write(data)
                    sys.stdout.flush()
            elif name == "error":
                self._status = "failed"
                raise UserErrorException("The environment could not be built: {}".format(data))
            elif name == "built":
                self._status = "succeeded"


def _frames(workspace: "Any", spec: "dict[str, Any]") -> "Any":
    """What a build tells: ("log", text), then ("built", id) or ("error", text)."""
    import binascii
    import json

    from outhaul._client.sse import Parser
    from outhaul._client.transport import iterate
    from outhaul.errors import OuthaulError

    from outhaul_azureml.server import translated

    body = {"environment": {"kind": "spec", "spec": spec}, "workspace": workspace.name}
    parser = Parser()
    core = workspace._server.client.core
    try:
        for data in iterate(core.stream("/environments/build", None, body, "text/event-stream")):
            for event in parser.push(data):
                if event.name not in ("log", "built", "error"):
                    continue
                told = json.loads(event.data)
                if event.name == "log":
                    yield "log", binascii.a2b_base64(told["data"]).decode("utf-8", "replace")
                elif event.name == "built":
                    yield "built", told["id"]
                else:
                    yield "error", "\n".join(part for part in (told.get("message"), told.get("hint")) if part)
    except OuthaulError as error:
        raise translated(error, UserErrorException) from error
