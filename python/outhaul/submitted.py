"""A run that was submitted: its state, log, metrics and files, and its end."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, TextIO, Type, Union

from outhaul._model import ENDED, Event, Metrics, Output, RunView, moment
from outhaul._ops import given, runs

if TYPE_CHECKING:
    from outhaul._client.client import Client
    from outhaul._logs import Logs
    from outhaul.models import Model


class Run(RunView):
    """A run. As long as it has not ended, its properties ask the server each time.

    As a context manager it belongs to its block: the end of the block waits for the run and raises when it did not end
    well, and an exception that leaves the block (Ctrl-C too) cancels it.
    """

    def __init__(self, client: Client, info: Mapping[str, Any]) -> None:
        super().__init__(info)
        self._client = client

    def _known(self) -> Dict[str, Any]:
        # Lists tell less of a run than the run itself does.
        if self._info["state"] not in ENDED or "spec" not in self._info:
            self.refresh()
        return self._info

    def refresh(self) -> Run:
        """Asks the server for its description now."""
        self._info = self._client.block(runs.run(self._client.core, self.id))
        return self

    def wait(self, timeout: Optional[float] = None, raise_on_failure: bool = True) -> Run:
        """Waits until it has ended. `RunFailedError` when it did not end well, `TimeoutError` after so many seconds."""
        self._info = self._client.block(runs.wait(self._client.core, self.id, timeout))
        if raise_on_failure:
            runs.check_ended_well(self._info)
        return self

    def logs(self, stream: Optional[str] = None, follow: bool = False) -> Logs:
        """Its log: walk over it for lines, or take its `text()`. `stream` is `stdout`, `stderr` or `environment`; all
        in order of arrival without. With `follow` until the run has ended, across lost connections.
        """
        from outhaul._logs import Logs

        return Logs(lambda: self._client.follow(self.id, stream, 0, follow))

    def follow(self, file: Optional[TextIO] = None, raise_on_failure: bool = True) -> Run:
        """Prints its log as it comes until the run has ended, and then does what `wait` does."""
        for text in self.logs(follow=True).chunks():
            print(text, end="", file=file, flush=True)
        return self.wait(raise_on_failure=raise_on_failure)

    def metrics(self) -> Metrics:
        """What it logged so far, by name."""
        return Metrics(self._client.block(runs.metrics(self._client.core, self.id)))

    def outputs(self) -> List[Output]:
        """The files that it left; they are there when it has ended."""
        told = self._client.block(runs.outputs(self._client.core, self.id))
        return [Output(file["path"], file["size"], file["hash"]) for file in told]

    def read(self, path: str) -> bytes:
        """The content of one of its files: `run.read("outputs/model.pkl")`."""
        return self._client.block(runs.read_output(self._client.core, self.id, path))

    def download(self, folder: Union[str, "os.PathLike[str]"]) -> List[Output]:
        """Writes all its files into a folder, each checked against its hash."""
        told = self._client.block(runs.download(self._client.core, self.id, folder))
        return [Output(file["path"], file["size"], file["hash"]) for file in told]

    def register_model(
        self,
        name: str,
        path: str,
        *,
        tags: Optional[Mapping[str, object]] = None,
        properties: Optional[Mapping[str, object]] = None,
        description: Optional[str] = None,
        framework: Optional[str] = None,
        framework_version: Optional[str] = None,
    ) -> Model:
        """Keeps one of its files, or a folder of them, as the next version of a model. Nothing is copied."""
        from outhaul.models import Models

        return Models(self._client, self.info["workspace"]).register(
            name,
            path,
            run=self.id,
            tags=tags,
            properties=properties,
            description=description,
            framework=framework,
            framework_version=framework_version,
        )

    def events(self) -> List[Event]:
        """Its event log so far: what happened, and when."""
        told = self._client.block(runs.events(self._client.core, self.id))
        return [Event(entry["seq"], moment(entry["at"]), entry["event"]["kind"], entry["event"]) for entry in told]

    def cancel(self) -> bool:
        """Asks for its end, politely at first; False when it had ended already. `wait` waits for it."""
        return self._client.block(runs.cancel(self._client.core, self.id))

    def rerun(self, target: given.TargetLike = None) -> Run:
        """Repeats it: the same code, packages and settings, on the same target or another."""
        return Run(self._client, self._client.block(runs.rerun(self._client.core, self.id, given.target_of(target))))

    def children(self) -> List[Run]:
        """Its child runs, newest first."""
        told = self._client.block(runs.runs(self._client.core, self.info["workspace"], parent=self.id))
        return [Run(self._client, info) for info in told]

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None:
            self.wait()
        else:
            self.cancel()

    def _repr_html_(self) -> str:
        from outhaul._display import run_html

        return run_html(self)

    def _ipython_display_(self) -> None:
        from outhaul._notebook import show

        show(self)
