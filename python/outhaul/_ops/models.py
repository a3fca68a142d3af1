"""What can be done with models."""

from __future__ import annotations

import os
from typing import List, Mapping, Optional, Sequence

from outhaul import errors
from outhaul._client.core import Core
from outhaul._client.query import new_run_id, segment, segments
from outhaul._model import ModelView, RunView
from outhaul._ops import given
from outhaul._ops.given import Info, PathText, Query, RunLike


def _models(workspace: Optional[str]) -> str:
    return f"/workspaces/{segment('-' if workspace is None else workspace)}/models"


def _model(workspace: Optional[str], name: str) -> str:
    return f"{_models(workspace)}/{segment(name)}"


def model_id(name: str, version: Optional[int]) -> str:
    """How a model is named in a path."""
    return name if version is None else f"{name}:{int(version)}"


def registration(
    name: str,
    path: PathText,
    run: RunLike,
    tags: Optional[Mapping[str, object]],
    properties: Optional[Mapping[str, object]],
    description: Optional[str],
    framework: Optional[str],
    framework_version: Optional[str],
) -> Info:
    """What is asked for, out of the arguments of `Models.register`; one id, however often it is asked."""
    given.check_name("model", name)
    return {
        "id": new_run_id(),
        "name": name,
        "run": run.id if isinstance(run, RunView) else run,
        "path": os.fspath(path),
        "tags": given.texts(tags),
        "properties": given.texts(properties),
        "description": description,
        "framework": framework,
        "framework_version": framework_version,
    }


async def register_model(core: Core, workspace: Optional[str], asked: Info) -> Info:
    """Registers a model: from a run by a request, from files of this machine through the program."""
    rest = {key: value for key, value in asked.items() if key not in ("run", "path")}
    if asked["run"] is not None:
        body = {**rest, "source": {"kind": "run", "run": asked["run"], "path": asked["path"]}}
        told: Info = await core.request("POST", _models(workspace), body=body, repeat=True)
        return told
    words = ["model", "register", f"--id={rest['id']}", f"--path={os.path.abspath(asked['path'])}"]
    words += [f"--workspace={workspace}"] if workspace is not None else []
    for option, pairs in (("tag", rest["tags"]), ("property", rest["properties"])):
        words += [f"--{option}={key}={value}" for key, value in pairs.items()]
    for option in ("description", "framework", "framework_version"):
        if rest[option] is not None:
            words.append(f"--{option.replace('_', '-')}={rest[option]}")
    filed: Info = await core.call([*words, "--", asked["name"]])
    return filed


def model_query(
    name: Optional[str],
    tag: Optional[str],
    property: Optional[str],
    run: RunLike,
    framework: Optional[str],
    latest: bool,
) -> Query:
    """Which models are asked for, out of the arguments of `Models.list`."""
    return {
        "name": name,
        "tag": tag,
        "property": property,
        "run": run.id if isinstance(run, RunView) else run,
        "framework": framework,
        "latest": True if latest else None,
    }


async def models(
    core: Core, workspace: Optional[str], query: Query
) -> List[Info]:
    """Models, newest first."""
    told: List[Info] = await core.request("GET", _models(workspace), query)
    return told


async def model(core: Core, workspace: Optional[str], name: str) -> Info:
    """All that is known of a model."""
    told: Info = await core.request("GET", _model(workspace, name))
    return told


async def read_model(core: Core, workspace: Optional[str], name: str, path: str) -> bytes:
    """The content of one file of a model."""
    source = core.stream(f"{_model(workspace, name)}/files/{segments(path)}")
    try:
        return b"".join([piece async for piece in source])
    finally:
        await source.aclose()


async def download_model(
    core: Core, workspace: Optional[str], name: str, folder: PathText, force: bool
) -> str:
    """Writes the files of a model into a folder, each checked against its hash."""
    words = ["model", "download", f"--to={os.path.abspath(os.fspath(folder))}"]
    words += ["--force"] if force else []
    words += [f"--workspace={workspace}"] if workspace is not None else []
    told = await core.call([*words, "--", name])
    return os.path.join(os.fspath(folder), ModelView(told["model"]).entry)


def model_change(
    tags: Optional[Mapping[str, object]],
    remove_tags: Sequence[str],
    properties: Optional[Mapping[str, object]],
    description: Optional[str],
) -> Info:
    """What changes, out of the arguments of `Model.update`."""
    if isinstance(remove_tags, str):
        raise errors.BadRequestError("`remove_tags` is a list", f'for example `remove_tags=["{remove_tags}"]`')
    return {
        "set_tags": given.texts(tags),
        "remove_tags": list(remove_tags),
        "add_properties": given.texts(properties),
        "description": description,
    }


async def change_model(core: Core, workspace: Optional[str], name: str, change: Info) -> Info:
    """Changes a version of a model. Twice is the same as once."""
    told: Info = await core.request("PATCH", _model(workspace, name), body=change)
    return told


async def delete_model(core: Core, workspace: Optional[str], name: str) -> None:
    """Deletes a version of a model."""
    await core.request("DELETE", _model(workspace, name), repeat=False)
