"""What callers may give for a run, a target, an environment or a name, as the API takes it. Pure."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional, Union

from outhaul import errors
from outhaul._model import RunView, TargetView
from outhaul.environment import Environment, RegisteredEnvironment

Info = Dict[str, Any]
"""What the API tells, or is told."""

PathText = Union[str, "os.PathLike[str]"]
Query = Mapping[str, Union[str, int, bool, None]]
EnvironmentLike = Union[str, "os.PathLike[str]", Mapping[str, Any], Environment, RegisteredEnvironment, None]
TargetLike = Union[str, TargetView, None]
RunLike = Union[str, RunView, None]


def environment_of(given: EnvironmentLike) -> Union[str, "os.PathLike[str]", Mapping[str, Any], None]:
    """An environment as a submission takes it."""
    if isinstance(given, Environment):
        return given.spec
    return str(given) if isinstance(given, RegisteredEnvironment) else given


def target_of(given: TargetLike) -> Optional[str]:
    """The name of a target."""
    return given.name if isinstance(given, TargetView) else given


def in_workspace(workspace: Optional[str]) -> Query:
    """The query that names a workspace."""
    return {"workspace": workspace}


def texts(given: Optional[Mapping[str, object]]) -> Dict[str, str]:
    """Names and values as texts."""
    return {str(key): str(value) for key, value in (given or {}).items()}


def check_name(what: str, name: str) -> None:
    """Refuses a name that the server would refuse."""
    allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} must be text, not `{type(name).__name__}`")
    if not (1 <= len(name) <= 255) or any(letter not in allowed for letter in name) or name[0] in "-_.":
        raise errors.BadRequestError(
            f"{what} name `{name}` is not allowed: use 1 to 255 letters, digits, `-`, `_` and `.`, "
            "beginning with a letter or digit"
        )
