"""What can be done with compute targets."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from outhaul import errors
from outhaul._client import attaching
from outhaul._client.attaching import Attachment
from outhaul._client.core import Core
from outhaul._client.query import segment
from outhaul._ops import given
from outhaul._ops.given import Info, Query


async def targets(core: Core, workspace: Optional[str]) -> List[Info]:
    """All compute targets."""
    told: List[Info] = await core.request("GET", "/targets", given.in_workspace(workspace))
    return told


async def target(core: Core, workspace: Optional[str], name: str) -> Info:
    """One compute target."""
    told: Info = await core.request("GET", f"/targets/{segment(name)}", given.in_workspace(workspace))
    return told


async def check_target(core: Core, workspace: Optional[str], name: str) -> List[Info]:
    """Checks a compute target now."""
    told = await core.request("POST", f"/targets/{segment(name)}/check", given.in_workspace(workspace), repeat=True)
    checks: List[Info] = told["checks"]
    return checks


async def attach(
    core: Core,
    workspace: Optional[str],
    kind: str,
    asked: Attachment,
    cluster: Sequence[Tuple[str, Optional[str]]] = (),
) -> Info:
    """Attaches a compute target; without `wait` it is `Creating` at first."""
    whole = attaching.words(kind, asked, cluster)
    if workspace is not None:
        whole.insert(3, f"--workspace={workspace}")
    told: Info = await core.call(whole, attaching.secret(asked))
    return told


async def wait_for_target(core: Core, workspace: Optional[str], name: str) -> Info:
    """Waits until a target is no longer `Creating`; one that could not be attached is an error."""
    pause = 0.02
    while True:
        told = await target(core, workspace, name)
        if told["provisioning_state"] != "Creating":
            break
        await core.transport.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    error = told.get("error")
    if error:
        raise errors.TargetError(
            f"the target `{name}` could not be attached: {error['check']}: {error['message']}", error.get("hint")
        )
    return told


async def detach(core: Core, name: str, forget: bool) -> Info:
    """Detaches a compute target and cleans up on its machine."""
    query: Query = {"forget": True if forget else None}
    told: Info = await core.request("DELETE", f"/targets/{segment(name)}", query, repeat=False)
    return told
