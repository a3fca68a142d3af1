"""Requests to the registry of models, with errors as v1's users know them. What is told comes back as it is."""

import os
import re

from outhaul_azureml.errors import ModelPathNotFoundException, UserErrorException, WebserviceException
from outhaul_azureml.planned import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-\._]{0,254}\Z")


def path(workspace: "Any", name: "str | None" = None) -> str:
    """The path of a workspace's models, or of one by its name or id."""
    from outhaul._client.query import segment

    models = "/workspaces/{}/models".format(segment(workspace.name))
    return models if name is None else "{}/{}".format(models, segment(name))


def check_name(name: "Any") -> None:
    """Refuses a name that v1 refuses."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise WebserviceException(
            "Error, provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or "
            "underscores, start with a letter or number, and be between 1 and 255 characters long."
        )


def described(
    tags: "Any",
    properties: "Any",
    description: "str | None",
    framework: "str | None",
    framework_version: "str | None",
) -> "dict[str, Any]":
    """What is said of a model when it is registered."""
    from outhaul_azureml.run.listing import texts

    return {
        "tags": texts(tags or {}, "tags"),
        "properties": texts(properties or {}, "properties"),
        "description": description,
        "framework": framework or None,
        "framework_version": None if framework_version is None else str(framework_version),
    }


def refuse_planned(call: str, given: "dict[str, Any]") -> None:
    """What v1 takes and Outhaul does not keep with a model yet."""
    for name, value in given.items():
        if value:
            raise not_yet("{}({}=...)".format(call, name), "{} cannot be kept with a model yet".format(name))


def check_path(model_path: "Any") -> str:
    """The path of a file or folder, which has to be in the current folder."""
    text = str(os.fspath(model_path))
    if not os.path.exists(text):
        raise FileNotFoundError("Path does not exist: {}".format(text))
    here = os.path.realpath(os.getcwd())
    if os.path.commonpath([here, os.path.realpath(text)]) != here:
        raise PermissionError(
            "Model path {} must be inside the current working directory {}".format(text, os.getcwd())
        )
    return text


def register(workspace: "Any", name: str, model_path: str, said: "dict[str, Any]") -> "dict[str, Any]":
    """Registers a file or folder of this machine."""
    from outhaul._ops import models
    from outhaul._client.query import new_run_id
    from outhaul._client.transport import drive
    from outhaul.errors import OuthaulError
    from outhaul_azureml.server import words

    asked = dict(said, id=new_run_id(), name=name, run=None, path=model_path)
    try:
        told = drive(models.register_model(workspace._server.client.core, workspace.name, asked))  # type: dict[str, Any]
    except OuthaulError as error:
        raise WebserviceException(words(error), inner_exception=error) from error
    return told


def register_of_run(run: "Any", name: str, model_path: "str | None", said: "dict[str, Any]") -> "dict[str, Any]":
    """Registers a file of a run, or all its files below a folder."""
    from outhaul._client.query import new_run_id

    wanted = (name if model_path is None else str(model_path)).replace("\\", "/")
    wanted = os.path.normpath(wanted).replace(os.sep, "/")
    kept = [one["path"] for one in run._server.get(run._path("/outputs"))]
    if not any(one == wanted or one.startswith(wanted + "/") for one in kept):
        raise ModelPathNotFoundException(
            "Could not locate the provided model_path {} in the set of files uploaded to the run: {}".format(
                wanted, kept
            )
        )
    workspace = run.experiment.workspace
    body = dict(said, id=new_run_id(), name=name, source={"kind": "run", "run": run.id, "path": wanted})
    told = workspace._server.ask("POST", path(workspace), None, body, WebserviceException, repeat=True)
    return told  # type: ignore[no-any-return]


def get(workspace: "Any", name: str) -> "dict[str, Any] | None":
    """A model by its name or id."""
    try:
        found = workspace._server.find(path(workspace, name), raising=WebserviceException)
    except WebserviceException as error:
        # A text that can be no model's name names none.
        if getattr(error.inner_exception, "code", None) == "bad_request":
            return None
        raise
    return None if found is None else found["model"]


def listed(
    workspace: "Any",
    name: "str | None" = None,
    tags: "Any" = None,
    properties: "Any" = None,
    run_id: "str | None" = None,
    latest: bool = False,
    model_framework: "str | None" = None,
) -> "list[dict[str, Any]]":
    """Models, newest first."""
    query = {"name": name, "run": run_id, "framework": model_framework}
    found = workspace._server.get(path(workspace), query, WebserviceException)
    wanted = [
        one
        for one in found
        if _has(one["tags"], tags, "tags") and _has(one["properties"], properties, "properties")
    ]
    if not latest:
        return wanted
    newest = {}  # type: dict[str, int]
    for one in wanted:
        newest[one["name"]] = max(one["version"], newest.get(one["name"], 0))
    return [one for one in wanted if newest[one["name"]] == one["version"]]


def _has(pairs: "dict[str, str]", wanted: "Any", what: str) -> bool:
    """Whether all that is wanted is there: names, and pairs of name and value."""
    if wanted is None:
        return True
    if isinstance(wanted, dict):
        wanted = list(wanted.items())
    for one in [wanted] if isinstance(wanted, str) else wanted:
        if isinstance(one, str):
            if one not in pairs:
                return False
        elif isinstance(one, (list, tuple)) and len(one) == 2:
            if pairs.get(str(one[0])) != str(one[1]):
                return False
        else:
            raise UserErrorException("{} must hold names, or pairs of name and value, not {!r}".format(what, one))
    return True


def change(workspace: "Any", model_id: str, body: "dict[str, Any]") -> "dict[str, Any]":
    """Changes a model."""
    told = workspace._server.ask("PATCH", path(workspace, model_id), None, body, WebserviceException)
    return told  # type: ignore[no-any-return]


def delete(workspace: "Any", model_id: str) -> None:
    """Deletes a model."""
    workspace._server.ask("DELETE", path(workspace, model_id), None, None, WebserviceException, repeat=False)


def download(workspace: "Any", model_id: str, folder: str, force: bool) -> str:
    """Writes a model's files into a folder and gives the path of its file or folder."""
    from outhaul._ops import models
    from outhaul._client.transport import drive
    from outhaul.errors import OuthaulError
    from outhaul_azureml.server import words

    core = workspace._server.client.core
    try:
        return str(drive(models.download_model(core, workspace.name, model_id, folder, force)))
    except OuthaulError as error:
        raise WebserviceException(words(error), inner_exception=error) from error
