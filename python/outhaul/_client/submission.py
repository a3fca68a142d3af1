"""A run as the words of `outhaul run`. Pure."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Union

from outhaul.errors import BadRequestError

PathText = Union[str, "os.PathLike[str]"]


class Submission(NamedTuple):
    """What is asked for. `environment` is a file, a registered name, or a spec spelled out as the API has it."""

    script: Optional[PathText] = None
    command: Optional[Sequence[str]] = None
    arguments: Sequence[object] = ()
    source: Optional[PathText] = None
    workspace: Optional[str] = None
    experiment: Optional[str] = None
    name: Optional[str] = None
    target: Optional[str] = None
    environment: Union[str, "os.PathLike[str]", Mapping[str, Any], None] = None
    variables: Optional[Mapping[str, object]] = None
    tags: Optional[Mapping[str, object]] = None
    max_duration: Union[str, int, float, None] = None
    resources: Optional[Mapping[str, object]] = None
    python: Optional[str] = None
    framework: Optional[str] = None
    spark_conf: Optional[Mapping[str, object]] = None
    spark_packages: Sequence[str] = ()
    array: Optional[str] = None
    options: Sequence[str] = ()
    """Further options of `outhaul run`, each as one word: `--nodes=2`."""


def words(asked: Submission) -> List[str]:
    """The words behind `outhaul run`, options first."""
    if (asked.script is None) == (asked.command is None):
        raise BadRequestError("give either a script or a command", 'for example `run("train.py")`')
    found: List[str] = []

    def option(name: str, value: object) -> None:
        if value is not None:
            found.append(f"--{name}={value}")

    for name, value in (
        ("workspace", asked.workspace),
        ("target", asked.target),
        ("experiment", asked.experiment),
        ("name", asked.name),
        ("source", None if asked.source is None else os.fspath(asked.source)),
    ):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"`{name}` must be text, not `{type(value).__name__}`")
        option(name, value)
    if isinstance(asked.environment, Mapping):
        option("environment-spec", json.dumps(asked.environment))
    elif asked.environment is not None:
        option("environment", os.fspath(asked.environment))
    else:
        option("python", asked.python or sys.executable or None)
    found += assignments("env", asked.variables)
    found += assignments("tag", asked.tags)
    option("max-duration", duration(asked.max_duration))
    for key, given in (asked.resources or {}).items():
        option(key.replace("_", "-"), duration(given) if key == "time" else given)
    option("framework", asked.framework)
    found += assignments("spark-conf", asked.spark_conf)
    option("array", asked.array)
    for package in asked.spark_packages:
        option("spark-package", package)
    found.extend(asked.options)
    if asked.command is not None:
        if isinstance(asked.command, (str, bytes)) or not asked.command:
            raise BadRequestError("a command is a list of its words", 'for example `command=["make", "all"]`')
        return [*found, "--", *map(_text, asked.command), *map(_text, asked.arguments)]
    if asked.script is None or isinstance(asked.arguments, (str, bytes)):
        raise BadRequestError("arguments are a list", 'for example `arguments=["--alpha", 0.4]`')
    script = os.fspath(asked.script)
    return [*found, "./" + script if script.startswith("-") else script, "--", *map(_text, asked.arguments)]


def indexes_text(indexes: Union[str, Iterable[int]], at_once: Optional[int] = None) -> str:
    """The indexes of an array as the command takes them: `0-9:3`, `1,5,7%2`."""
    if isinstance(indexes, str):
        text = indexes
    else:
        found = list(indexes)
        if not found or any(isinstance(one, bool) or not isinstance(one, int) or one < 0 for one in found):
            raise BadRequestError(
                "the indexes of an array are whole numbers from 0 on, at least one of them",
                'for example `range(10)`, `[1, 5, 7]` or "0-9:3"',
            )
        steps = {after - before for before, after in zip(found, found[1:])}
        step = steps.pop() if len(steps) == 1 else 0
        if step > 0:
            text = f"{found[0]}-{found[-1]}" + (f":{step}" if step > 1 else "")
        else:
            text = ",".join(map(str, found))
    return text if at_once is None else f"{text}%{at_once}"


def assignments(option: str, named: Optional[Mapping[str, object]]) -> List[str]:
    """Names with values as the words of an option that may be repeated: `--tag=NAME=VALUE`."""
    return [f"--{option}={_key(key, option)}={_text(value)}" for key, value in (named or {}).items()]


def _key(key: object, kind: str) -> str:
    if not isinstance(key, str) or not key or "=" in key:
        what = {"env": "variable", "tag": "tag"}.get(kind, "property of Spark")
        raise BadRequestError(f"`{key}` cannot be the name of a {what}: it is a text without `=`")
    return key


def _text(value: object) -> str:
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def duration(value: object) -> Optional[str]:
    """Seconds as a number, or the words that the command knows: `90`, `1h30m`."""
    if value is None or isinstance(value, str):
        return value
    total = value.total_seconds() if hasattr(value, "total_seconds") else value
    if not isinstance(total, (int, float)) or not 0 < total < 1e12:
        raise BadRequestError(f"`{value}` is not a duration", "write seconds, or a text such as `1h30m`")
    return str(max(1, round(total)))


def as_dict(asked: Submission) -> Dict[str, Any]:
    """What is asked for by its names, without what was not given."""
    return {name: value for name, value in asked._asdict().items() if value is not None}
