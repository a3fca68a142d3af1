"""A run that was submitted, for asyncio; see `outhaul.submitted`."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, TextIO, Type, Union

from outhaul._model import Event, Metrics, Output, RunView, moment
from outhaul._ops import given, runs

if TYPE_CHECKING:
    from outhaul._client.client import AsyncClient
    from outhaul._logs import AsyncLogs
    from outhaul.aio.models import Model


class Run(RunView):
    """A run. Its properties are those of the last answer; `await run.refresh()` asks again.

    As an async context manager it belongs to its block: the end of the block waits for the run and raises when it did
    not end well, and an exception that leaves the block (a cancelled task's too) cancels it.
    """

    def __init__(self, client: AsyncClient, info: Mapping[str, Any]) -> None:
        super().__init__(info)
        self._client = client

    async def refresh(self) -> Run:
        """Asks the server for its description now."""
        self._info = await runs.run(self._client.core, self.id)
        return self

    async def wait(self, timeout: Optional[float] = None, raise_on_failure: bool = True) -> Run:
        """Waits until it has ended. `RunFailedError` when it did not end well, `TimeoutError` after so many seconds."""
        self._info = await runs.wait(self._client.core, self.id, timeout)
        if raise_on_failure:
            runs.check_ended_well(self._info)
        return self

    def logs(self, stream: Optional[str] = None, follow: bool = False) -> AsyncLogs:
        """Its log: walk over it for lines, or take its `text()`. `stream` is `stdout`, `stderr` or `environment`; all
        in order of arrival without. With `follow` until the run has ended, across lost connections.
        """
        from outhaul._logs import AsyncLogs

        return AsyncLogs(lambda: self._client.follow(self.id, stream, 0, follow))

    async def follow(self, file: Optional[TextIO] = None, raise_on_failure: bool = True) -> Run:
        """Prints its log as it comes until the run has ended, and then does what `wait` does."""
        async for text in self.logs(follow=True).chunks():
            print(text, end="", file=file, flush=True)
        return await self.wait(raise_on_failure=raise_on_failure)

    async def metrics(self) -> Metrics:
        """What it logged so far, by name."""
        return Metrics(await runs.metrics(self._client.core, self.id))

    async def outputs(self) -> List[Output]:
        """The files that it left; they are there when it has ended."""
        told = await runs.outputs(self._client.core, self.id)
        return [Output(file["path"], file["size"], file["hash"]) for file in told]

    async def read(self, path: str) -> bytes:
        """The content of one of its files: `run.read("outputs/model.pkl")`."""
        return await runs.read_output(self._client.core, self.id, path)

    async def download(self, folder: Union[str, "os.PathLike[str]"]) -> List[Output]:
        """Writes all its files into a folder, each checked against its hash."""
        told = await runs.download(self._client.core, self.id, folder)
        return [Output(file["path"], file["size"], file["hash"]) for file in told]

    async def register_model(
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
        from outhaul.aio.models import Models

        return await Models(self._client, self._info.get("workspace")).register(
            name,
            path,
            run=self.id,
            tags=tags,
            properties=properties,
            description=description,
            framework=framework,
            framework_version=framework_version,
        )

    async def events(self) -> List[Event]:
        """Its event log so far: what happened, and when."""
        told = await runs.events(self._client.core, self.id)
        return [Event(entry["seq"], moment(entry["at"]), entry["event"]["kind"], entry["event"]) for entry in told]

    async def cancel(self) -> bool:
        """Asks for its end, politely at first; False when it had ended already. `wait` waits for it."""
        return await runs.cancel(self._client.core, self.id)

    async def rerun(self, target: given.TargetLike = None) -> Run:
        """Repeats it: the same code, packages and settings, on the same target or another."""
        return Run(self._client, await runs.rerun(self._client.core, self.id, given.target_of(target)))

    async def children(self) -> List[Run]:
        """Its child runs, newest first."""
        told = await runs.runs(self._client.core, self._info.get("workspace"), parent=self.id)
        return [Run(self._client, info) for info in told]

    async def __aenter__(self) -> Run:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None:
            await self.wait()
        else:
            await self.cancel()
