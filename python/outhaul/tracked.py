"""A run that this process plays: `with ws.start_run("ridge") as run: run.log("mse", 3.2)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from outhaul._client.query import run_path
from outhaul._ops import runs
from outhaul._record import check_name
from outhaul._server_sink import ServerSink
from outhaul.run import _MAX_ERROR
from outhaul.run import Run as InsideRun

if TYPE_CHECKING:
    from outhaul._client.client import Client
    from outhaul._model import Metrics
    from outhaul.models import Model
    from outhaul.submitted import Run


class TrackedRun(InsideRun):
    """A run without a target: a notebook, or a script that was started by hand. It is what is said about it.

    It has the calls of a run from inside (`log`, `tag`, `upload_file`, `child_run`; see docs/inside-a-run.md), and ends
    with `complete`, `fail` or `cancel`, or with its `with` block. `watch` gives it as others see it.
    """

    def __init__(self, client: Client, info: Mapping[str, Any], parent: Optional[TrackedRun] = None) -> None:
        super().__init__(ServerSink(client, str(info["id"])), str(info["id"]), str(info["name"]), parent, info["tags"])
        self.experiment = str(info["experiment"])
        self.workspace = str(info["workspace"])
        self.target = str(info["target"])
        self._client = client
        # A child is a run of its own, not a record in its parent's file.
        self._child = None

    def watch(self) -> Run:
        """The run as `Workspace.get_run` gives it."""
        from outhaul.submitted import Run

        return Run(self._client, self._client.run(self.id))

    def metrics(self) -> Metrics:
        """What was logged so far, by name."""
        return self.watch().metrics()

    def register_model(self, name: str, path: str, **asked: Any) -> Model:
        """Keeps one of its uploaded files, or a folder of them, as the next version of a model; see `Run.register_model`."""
        return self.watch().register_model(name, path, **asked)

    def log_metrics(self, values: Mapping[str, object], step: Optional[int] = None) -> None:
        """Records several numbers of one step, one by one."""
        for name, value in values.items():
            self.log(name, value, step=step)

    def remove_tag(self, key: str) -> None:
        """Takes a tag off; one that is not there is no error."""
        self._client.request("POST", run_path(self.id, "/tags"), body={"remove": [check_name(key, "tag name")]}, repeat=True)
        self._tags.pop(key, None)

    def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None) -> TrackedRun:
        """Starts a child with its own metrics, tags and files; it ends with this run at the latest."""
        return start(self._client, None, None, name, None, None, self, run_id)

    def get_metrics(self, name: Optional[str] = None, recursive: bool = False) -> Dict[str, Any]:
        """What was logged so far, by name; with `recursive` by run id, for this run and all below it."""
        own = super().get_metrics(name)
        if not recursive:
            return own
        found = {self.id: own}
        for child in self.watch().children():
            below = TrackedRun(self._client, child.info, self)
            found.update(below.get_metrics(name, recursive=True))
        return found

    def _end(self, state: str, error: object = None) -> None:
        if self._ended:
            return
        body = {"state": state, "message": None if error is None else str(error)[:_MAX_ERROR]}
        self._client.request("POST", run_path(self.id, "/end"), body=body, repeat=True)
        self._ended = True

    def __reduce__(self) -> Tuple[Any, Tuple[Any, ...]]:
        return attach, (self._client.home, self._client.core.program, self.id)

    def __repr__(self) -> str:
        return f"<TrackedRun {self.id[:8]} {self.name!r}>"

    def _repr_html_(self) -> str:
        return self.watch()._repr_html_()


def attach(home: str, program: str, run: str) -> TrackedRun:
    """The same run in another process."""
    from outhaul._client.client import Client

    client = Client(home, program)
    return TrackedRun(client, client.run(run))


def start(
    client: Client,
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
    return TrackedRun(client, client.request("POST", "/runs/tracked", body=body, repeat=True), parent)


__all__: List[str] = ["TrackedRun"]
