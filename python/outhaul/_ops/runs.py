"""What can be done with runs and arrays of them."""

from __future__ import annotations

import os
import time
from typing import Any, List, Mapping, Optional, Sequence, Union

from outhaul import errors
from outhaul._client.core import Core
from outhaul._client.follow import End, follow_events
from outhaul._client.query import new_run_id, run_path, segment, segments
from outhaul._client.submission import Submission, words
from outhaul._ops import given
from outhaul._ops.given import EnvironmentLike, Info, PathText, TargetLike


async def submit(core: Core, asked: Submission) -> Info:
    """Submits a run."""
    return await core.submit(words(asked), new_run_id())


async def array(core: Core, run_id: str) -> Info:
    """An array, named by any of its runs."""
    told: Info = await core.request("GET", f"/arrays/{segment(run_id)}")
    return told


async def wait_for_array(core: Core, ids: Sequence[str], timeout: Optional[float]) -> List[Info]:
    """Waits until all these runs have ended, and gives their descriptions."""
    until = None if timeout is None else time.monotonic() + timeout
    ended = []
    for run_id in ids:
        left = None if until is None else max(0.0, until - time.monotonic())
        try:
            ended.append(await wait(core, run_id, left))
        except TimeoutError:
            raise TimeoutError(f"the array of run `{ids[0]}` has not ended after {timeout} seconds; it goes on") from None
    return ended


async def cancel_array(core: Core, run_id: str) -> int:
    """Asks for the end of an array's runs; says how many had not ended."""
    told: List[Info] = await core.request("POST", f"/arrays/{segment(run_id)}/cancel", repeat=True)
    return sum(not one["already_ended"] for one in told)


async def plan(core: Core, asked: Submission) -> Info:
    """What a submission would do; nothing is changed."""
    told: Info = await core.call(["run", "--dry-run", *words(asked)])
    return told


async def run(core: Core, run_id: str) -> Info:
    """The description of a run."""
    told: Info = await core.request("GET", run_path(run_id))
    return told


def tracked_body(
    workspace: Optional[str],
    experiment: Optional[str],
    name: Optional[str],
    tags: Optional[Mapping[str, object]],
    properties: Optional[Mapping[str, object]],
    parent: Optional[str],
    run_id: Optional[str],
) -> Info:
    """What begins a run that a client plays. Without an experiment it is named after the current folder."""
    return {
        "id": run_id or new_run_id(),
        "workspace": workspace,
        "experiment": experiment or (None if parent else experiment_of(os.getcwd())),
        "name": name,
        "parent": parent,
        "tags": {str(key): str(value) for key, value in (tags or {}).items()},
        "properties": {str(key): str(value) for key, value in (properties or {}).items()},
    }


def experiment_of(folder: str) -> str:
    """A valid name of an experiment from that of a folder, as the command makes it."""
    import re

    name = re.sub("[^A-Za-z0-9._-]", "-", os.path.basename(os.path.abspath(folder)))
    return re.sub("^[^A-Za-z0-9]+", "", name).rstrip("-")[:255] or "default"


async def runs(
    core: Core,
    workspace: Optional[str],
    experiment: Optional[str] = None,
    target: Optional[str] = None,
    state: Optional[str] = None,
    tag: Optional[str] = None,
    parent: Optional[str] = None,
    limit: Optional[int] = None,
    array: Optional[str] = None,
) -> List[Info]:
    """Runs, newest first."""
    query = {
        "workspace": workspace,
        "experiment": experiment,
        "target": target,
        "state": state,
        "tag": tag,
        "parent": parent,
        "limit": limit,
        "array": array,
    }
    told: List[Info] = await core.request("GET", "/runs", query)
    return told


async def wait(core: Core, run_id: str, timeout: Optional[float] = None) -> Info:
    """Waits until a run has ended and gives its description."""
    until = None if timeout is None else time.monotonic() + timeout
    items = follow_events(core, run_id, 0, until)
    try:
        async for item in items:
            if isinstance(item, End) and item.run is not None:
                return item.run
    except TimeoutError:
        raise TimeoutError(f"run `{run_id}` has not ended after {timeout} seconds; it goes on") from None
    finally:
        await items.aclose()
    return await run(core, run_id)


def check_ended_well(info: Mapping[str, Any]) -> None:
    """Raises when a run that has ended did not end well."""
    short, state = str(info["id"])[:8], info["state"]
    if state == "Completed":
        return
    failure = info.get("failure")
    if failure:
        raise errors.RunFailedError(
            f"run `{short}` failed: {failure['message']}",
            failure.get("hint") or f"`outhaul runs logs {short}` shows its log",
            dict(info),
        )
    reason = (info.get("cancel") or {}).get("reason")
    by = "it ran longer than it may" if reason == "max_duration" else "it was canceled"
    raise errors.RunFailedError(f"run `{short}` is `{state}`: {by}", None, dict(info))


async def cancel(core: Core, run_id: str) -> bool:
    """Asks for a run's end; False when it had ended already."""
    told = await core.request("POST", run_path(run_id, "/cancel"), repeat=True)
    return not told["already_ended"]


async def rerun(core: Core, run_id: str, target: Optional[str]) -> Info:
    """Repeats a run under a new id."""
    body = {"id": new_run_id(), "target": target}
    told: Info = await core.request("POST", run_path(run_id, "/rerun"), body=body, repeat=True)
    return told


async def metrics(core: Core, run_id: str) -> List[Info]:
    """What a run logged."""
    told: List[Info] = await core.request("GET", run_path(run_id, "/metrics"))
    return told


async def outputs(core: Core, run_id: str) -> List[Info]:
    """The files that a run left."""
    told: List[Info] = await core.request("GET", run_path(run_id, "/outputs"))
    return told


async def read_output(core: Core, run_id: str, path: str) -> bytes:
    """The content of one file."""
    source = core.stream(run_path(run_id, "/outputs/" + segments(path)))
    try:
        return b"".join([piece async for piece in source])
    finally:
        await source.aclose()


async def download(core: Core, run_id: str, folder: PathText) -> List[Info]:
    """Writes all files into a folder, each checked against its hash; those that are there already stay."""
    run_path(run_id)
    told: List[Info] = await core.call(["runs", "outputs", f"--download={os.fspath(folder)}", "--", run_id])
    return told


async def events(core: Core, run_id: str) -> List[Info]:
    """The event log of a run so far."""
    told: List[Info] = await core.request("GET", run_path(run_id, "/events"))
    return told


def submission(
    workspace: Optional[str],
    script: Optional[PathText] = None,
    *,
    arguments: Sequence[object] = (),
    command: Optional[Sequence[str]] = None,
    source: Optional[PathText] = None,
    target: TargetLike = None,
    environment: EnvironmentLike = None,
    experiment: Optional[str] = None,
    name: Optional[str] = None,
    variables: Optional[Mapping[str, object]] = None,
    tags: Optional[Mapping[str, object]] = None,
    max_duration: Union[str, int, float, None] = None,
    resources: Optional[Mapping[str, object]] = None,
    framework: Optional[str] = None,
    spark_conf: Optional[Mapping[str, object]] = None,
    spark_packages: Sequence[str] = (),
    options: Sequence[str] = (),
    array: Optional[str] = None,
) -> Submission:
    """What is asked for, out of the arguments of `Workspace.run`."""
    return Submission(
        script=script,
        command=command,
        arguments=arguments,
        source=source,
        workspace=workspace,
        experiment=experiment,
        name=name,
        target=given.target_of(target),
        environment=given.environment_of(environment),
        variables=variables,
        tags=tags,
        max_duration=max_duration,
        resources=resources,
        framework=framework,
        spark_conf=spark_conf,
        spark_packages=spark_packages,
        options=options,
        array=array,
    )
