"""A run that this process plays, for asyncio: `async with await ws.start_run("ridge") as run: await run.log("mse", 3.2)`.

What a call checks and records is said once, in `outhaul.run`; here it is collected and sent.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, Type, Union

from outhaul import _files, _metrics
from outhaul._client.query import run_path, segments
from outhaul._model import Metrics
from outhaul._ops import runs
from outhaul._record import RunError, check_name
from outhaul._server_sink import OURS, free_name, lines_of, request_of, warn_lost
from outhaul._sink import Sink
from outhaul.aio.submitted import Run
from outhaul.run import _MAX_ERROR
from outhaul.run import Run as InsideRun

if TYPE_CHECKING:
    from outhaul._client.client import AsyncClient
    from outhaul.aio.models import Model

Described = Union[Mapping[str, Any], str]


class _Collected(Sink):
    """The requests that the records of a call make."""

    def __init__(self) -> None:
        self.requests: List[Tuple[str, Any]] = []

    def put(self, who: Optional[str], kind: str, fields: Dict[str, Any], line: bytes) -> None:
        made = request_of(kind, fields, line)
        if made is not None:
            self.requests.append(made)

    def take(self) -> List[Tuple[str, Any]]:
        """What was collected, which is collected no longer."""
        taken, self.requests = self.requests, []
        return taken


class TrackedRun:
    """A run without a target; see `outhaul.tracked.TrackedRun`, whose calls it has, to be awaited.

    As an async context manager it ends with its block: `Completed`, `Failed` when an exception leaves it, `Canceled` by
    Ctrl-C and by the cancelling of its task.
    """

    def __init__(self, client: AsyncClient, info: Mapping[str, Any], parent: Optional[TrackedRun] = None) -> None:
        self.id = str(info["id"])
        self.name = str(info["name"])
        self.parent = parent
        self.experiment = str(info["experiment"])
        self.workspace = str(info["workspace"])
        self.target = str(info["target"])
        self.dropped_records = 0
        self._client = client
        self._ended = False
        self._collected = _Collected()
        self._checked = InsideRun(self._collected, self.id, self.name)

    async def register_model(self, name: str, path: str, **asked: Any) -> Model:
        """Keeps one of its uploaded files, or a folder of them, as the next version of a model; see `Run.register_model`."""
        return await (await self.watch()).register_model(name, path, **asked)

    # Metrics

    async def log(self, name: str, value: object, description: str = "", step: Optional[int] = None) -> None:
        """Records one number, text or truth value; repeat the name to draw a curve, `step` is its x."""
        self._checked.log(name, value, description, step)
        await self._send()

    async def log_metrics(self, values: Mapping[str, object], step: Optional[int] = None) -> None:
        """Records several numbers of one step."""
        for name, value in values.items():
            await self.log(name, value, step=step)

    async def log_list(self, name: str, value: Iterable[object], description: str = "") -> None:
        """Records several values at once; a second list of the same name continues the first."""
        self._checked.log_list(name, value, description)
        await self._send()

    async def log_row(self, name: str, description: Optional[str] = None, **kwargs: object) -> None:
        """Records one row of a table, a column per keyword."""
        self._checked.log_row(name, description, **kwargs)
        await self._send()

    async def log_table(self, name: str, value: Dict[str, Iterable[object]], description: str = "") -> None:
        """Records a whole table as columns of one length."""
        self._checked.log_table(name, value, description)
        await self._send()

    async def log_confusion_matrix(self, name: str, value: Described, description: str = "") -> None:
        """Records a confusion matrix: a dict or its JSON text."""
        await self._document("confusion_matrix", name, value, description)

    async def log_residuals(self, name: str, value: Described, description: str = "") -> None:
        """Records a histogram of residuals: a dict or its JSON text."""
        await self._document("residuals", name, value, description)

    async def log_predictions(self, name: str, value: Described, description: str = "") -> None:
        """Records binned predictions against true values: a dict or its JSON text."""
        await self._document("predictions", name, value, description)

    async def log_accuracy_table(self, name: str, value: Described, description: str = "") -> None:
        """Records an accuracy table: a dict or its JSON text."""
        await self._document("accuracy_table", name, value, description)

    async def _document(self, kind: str, name: str, value: object, description: str) -> None:
        self._checked._document(kind, name, value, description)
        await self._send()

    async def log_image(
        self, name: str, path: Optional[str] = None, plot: object = None, description: str = ""
    ) -> None:
        """Keeps an image file, or a matplotlib figure (or `pyplot` itself) as PNG, under this name, numbered if it is
        taken.
        """
        wanted, fill = self._checked._image(name, path, plot)
        told = await self._client.request("GET", run_path(self.id, "/outputs"))
        kept = free_name(wanted, {file["path"] for file in told})
        await self._keep(kept, fill)
        self._checked._put("image", {"name": name, "path": kept}, description)
        await self._send()

    async def get_metrics(self, name: Optional[str] = None, recursive: bool = False) -> Dict[str, Any]:
        """What was logged so far, by name; with `recursive` by run id, for this run and all below it."""
        values = await runs.metrics(self._client.core, self.id)
        own: Dict[str, Any] = _metrics.by_run(lines_of(values, []), name).get(None, {})
        if not recursive:
            return own
        found = {self.id: own}
        for child in await (await self.watch()).children():
            below = TrackedRun(self._client, await runs.run(self._client.core, child.id), self)
            found.update(await below.get_metrics(name, recursive=True))
        return found

    async def metrics(self) -> Metrics:
        """What was logged so far, by name."""
        return Metrics(await runs.metrics(self._client.core, self.id))

    # Tags and properties

    async def tag(self, key: str, value: object = None) -> None:
        """Sets a tag; a later value replaces an earlier one."""
        self._checked.tag(key, value)
        await self._send()

    async def set_tags(self, tags: Dict[str, object]) -> None:
        """Sets several tags."""
        self._checked.set_tags(tags)
        await self._send()

    async def remove_tag(self, key: str) -> None:
        """Takes a tag off; one that is not there is no error."""
        body = {"remove": [check_name(key, "tag name")]}
        await self._client.request("POST", run_path(self.id, "/tags"), body=body, repeat=True)

    async def get_tags(self) -> Dict[str, str]:
        """Its tags."""
        return dict((await runs.run(self._client.core, self.id))["tags"])

    async def add_properties(self, properties: Dict[str, object]) -> None:
        """Adds lasting facts about the run, such as the data's version."""
        self._checked.add_properties(properties)
        await self._send()

    async def get_properties(self) -> Dict[str, str]:
        """Its properties."""
        return dict((await runs.run(self._client.core, self.id)).get("properties") or {})

    # Files

    async def upload_file(self, name: str, path_or_stream: object) -> None:
        """Keeps a copy of a file, as it is now, under `name`; the same name replaces the earlier file."""
        await self._keep(_files.artifact_name(name), _files.copier(path_or_stream))

    async def upload_files(self, names: List[str], paths: List[str]) -> None:
        """Keeps several files, each name with the path at the same place."""
        if len(names) != len(paths):
            raise RunError(f"upload_files: {len(names)} names for {len(paths)} paths; give one name per path")
        for name, path in zip(names, paths):
            await self.upload_file(name, path)

    async def upload_folder(self, name: str, path: str) -> None:
        """Keeps every file below a folder, under `name/`."""
        prefix = _files.artifact_name(name.rstrip("/") if isinstance(name, str) and name != "/" else name)
        for relative, full in _files.files_below(path):
            await self.upload_file(prefix + "/" + relative, full)

    async def get_file_names(self) -> List[str]:
        """The names of its files."""
        return [file["path"] for file in await runs.outputs(self._client.core, self.id)]

    async def _keep(self, name: str, fill: Callable[[str], object]) -> None:
        with tempfile.TemporaryDirectory(prefix="outhaul-") as folder:
            path = os.path.join(folder, "file")
            fill(path)
            await self._client.core.upload(run_path(self.id, "/outputs/" + segments(name)), path)

    # Children and the end

    async def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None) -> TrackedRun:
        """Starts a child with its own metrics, tags and files; it ends with this run at the latest."""
        return await start(self._client, None, None, name, None, None, self, run_id)

    async def create_children(
        self, count: Optional[int] = None, tag_key: Optional[str] = None, tag_values: Optional[List[object]] = None
    ) -> List[TrackedRun]:
        """Starts several children: `count` of them, or one per value of a tag."""
        children = []
        for tags in InsideRun._tags_of_children(count, tag_key, tag_values):
            child = await self.child_run()
            await child.set_tags(tags)
            children.append(child)
        return children

    async def complete(self) -> None:
        """Ends it as completed."""
        await self._end("Completed")

    async def fail(self, error_details: object = None) -> None:
        """Ends it as failed."""
        await self._end("Failed", error_details)

    async def cancel(self) -> None:
        """Ends it as canceled."""
        await self._end("Canceled")

    async def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing to do: every call has been recorded when it returns."""

    async def watch(self) -> Run:
        """The run as `Workspace.get_run` gives it."""
        return Run(self._client, await runs.run(self._client.core, self.id))

    async def _end(self, state: str, error: object = None) -> None:
        if self._ended:
            return
        body = {"state": state, "message": None if error is None else str(error)[:_MAX_ERROR]}
        await self._client.request("POST", run_path(self.id, "/end"), body=body, repeat=True)
        self._ended = True

    async def _send(self) -> None:
        # Taken before the first pause, so that another task's call sends its own.
        for route, body in self._collected.take():
            try:
                await self._client.request("POST", run_path(self.id, route), body=body, repeat=True)
            except OURS as error:
                self.dropped_records += 1
                if self.dropped_records == 1:
                    warn_lost(self.id, error)

    async def __aenter__(self) -> TrackedRun:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            await self.complete()
        elif isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            await self.cancel()
        else:
            await self.fail(f"{type(error).__name__}: {error}")

    def __repr__(self) -> str:
        return f"<TrackedRun {self.id[:8]} {self.name!r}>"


async def start(
    client: AsyncClient,
    workspace: Optional[str],
    experiment: Optional[str],
    name: Optional[str],
    tags: Optional[Mapping[str, object]],
    properties: Optional[Mapping[str, object]],
    parent: Optional[TrackedRun],
    run_id: Optional[str] = None,
) -> TrackedRun:
    """Begins a tracked run; asking again with the same id makes no second one."""
    body = runs.tracked_body(workspace, experiment, name, tags, properties, parent.id if parent else None, run_id)
    return TrackedRun(client, await client.request("POST", "/runs/tracked", body=body, repeat=True), parent)
