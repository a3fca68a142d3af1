"""Where the files of a model lie on this machine: in a scoring script, after a download, or in the current folder."""

import os

from outhaul_azureml.errors import ModelNotFoundException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FOLDER = "azureml-models"
MODELS_DIR = os.path.join(os.environ.get("AML_APP_ROOT", ""), FOLDER)
"""The folder with `<name>/<version>/` and the model's file or folder in it."""


def find(model_name: str, version: "Any" = None, workspace: "Any" = None) -> str:
    """The path of a model's file or folder. With a workspace it is fetched when it is not there."""
    for root in _roots():
        found = _in(root, model_name, version)
        if found is not None:
            return found
    if workspace is not None:
        from outhaul_azureml.model.model import Model

        model = Model(workspace, model_name, version=version)
        folder = os.path.join(MODELS_DIR, model.name, str(model.version))
        return model.download(folder, exist_ok=True)
    if version is None and os.path.exists(os.path.join(".", model_name)):
        return os.path.join(".", model_name)
    raise ModelNotFoundException(
        "Model {}{} was not found in {} or in the current working directory {}".format(
            model_name, "" if version is None else " with version {}".format(version), MODELS_DIR, os.getcwd()
        )
    )


def _roots() -> "list[str]":
    """The folders that models may be in: v1's, and the one that a scoring script is told."""
    roots = [os.path.join(os.environ.get("AML_APP_ROOT", ""), FOLDER)]
    told = os.environ.get("AZUREML_MODEL_DIR", "").rstrip("/")
    # One model: the folder of its version. Several: the folder above them all.
    for root in (told, os.path.dirname(os.path.dirname(told))):
        if os.path.basename(root) == FOLDER and root not in roots:
            roots.append(root)
    return roots


def _in(root: str, model_name: str, version: "Any") -> "str | None":
    folder = os.path.join(root, model_name)
    if version is None:
        numbers = [int(name) for name in _names(folder) if name.isdigit()]
        if not numbers:
            return None
        version = max(numbers)
    place = os.path.join(folder, str(version))
    entries = _names(place)
    if not entries:
        return None
    return os.path.join(place, entries[0]) if len(entries) == 1 else place


def _names(folder: str) -> "list[str]":
    try:
        return os.listdir(folder)
    except OSError:
        return []
