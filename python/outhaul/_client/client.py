"""The two faces of the client: `Client` blocks, `AsyncClient` is awaited. Both are thin over `Core`."""

from __future__ import annotations

from typing import Any, AsyncGenerator, Coroutine, Dict, Iterator, Mapping, Optional, Sequence, Tuple, TypeVar

from outhaul._client.core import Core
from outhaul._client.follow import Item, LogPiece, follow_events, follow_log
from outhaul._client.query import Value, new_run_id, run_path
from outhaul._client.submission import Submission, words
from outhaul._client.transport import Async, Blocking, drive, iterate

T = TypeVar("T")


class Client:
    """A blocking client of the server of one data folder; see `outhaul._client`. Several threads may use one."""

    def __init__(self, home: Optional[str] = None, program: Optional[str] = None, start: bool = True) -> None:
        self.core = Core(Blocking(), home, program, start)

    @property
    def home(self) -> str:
        """The data folder."""
        return self.core.home

    def block(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine over this client's core to its end."""
        return drive(coroutine)

    def request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Value]] = None,
        body: Any = None,
        repeat: Optional[bool] = None,
    ) -> Any:
        """Sends a request under `/api/v1` and gives the JSON of its answer."""
        return drive(self.core.request(method, path, query, body, repeat))

    def read(self, path: str, query: Optional[Mapping[str, Value]] = None) -> Iterator[bytes]:
        """The bytes of an answer as they arrive."""
        return iterate(self.core.stream(path, query))

    def upload(self, path: str, file: str) -> Any:
        """Sends a file to a route that takes bytes, and gives the JSON of the answer."""
        return drive(self.core.upload(path, file))

    def call(self, words: Sequence[str], secret: Optional[str] = None) -> Any:
        """Has the program do what its command line `words` says, and gives the JSON that it answers."""
        return drive(self.core.call(words, secret))

    def submit(self, asked: Submission, run_id: Optional[str] = None) -> Dict[str, Any]:
        """Submits a run and gives its description; the same id twice makes one run."""
        return drive(self.core.submit(words(asked), run_id or new_run_id()))

    def follow(
        self, run: str, stream: Optional[str] = None, offset: int = 0, follow: bool = True, states: bool = False
    ) -> Iterator[Item]:
        """A run's log as `LogPiece`, its changes as `StateChange` if `states`, and `End`, across lost connections."""
        return iterate(follow_log(self.core, run, stream, offset, follow, states))

    def log(self, run: str, stream: Optional[str] = None, offset: int = 0, follow: bool = False) -> Iterator[bytes]:
        """The bytes of a run's log as they come; with `follow` until the run has ended."""
        for item in self.follow(run, stream, offset, follow):
            if isinstance(item, LogPiece):
                yield item.data

    def events(self, run: str, after: int = 0) -> Iterator[Item]:
        """A run's event log as `Entry`, and `End`, until the run has ended."""
        return iterate(follow_events(self.core, run, after))

    def run(self, run: str) -> Dict[str, Any]:
        """The description of a run."""
        found: Dict[str, Any] = self.request("GET", run_path(run))
        return found

    def close(self) -> None:
        """Closes what is open. The client may be used again."""
        self.core.close()

    def __reduce__(self) -> Tuple[Any, Tuple[Any, ...]]:
        # Another process opens connections of its own.
        return Client, (self.core.home, self.core.given_program, self.core.starts)

    def __del__(self) -> None:
        core: Optional[Core] = getattr(self, "core", None)
        if core is not None:
            core.close()


class AsyncClient:
    """The same to be awaited. Nothing stays open between two calls."""

    def __init__(self, home: Optional[str] = None, program: Optional[str] = None, start: bool = True) -> None:
        self.core = Core(Async(), home, program, start)

    @property
    def home(self) -> str:
        """The data folder."""
        return self.core.home

    async def request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Value]] = None,
        body: Any = None,
        repeat: Optional[bool] = None,
    ) -> Any:
        """Sends a request under `/api/v1` and gives the JSON of its answer."""
        return await self.core.request(method, path, query, body, repeat)

    def read(self, path: str, query: Optional[Mapping[str, Value]] = None) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer as they arrive."""
        return self.core.stream(path, query)

    async def call(self, words: Sequence[str], secret: Optional[str] = None) -> Any:
        """Has the program do what its command line `words` says, and gives the JSON that it answers."""
        return await self.core.call(words, secret)

    async def submit(self, asked: Submission, run_id: Optional[str] = None) -> Dict[str, Any]:
        """Submits a run and gives its description; the same id twice makes one run."""
        return await self.core.submit(words(asked), run_id or new_run_id())

    def follow(
        self, run: str, stream: Optional[str] = None, offset: int = 0, follow: bool = True, states: bool = False
    ) -> AsyncGenerator[Item, None]:
        """A run's log as `LogPiece`, its changes as `StateChange` if `states`, and `End`, across lost connections."""
        return follow_log(self.core, run, stream, offset, follow, states)

    def events(self, run: str, after: int = 0) -> AsyncGenerator[Item, None]:
        """A run's event log as `Entry`, and `End`, until the run has ended."""
        return follow_events(self.core, run, after)
