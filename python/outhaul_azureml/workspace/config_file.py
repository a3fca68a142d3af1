"""The file `config.json` that names a workspace: finding it upwards, reading and writing it. No requests here."""

import json
import os

from outhaul_azureml.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "config.json"
_FOLDERS = (".azureml", "aml_config", "")
KEYS = ("subscription_id", "resource_group", "workspace_name")


def find(path: "str | None", file_name: "str | None" = None) -> str:
    """The configuration file: `path` itself, or the nearest one in it or in a folder above it."""
    name = file_name or FILE
    start = os.path.abspath(path or os.getcwd())
    if os.path.isfile(start):
        return start
    folder = start
    while True:
        for inner in _FOLDERS:
            candidate = os.path.join(folder, inner, name)
            if os.path.isfile(candidate):
                return candidate
        above = os.path.dirname(folder)
        if above == folder:
            raise UserErrorException(
                "We could not find {} in: {} or in its parent directories. Please provide the full path to the "
                "config file or ensure that {} exists in the parent directories.".format(name, start, name)
            )
        folder = above


def read(where: str) -> "dict[str, Any]":
    """What a configuration file says; the three names must be there."""
    try:
        with open(where, encoding="utf-8-sig") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise UserErrorException("Cannot read {}: {}".format(where, error), inner_exception=error) from None
    if not isinstance(found, dict):
        raise UserErrorException("{} does not hold a JSON object".format(where))
    # Files of early versions have a scope in place of the names.
    if "Scope" in found and "workspace_name" not in found:
        parts = str(found["Scope"]).strip("/").split("/")
        if len(parts) >= 8:
            found.update(subscription_id=parts[1], resource_group=parts[3], workspace_name=parts[7])
    missing = [key for key in KEYS if not found.get(key)]
    if missing:
        raise UserErrorException("{} lacks {}".format(where, ", ".join(missing)))
    return found


def write(path: "str | None", file_name: "str | None", found: "dict[str, Any]") -> str:
    """Writes `.azureml/config.json` below `path` and gives the file's path back."""
    folder = os.path.join(os.path.abspath(path or os.getcwd()), ".azureml")
    os.makedirs(folder, exist_ok=True)
    where = os.path.join(folder, file_name or FILE)
    with open(where, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=4)
        file.write("\n")
    return where
