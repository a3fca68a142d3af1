"""Requests about web services, with errors as v1's users know them. What is told comes back as it is."""

import json
import sys
import urllib.error
import urllib.request

from outhaul_azureml.errors import WebserviceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECONDS = 3600


def _path(name: "str | None" = None) -> str:
    from outhaul._client.query import segment

    return "/services" if name is None else "/services/{}".format(segment(name))


def find(workspace: "Any", name: str) -> "dict[str, Any] | None":
    """A service by its name."""
    query = {"workspace": workspace.name}
    found = workspace._server.find(_path(name), query, raising=WebserviceException)
    return found  # type: ignore[no-any-return]


def listed(workspace: "Any", model: "str | None" = None) -> "list[dict[str, Any]]":
    """Services by name; `model` is a name or an id of one that they have."""
    query = {"workspace": workspace.name, "model": model}
    found = workspace._server.get(_path(), query, WebserviceException)
    return found  # type: ignore[no-any-return]


def call(workspace: "Any", words: "list[str]") -> "dict[str, Any]":
    """What only the program does, because files of this machine are sent."""
    from outhaul.errors import OuthaulError
    from outhaul_azureml.server import words as told

    try:
        answer = workspace._server.client.call([*words, "--workspace={}".format(workspace.name)])
    except OuthaulError as error:
        raise WebserviceException(told(error), inner_exception=error) from error
    return answer  # type: ignore[no-any-return]


def wishes(inference: "Any", models: "Any", port: "int | None") -> "list[str]":
    """Options of `outhaul deploy` and `outhaul service update` for what is asked for."""
    words = []  # type: list[str]
    for model in models or []:
        identity = getattr(model, "id", None)
        words.append("--model={}".format(model if identity is None else identity))
    if port is not None:
        words.append("--port={}".format(port))
    if inference is None:
        return words
    source, entry = inference._source()
    words += ["--source={}".format(source), "--entry={}".format(entry)]
    spec = inference._spec()
    if spec is None:
        words.append("--python={}".format(sys.executable))
    else:
        words.append("--environment-spec={}".format(json.dumps(spec)))
    if inference.description:
        words.append("--description={}".format(inference.description))
    return words


def delete(workspace: "Any", name: str) -> None:
    """Ends a service and waits until it is gone."""
    call(workspace, ["service", "delete", name])


def log(workspace: "Any", run: str) -> str:
    """What an instance has written."""
    pieces = workspace._server.client.log(run)
    return b"".join(pieces).decode("utf-8", "replace")


def score(uri: str, data: "Any") -> "Any":
    """One request, as v1 sends it."""
    body = data if isinstance(data, bytes) else str(data).encode("utf-8")
    asked = urllib.request.Request(uri, body, {"Content-Type": "application/json"})
    try:
        # Never by a proxy: the service is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(asked, timeout=_SECONDS) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        content = error.read().decode("utf-8", "replace")
        raise WebserviceException(
            "Error: Scoring was unsuccessful. Received bad response from service:\n"
            "Response Code: {}\nHeaders: {}\nContent: {}".format(error.code, dict(error.headers), content),
            status_code=error.code,
        ) from error
    except (OSError, ValueError) as error:
        raise WebserviceException("Error: Scoring was unsuccessful. {}".format(error)) from error
