"""What can be done with runs, targets and environments, once, as coroutines over the client's core.

`outhaul` runs them blocking, `outhaul.aio` awaits them; both only wrap what comes back.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from outhaul import errors
from outhaul._client import attaching
from outhaul._client.attaching import Attachment
from outhaul._client.core import Core
from outhaul._client.follow import End, follow_events
from outhaul._client.query import new_run_id, run_path, segment, segments
from outhaul._client.submission import Submission, words
from outhaul._model import ModelView, RunView, TargetView
from outhaul.environment import Environment, RegisteredEnvironment

Info = Dict[str, Any]
PathText = Union[str, "os.PathLike[str]"]
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


# Runs


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


# Targets


def _in(workspace: Optional[str]) -> Mapping[str, Union[str, int, bool, None]]:
    return {"workspace": workspace}


async def targets(core: Core, workspace: Optional[str]) -> List[Info]:
    """All compute targets."""
    told: List[Info] = await core.request("GET", "/targets", _in(workspace))
    return told


async def target(core: Core, workspace: Optional[str], name: str) -> Info:
    """One compute target."""
    told: Info = await core.request("GET", f"/targets/{segment(name)}", _in(workspace))
    return told


async def check_target(core: Core, workspace: Optional[str], name: str) -> List[Info]:
    """Checks a compute target now."""
    told = await core.request("POST", f"/targets/{segment(name)}/check", _in(workspace), repeat=True)
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
    query: Mapping[str, Union[str, int, bool, None]] = {"forget": True if forget else None}
    told: Info = await core.request("DELETE", f"/targets/{segment(name)}", query, repeat=False)
    return told


# Models


def _models(workspace: Optional[str]) -> str:
    return f"/workspaces/{segment('-' if workspace is None else workspace)}/models"


def _model(workspace: Optional[str], name: str) -> str:
    return f"{_models(workspace)}/{segment(name)}"


def _texts(given: Optional[Mapping[str, object]]) -> Dict[str, str]:
    return {str(key): str(value) for key, value in (given or {}).items()}


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
    check_name("model", name)
    return {
        "id": new_run_id(),
        "name": name,
        "run": run.id if isinstance(run, RunView) else run,
        "path": os.fspath(path),
        "tags": _texts(tags),
        "properties": _texts(properties),
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
) -> Mapping[str, Union[str, int, bool, None]]:
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
    core: Core, workspace: Optional[str], query: Mapping[str, Union[str, int, bool, None]]
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
        "set_tags": _texts(tags),
        "remove_tags": list(remove_tags),
        "add_properties": _texts(properties),
        "description": description,
    }


async def change_model(core: Core, workspace: Optional[str], name: str, change: Info) -> Info:
    """Changes a version of a model. Twice is the same as once."""
    told: Info = await core.request("PATCH", _model(workspace, name), body=change)
    return told


async def delete_model(core: Core, workspace: Optional[str], name: str) -> None:
    """Deletes a version of a model."""
    await core.request("DELETE", _model(workspace, name), repeat=False)


# Workspaces, experiments, environments


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
    told: List[Info] = await core.request("GET", "/experiments", _in(name))
    return told


async def environments(core: Core, name: Optional[str]) -> List[Info]:
    """The registered environments."""
    told: List[Info] = await core.request("GET", "/environments", _in(name))
    return told


async def environment(core: Core, workspace: Optional[str], name: str, version: Optional[int]) -> Info:
    """One registered environment; its newest version when none is given."""
    query: Mapping[str, Union[str, int, bool, None]] = {"workspace": workspace, "version": version}
    told: Info = await core.request("GET", f"/environments/{segment(name)}", query)
    return told


async def register_environment(
    core: Core, workspace: Optional[str], given: EnvironmentLike, name: Optional[str]
) -> Info:
    """Keeps an environment, spelled out or in a file, under a name; a new content makes a new version."""
    spec = environment_of(given)
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
        target=target_of(target),
        environment=environment_of(environment),
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
