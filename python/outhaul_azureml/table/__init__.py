"""The facts of v1's public calls: which modules, classes and calls there are, with their parameters and defaults.

`v1.json` is made by `make.py` from the project's list of facts. Both the calls that do not work yet and the coverage
report come from it, so they cannot disagree.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_loaded = {}  # type: dict[str, Any]


def modules() -> "dict[str, Any]":
    """Every module of the table by name: `classes`, `functions` and `constants`."""
    if not _loaded:
        import json

        with open(os.path.join(os.path.dirname(__file__), "v1.json"), encoding="utf-8") as file:
            _loaded.update(json.load(file)["modules"])
    return _loaded


def module(name: str) -> "dict[str, Any]":
    """One module; empty for one that v1 does not have."""
    found = modules().get(name, {})  # type: dict[str, Any]
    return found


def owner(class_name: str, module_name: str) -> "dict[str, Any]":
    """The entry of a class in its module; empty if there is none."""
    found = module(module_name).get("classes", {}).get(class_name, {})  # type: dict[str, Any]
    return found
