"""The paths that datasets are made of: what people may write, as real paths and addresses; and the files behind them."""

import glob
import os

from outhaul_azureml.data import stores
from outhaul_azureml.data.references import DataPath, DataReference
from outhaul_azureml.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WEB = ("http://", "https://")


def real(path: "Any") -> "list[str]":
    """A path, a pair of datastore and path, or a list of those, as paths of files and web addresses."""
    if isinstance(path, (list, set)):
        return [one for part in path for one in real(part)]
    if isinstance(path, tuple):
        if len(path) != 2 or isinstance(path[0], str):
            raise UserErrorException("A tuple of a path must be (datastore, path), not {!r}".format(path))
        store, relative = path
        if isinstance(relative, (list, tuple)):
            return [one for part in relative for one in real((store, part))]
        return [_on_store(store, relative)]
    if isinstance(path, DataPath):
        return [_on_store(path._datastore, path.path_on_datastore)]
    if isinstance(path, DataReference):
        return [_on_store(path.datastore, path.path_on_datastore)]
    if isinstance(path, stores.AbstractDatastore):
        return [_on_store(path, None)]
    text = os.fspath(path)
    if is_web(text):
        return [text]
    return [os.path.abspath(text[len("file://") :] if text.startswith("file://") else text)]


def _on_store(store: "Any", relative: "str | None") -> str:
    return stores.inside(store._folder, relative or "")


def is_web(path: str) -> bool:
    """Whether it is an address in the web."""
    return path.startswith(_WEB)


def files(paths: "list[str]") -> "list[tuple[str, str]]":
    """Every file behind the paths, as (name below what was asked for, path). Addresses stay as they are."""
    found = []
    for path in paths:
        if is_web(path):
            found.append((os.path.basename(path.split("?")[0]) or "file", path))
            continue
        base = _base(path)
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else [path]
        for match in matches:
            if os.path.isdir(match):
                for where, _, names in sorted(os.walk(match)):
                    found.extend(
                        (
                            os.path.relpath(os.path.join(where, n), match if match == path else base),
                            os.path.join(where, n),
                        )
                        for n in sorted(names)
                    )
            elif os.path.isfile(match):
                found.append((os.path.relpath(match, base), match))
    seen = {}  # type: dict[str, str]
    for name, path in found:
        seen.setdefault(name, path)
    return list(seen.items())


def _base(path: str) -> str:
    """The part of a path before its first pattern."""
    folder = os.path.dirname(path)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder


def check(paths: "list[str]", found: "list[tuple[str, str]]") -> None:
    """Refuse a dataset without files."""
    if not found:
        raise UserErrorException("No files were found at {}".format(", ".join(paths)))
