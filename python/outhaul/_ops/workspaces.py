"""What can be done with workspaces, and with the experiments and environments in them."""

from __future__ import annotations

import os
from typing import List, Mapping, Optional

from outhaul import errors
from outhaul._client.core import Core
from outhaul._client.query import segment
from outhaul._ops import given
from outhaul._ops.given import EnvironmentLike, Info, Query


async def workspace(core: Core, name: Optional[str]) -> Info:
    """A workspace: the named one, which must be there, or the one in use."""
    if name is not None:
        named: Info = await core.request("GET", f"/workspaces/{segment(name)}")
        return named
    for told in await core.request("GET", "/workspaces"):
        if told.get("current"):
            found: Info = told
            return found
    raise errors.NotFoundError("no workspace is in use", "`outhaul workspace use NAME` chooses one")


async def experiments(core: Core, name: Optional[str]) -> List[Info]:
    """The experiments of a workspace."""
    told: List[Info] = await core.request("GET", "/experiments", given.in_workspace(name))
    return told


async def environments(core: Core, name: Optional[str]) -> List[Info]:
    """The registered environments."""
    told: List[Info] = await core.request("GET", "/environments", given.in_workspace(name))
    return told


async def environment(core: Core, workspace: Optional[str], name: str, version: Optional[int]) -> Info:
    """One registered environment; its newest version when none is given."""
    query: Query = {"workspace": workspace, "version": version}
    told: Info = await core.request("GET", f"/environments/{segment(name)}", query)
    return told


async def register_environment(
    core: Core, workspace: Optional[str], asked: EnvironmentLike, name: Optional[str]
) -> Info:
    """Keeps an environment, spelled out or in a file, under a name; a new content makes a new version."""
    spec = given.environment_of(asked)
    if isinstance(spec, Mapping):
        body = {"workspace": workspace, "name": name or spec.get("name"), "spec": spec}
        if not body["name"]:
            raise errors.BadRequestError("the environment has no name", "give `name=`")
        told: Info = await core.request("POST", "/environments", body=body)
        return told
    if spec is None:
        raise errors.BadRequestError("say which environment: a file or an `Environment`")
    whole = ["environment", "register"]
    whole += [f"--workspace={workspace}"] if workspace is not None else []
    whole += [f"--name={name}"] if name is not None else []
    filed: Info = await core.call([*whole, "--", os.fspath(spec)])
    return filed


async def create_workspace(core: Core, name: Optional[str], conda: Optional[str]) -> Info:
    """Makes a workspace; one that is there stays as it is, unless `conda` is given."""
    if name is None:
        raise errors.BadRequestError("the workspace in use is there already", "give a name to make another")
    try:
        told = await workspace(core, name)
    except errors.NotFoundError:
        pass
    else:
        if conda is None:
            return told
    settings = {} if conda is None else {"conda": conda}
    made: Info = await core.request("PUT", f"/workspaces/{segment(name)}", body={"settings": settings})
    return made
