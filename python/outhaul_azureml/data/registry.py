"""Registered datasets: a file in the folder of the workspace's datastores, written in one step."""

import json
import os

from outhaul_azureml.data import stores
from outhaul_azureml.data.dataset import AbstractDataset, FileDataset
from outhaul_azureml.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_FILE = "datasets.json"


class _Turn:
    """The list of datasets, held against other processes while it is changed."""

    def __init__(self, workspace: "Any") -> None:
        self.folder = stores.home(workspace)
        os.makedirs(self.folder, exist_ok=True)

    def __enter__(self) -> "_Turn":
        import fcntl

        self._lock = open(os.path.join(self.folder, _FILE + ".lock"), "w", encoding="utf-8")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.known = _load(self.folder)
        return self

    def write(self) -> None:
        """Puts the changed list in the place of the old one."""
        path = os.path.join(self.folder, _FILE)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.known, file, indent=1)
        os.replace(path + ".new", path)

    def __exit__(self, *_: "Any") -> None:
        self._lock.close()


def _load(folder: str) -> "list[dict[str, Any]]":
    try:
        with open(os.path.join(folder, _FILE), encoding="utf-8") as file:
            found = json.load(file)  # type: list[dict[str, Any]]
            return found
    except FileNotFoundError:
        return []


def register(workspace: "Any", dataset: "Any", name: str, description: "Any", tags: "Any", new_version: bool) -> "Any":
    """Keeps a dataset under a name. The same definition again gives the version that is there."""
    if not name or not isinstance(name, str):
        raise UserErrorException("A dataset needs a name to be registered")
    with _Turn(workspace) as turn:
        versions = [one for one in turn.known if one["name"] == name]
        for one in versions:
            if one["definition"] == dataset._definition:
                return _made(workspace, one)
        if versions and not new_version:
            raise UserErrorException(
                "There is already a dataset registered under name {!r}. Specify `create_new_version=True` to register "
                "the dataset as a new version.".format(name)
            )
        import uuid

        entry = {
            "id": str(uuid.uuid4()),
            "name": name,
            "version": 1 + max([one["version"] for one in versions], default=0),
            "description": description,
            "tags": dict(tags or {}),
            "definition": dataset._definition,
        }
        turn.known.append(entry)
        turn.write()
    return _made(workspace, entry)


def change(dataset: "Any", values: "dict[str, Any]") -> "Any":
    """Changes what is said about a registered dataset."""
    _need_registered(dataset)
    with _Turn(dataset._workspace) as turn:
        for one in turn.known:
            if one["id"] == dataset.id:
                one.update(values)
                turn.write()
                return _made(dataset._workspace, one)
    raise UserErrorException("The dataset {} is not registered any more".format(dataset.name))


def remove(dataset: "Any") -> None:
    """Forgets all versions of a dataset."""
    _need_registered(dataset)
    with _Turn(dataset._workspace) as turn:
        turn.known = [one for one in turn.known if one["name"] != dataset.name]
        turn.write()


def _need_registered(dataset: "Any") -> None:
    if dataset.id is None:
        raise UserErrorException("The dataset is not registered; register it first")


def get(workspace: "Any", name: str, version: "Any") -> "Any":
    """A registered dataset."""
    found = [one for one in _entries(workspace) if one["name"] == name]
    if version not in (None, "latest"):
        found = [one for one in found if one["version"] == int(version)]
    if not found:
        which = "" if version in (None, "latest") else " and version {}".format(version)
        raise UserErrorException(
            'Cannot find dataset registered with name "{}"{} in the workspace.'.format(name, which)
        )
    return _made(workspace, max(found, key=lambda one: one["version"]))


def get_by_id(workspace: "Any", id: str) -> "Any":
    """A registered dataset by its id."""
    for one in _entries(workspace):
        if one["id"] == id:
            return _made(workspace, one)
    raise UserErrorException('Cannot find dataset with id "{}" in the workspace.'.format(id))


def listed(workspace: "Any") -> "dict[str, Any]":
    """The newest version of each."""
    found = {}  # type: dict[str, Any]
    for one in sorted(_entries(workspace), key=lambda one: one["version"]):
        found[one["name"]] = _made(workspace, one)
    return found


def _entries(workspace: "Any") -> "Iterator[dict[str, Any]]":
    return iter(_load(stores.home(workspace)))


def _made(workspace: "Any", entry: "dict[str, Any]") -> "Any":
    from outhaul_azureml.data.tabular import TabularDataset

    made = FileDataset() if entry["definition"]["kind"] == "file" else TabularDataset()  # type: AbstractDataset
    made._definition = entry["definition"]
    made._registration = {key: value for key, value in entry.items() if key != "definition"}
    made._workspace = workspace
    return made
