"""What can be done with web services."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, AsyncGenerator, List, Mapping, Optional, Sequence, Union

from outhaul import errors
from outhaul._client import deployment, scoring
from outhaul._client.core import Core
from outhaul._client.deployment import Deployment
from outhaul._client.follow import Item, follow_log
from outhaul._client.query import new_run_id, segment
from outhaul._client.wire import WireError
from outhaul._model import ModelView
from outhaul._ops import given, runs
from outhaul._ops.given import EnvironmentLike, Info, PathText, TargetLike
from outhaul._service import ServiceError, ServiceKeys, ServiceView

if TYPE_CHECKING:
    import ssl

ModelLike = Union[str, "os.PathLike[str]", ModelView]

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5


def _path(name: str, rest: str = "") -> str:
    return f"/services/{segment(name)}{rest}"


def _model(one: ModelLike) -> str:
    """A model as the command takes it: a registered one, or a path of this machine."""
    if isinstance(one, ModelView):
        return one.id
    # A path as such is never taken for a name.
    return one if isinstance(one, str) else os.path.abspath(os.fspath(one))


def wishes(
    *,
    entry: Optional[PathText],
    models: Optional[Sequence[ModelLike]],
    source: Optional[PathText],
    environment: EnvironmentLike,
    host: Optional[str],
    port: Optional[int],
    workers: Optional[int],
    queue: Optional[int],
    timeout: Union[str, int, float, None],
    max_body: Union[str, int, None],
    cors: Optional[str],
    auth_keys: Optional[bool],
    tls_cert: Optional[PathText],
    tls_key: Optional[PathText],
    variables: Optional[Mapping[str, object]],
    tags: Optional[Mapping[str, object]],
    description: Optional[str],
) -> Deployment:
    """What is asked for, out of the arguments of `Workspace.deploy` and `Service.update`."""
    if isinstance(models, (str, os.PathLike, ModelView)):
        raise errors.BadRequestError("`models` is a list", f"for example `models=[{str(models)!r}]`")
    return Deployment(
        entry=entry,
        models=None if models is None else [_model(one) for one in models],
        source=source,
        environment=given.environment_of(environment),
        host=host,
        port=port,
        workers=workers,
        queue=queue,
        timeout=timeout,
        max_body=max_body,
        cors=cors,
        auth_keys=auth_keys,
        tls_cert=tls_cert,
        tls_key=tls_key,
        variables=variables,
        tags=tags,
        description=description,
    )


def _in(workspace: Optional[str]) -> List[str]:
    return [] if workspace is None else [f"--workspace={workspace}"]


async def deploy(
    core: Core,
    workspace: Optional[str],
    name: str,
    target: TargetLike,
    asked: Deployment,
    overwrite: bool,
    wait: bool,
) -> Info:
    """Deploys a service; without `wait` it is being brought up."""
    place = given.target_of(target) or "local"
    given.check_name("target", place)
    if asked.environment is None:
        asked = asked._replace(python=sys.executable or None)
    # The command's word for any machine but this one; what a target can do is said by the server.
    where = ["local"] if place == "local" else ["remote", f"--target={place}"]
    whole = ["deploy", *where, "--detach", f"--id={new_run_id()}", *_in(workspace)]
    whole += ["--overwrite"] if overwrite else []
    return await _settled(core, await core.call([*whole, *deployment.words(asked), "--", name]), wait)


async def update(core: Core, workspace: Optional[str], name: str, asked: Deployment, wait: bool) -> Info:
    """Changes a service; what is not asked for stays."""
    words, emptied = deployment.words(asked), deployment.emptied(asked)
    if not words and not emptied:
        raise errors.BadRequestError(
            "nothing to change is named", "`service.reload()` takes up the source folder as it is now"
        )
    if words and emptied:
        raise errors.BadRequestError(
            f"`{emptied[0]}` is empty, which goes with no other change", "take it away in an update of its own"
        )
    if emptied:
        body: Info = {part: [] if part == "models" else {} for part in emptied}
        told = await core.request("PATCH", _path(name), given.in_workspace(workspace), body)
    else:
        told = await core.call(["service", "update", "--detach", *_in(workspace), *words, "--", name])
    return await _settled(core, told, wait)


async def reload(core: Core, workspace: Optional[str], name: str, wait: bool) -> Info:
    """Takes up the source folder as it is now."""
    told = await core.call(["service", "reload", "--detach", *_in(workspace), "--", name])
    return await _settled(core, told, wait)


async def services(
    core: Core, workspace: Optional[str], tag: Optional[str], model: Union[str, ModelView, None]
) -> List[Info]:
    """Services by name."""
    query = {"workspace": workspace, "tag": tag, "model": None if model is None else str(model)}
    told: List[Info] = await core.request("GET", "/services", query)
    return told


async def service(core: Core, workspace: Optional[str], name: str) -> Info:
    """One service."""
    told: Info = await core.request("GET", _path(name), given.in_workspace(workspace))
    return told


async def _settled(core: Core, told: Info, wait: bool) -> Info:
    """What was just asked for: as it is, or when it answers."""
    return await _up(core, told, None) if wait else told


async def wait(core: Core, workspace: Optional[str], name: str, timeout: Optional[float]) -> Info:
    """Waits until what was asked for last answers; `ServiceFailedError` when it does not come up."""
    return await _up(core, await service(core, workspace, name), timeout)


async def _up(core: Core, told: Info, timeout: Optional[float]) -> Info:
    """Waits for the generation that was told of."""
    until = None if timeout is None else time.monotonic() + timeout
    now, pause = ServiceView(told), _FIRST_PAUSE
    wanted = now.generation
    while now.is_changing and now.generation == wanted:
        left = pause if until is None else min(pause, until - time.monotonic())
        if left <= 0:
            raise TimeoutError(f"service `{now.name}` does not answer after {timeout} seconds; it goes on")
        await core.transport.sleep(left)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        now = ServiceView(await service(core, told["workspace"], now.name))
    # An error that is there now is of what was asked for: one that comes up takes it away.
    if now.error is not None and now.generation == wanted:
        raise await _failure(core, now, now.error)
    return now.info


async def _failure(core: Core, now: ServiceView, error: ServiceError) -> errors.ServiceFailedError:
    what = "stays as it was" if now.state == "Healthy" else "did not come up"
    text = f"service `{now.name}` {what}: {error.message}\n{error.log.rstrip()}".rstrip()
    failed: Info = {}
    if error.run_id is not None:
        try:
            failed = await runs.run(core, error.run_id)
        except errors.NotFoundError:
            pass
    hint = f"`outhaul service logs {now.name}` has all of it" if error.log else None
    return errors.ServiceFailedError(text, hint, now.info, failed)


async def delete(core: Core, workspace: Optional[str], name: str, wait: bool) -> None:
    """Ends a service when what is under way is answered."""
    told: Info = await core.request("DELETE", _path(name), given.in_workspace(workspace), repeat=False)
    pause = _FIRST_PAUSE
    while wait:
        try:
            if (await service(core, told["workspace"], name))["id"] != told["id"]:
                return
        except errors.NotFoundError:
            return
        await core.transport.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def keys(core: Core, workspace: Optional[str], name: str) -> ServiceKeys:
    """The keys of a service."""
    return ServiceKeys(await core.request("GET", _path(name, "/keys"), given.in_workspace(workspace)))


async def renew_key(core: Core, workspace: Optional[str], name: str, which: str, wait: bool) -> ServiceKeys:
    """Makes a key anew."""
    if which not in ("primary", "secondary"):
        raise errors.BadRequestError(f"there is no key `{which}`", 'the keys are "primary" and "secondary"')
    query = given.in_workspace(workspace)
    told = ServiceKeys(await core.request("POST", _path(name, f"/keys/{which}"), query, repeat=False))
    if wait:
        await _up(core, await service(core, workspace, name), None)
    return told


async def log(
    core: Core, workspace: Optional[str], name: str, stream: Optional[str], follow: bool
) -> AsyncGenerator[Item, None]:
    """The log of the instance that answers, else of the one that is to, else of the one that failed."""
    run = ServiceView(await service(core, workspace, name)).run_id
    if run is None:
        return
    items = follow_log(core, run, stream, 0, follow)
    try:
        async for item in items:
            yield item
    finally:
        await items.aclose()


async def score(
    core: Core,
    workspace: Optional[str],
    known: ServiceView,
    data: Any,
    content_type: str,
    key: Optional[str],
    context: Optional[ssl.SSLContext],
    timeout: Optional[float],
) -> Any:
    """Sends a request to a service and gives what it answers."""
    body = scoring.payload(data)
    tried: List[Optional[str]] = [key]
    if key is None and known.asks_for_key:
        # The second one, because a first one that was made anew counts only when the next instance answers.
        tried = list(await keys(core, workspace, known.name))
    try:
        for one in tried:
            answer = await scoring.send(core.transport, known.url, body, content_type, one, context, timeout)
            # A script that answers 401 itself is not asked twice.
            if answer.status != 401 or "www-authenticate" not in answer.headers:
                break
    except TimeoutError:
        raise TimeoutError(f"service `{known.name}` has not answered after {timeout} seconds") from None
    except (OSError, WireError) as error:
        raise _unreachable(known, error) from error
    if answer.is_good:
        return answer.value
    raise errors.ScoringError(
        f"service `{known.name}` answered with status {answer.status}: {answer.message}",
        _advice(known, answer),
        answer.status,
        answer.body,
    )


def _unreachable(known: ServiceView, error: Exception) -> errors.OuthaulError:
    hint = f"`outhaul service show {known.name}` says where it stands"
    if type(error).__name__ == "SSLCertVerificationError":
        hint = "`context=ssl.create_default_context(cafile=...)` trusts the certificate in a file"
    return errors.ConnectionLostError(f"service `{known.name}` does not answer at {known.url}: {error}", hint)


def _advice(known: ServiceView, answer: scoring.Scored) -> Optional[str]:
    if answer.status == 401:
        return f"`key=` is one of `outhaul service keys {known.name}`"
    if answer.headers.get("x-ms-run-function-failed", "").lower() == "true":
        return f"`outhaul service logs {known.name}` has the traceback"
    return None
