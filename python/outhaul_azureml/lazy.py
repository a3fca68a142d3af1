"""Names of a package that are loaded when they are asked for."""

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def attributes(package: str, places: "dict[str, str]") -> "tuple[Callable[[str], Any], Callable[[], list[str]]]":
    """`__getattr__` and `__dir__` for a package whose names are in the modules that `places` tells."""

    def get(name: str) -> "Any":
        place = places.get(name)
        if place is None:
            raise AttributeError("module {!r} has no attribute {!r}".format(package, name))
        found = getattr(import_module(place), name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> "list[str]":
        return sorted(set(vars(sys.modules[package])) | set(places))

    return get, names
