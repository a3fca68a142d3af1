"""Requests about web services, with errors as v1's users know them. What is told comes back as it is."""

import sys

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
    from outhaul._client.deployment import Deployment, words

    identities = [getattr(model, "id", None) or str(model) for model in models or []]
    asked = Deployment(models=identities, port=port)
    if inference is not None:
        source, entry = inference._source()
        asked = asked._replace(
            source=source,
            entry=entry,
            environment=inference._spec(),
            python=sys.executable,
            description=inference.description or None,
        )
    return words(asked)


def delete(workspace: "Any", name: str) -> None:
    """Ends a service and waits until it is gone."""
    call(workspace, ["service", "delete", name])


def log(workspace: "Any", run: str) -> str:
    """What an instance has written."""
    pieces = workspace._server.client.log(run)
    return b"".join(pieces).decode("utf-8", "replace")


def score(uri: str, data: "Any") -> "Any":
    """One request, as v1 sends it."""
    import json

    from outhaul._client import scoring
    from outhaul._client.transport import Blocking, drive
    from outhaul._client.wire import WireError

    body = data if isinstance(data, bytes) else str(data).encode("utf-8")
    try:
        answer = drive(scoring.send(Blocking(), uri, body, timeout=_SECONDS))
        if answer.is_good:
            return json.loads(answer.body)
    except (OSError, WireError, ValueError) as error:
        raise WebserviceException("Error: Scoring was unsuccessful. {}".format(error)) from error
    content = answer.body.decode("utf-8", "replace")
    raise WebserviceException(
        "Error: Scoring was unsuccessful. Received bad response from service:\n"
        "Response Code: {}\nHeaders: {}\nContent: {}".format(answer.status, answer.headers, content),
        status_code=answer.status,
    )
