"""The client itself, written once as coroutines: requests, lost answers, the server on demand, commands.

`Core` is used through `Client` (blocking) or `AsyncClient`; see `outhaul._client`.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, AsyncGenerator, Dict, List, Mapping, Optional, Sequence, Tuple

from outhaul import __version__, errors
from outhaul._client.program import build_of, data_folder, find_program, gives_way
from outhaul._client.query import Value, with_query
from outhaul._client.transport import SOCKET_FILE, Transport, Wire
from outhaul._client.wire import Answer, WireError, request, request_head

_MOST_TRIES = 6
_FIRST_PAUSE = 0.05
_SILENCE = 30.0
"""How long a stream of events may be silent, in seconds: the server sends a heartbeat every ten."""
_NO_SERVER = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)
_PIECE = 1 << 18
_SHOWN = 200


class _TimeIsUp(Exception):
    """A moment that was waited for at most has come."""


class Core:
    """A client of the server of one data folder."""

    def __init__(
        self,
        transport: Transport,
        home: Optional[str] = None,
        program: Optional[str] = None,
        start: bool = True,
    ) -> None:
        self.transport = transport
        self.home = os.path.abspath(home) if home else data_folder(os.environ)
        self.given_program = program
        self.starts = start
        self._kept: List[Wire] = []
        self._owner = os.getpid()
        self._looked = False

    @property
    def program(self) -> str:
        """The path of the program `outhaul`."""
        return find_program(self.given_program)

    def close(self) -> None:
        """Closes the connections that are kept for the next request. The client may be used again."""
        kept, self._kept = self._kept, []
        for wire in kept:
            wire.close()

    # Requests

    async def request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Value]] = None,
        body: Any = None,
        repeat: Optional[bool] = None,
    ) -> Any:
        """Sends a request under `/api/v1` and gives the JSON of its answer (None when it has no body).

        `repeat` says that the request may be sent again when its answer was lost: by default all but POST.
        """
        repeat = method != "POST" if repeat is None else repeat
        payload = None if body is None else json.dumps(body, allow_nan=False).encode()
        data = request(method, with_query(path, query), payload)
        pause = _FIRST_PAUSE
        for attempt in range(1, _MOST_TRIES + 1):
            try:
                answer, wire = await self._exchange(data, fresh=not repeat)
                text = await self._whole(answer, wire)
            except errors.ServerNotRunningError:
                raise
            except errors.ConnectionLostError:
                if not repeat or attempt == _MOST_TRIES:
                    raise
            else:
                if answer.status < 300:
                    return _parsed(text, f"`{path}`") if text else None
                error = _refusal(answer, text)
                # A request that is refused has changed nothing: the next server takes it.
                if not isinstance(error, errors.ServerStoppingError) or attempt == _MOST_TRIES:
                    raise error
            await self.transport.sleep(pause)
            pause *= 2
        raise AssertionError("the last try answers or raises")

    async def stream(
        self,
        path: str,
        query: Optional[Mapping[str, Value]] = None,
        body: Any = None,
        accept: Optional[str] = None,
        until: Optional[float] = None,
    ) -> AsyncGenerator[bytes, None]:
        """The body of an answer as it arrives: a GET, or with a body a POST. A connection that breaks is an error.

        `until` is a moment of `time.monotonic()`: a stream that goes on beyond it is a `TimeoutError`.
        """
        payload = None if body is None else json.dumps(body, allow_nan=False).encode()
        data = request("GET" if body is None else "POST", with_query(path, query), payload, accept)
        answer, wire = await self._exchange(data, fresh=True)
        if answer.status >= 300:
            raise _refusal(answer, await self._whole(answer, wire))
        try:
            while True:
                piece = answer.take()
                if piece:
                    yield piece
                elif answer.done:
                    return
                else:
                    limit = _SILENCE if accept is not None else None
                    if until is not None:
                        left = until - time.monotonic()
                        if left <= 0:
                            raise _TimeIsUp
                        limit = left if limit is None else min(limit, left)
                    try:
                        await self._more(answer, wire, limit)
                    except errors.ConnectionLostError:
                        if until is not None and time.monotonic() >= until:
                            raise _TimeIsUp from None
                        raise
        except _TimeIsUp:
            raise TimeoutError("the time is up") from None
        finally:
            wire.close()

    async def upload(self, path: str, file: str) -> Any:
        """Sends a file, piece by piece, by PUT to a route under `/api/v1`, and gives the JSON of the answer.

        The route must be one where twice is the same as once, as all that are put.
        """
        pause = _FIRST_PAUSE
        for attempt in range(1, _MOST_TRIES + 1):
            try:
                return await self._upload(path, file)
            except errors.ServerNotRunningError:
                raise
            except (errors.ConnectionLostError, errors.ServerStoppingError):
                if attempt == _MOST_TRIES:
                    raise
            await self.transport.sleep(pause)
            pause *= 2
        raise AssertionError("the last try answers or raises")

    async def _upload(self, path: str, file: str) -> Any:
        with open(file, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            wire = await self._open()
            answer = Answer()
            try:
                try:
                    await wire.send(request_head("PUT", with_query(path, None), size))
                    left = size
                    while left:
                        piece = source.read(min(left, _PIECE))
                        if not piece:
                            raise errors.BadRequestError(f"`{file}` became shorter while it was sent")
                        await wire.send(piece)
                        left -= len(piece)
                except (BrokenPipeError, ConnectionResetError):
                    # A server that refuses the file need not read all of it: what it says is there to be read.
                    pass
                while not answer.has_head:
                    answer.push(await wire.receive(None))
            except (OSError, WireError) as error:
                wire.close()
                raise _lost(error) from error
            except BaseException:
                wire.close()
                raise
        text = await self._whole(answer, wire)
        if answer.status >= 300:
            raise _refusal(answer, text)
        return _parsed(text, f"`{path}`")

    async def _exchange(self, data: bytes, fresh: bool) -> Tuple[Answer, Wire]:
        """Sends a request and waits for the head of its answer.

        With `fresh` no kept connection is used: one that the server closed meanwhile would leave open whether the
        request arrived.
        """
        if not fresh:
            wire = self._take()
            if wire is not None:
                try:
                    return await self._head(data, wire), wire
                except errors.ConnectionLostError:
                    pass
        wire = await self._open()
        return await self._head(data, wire), wire

    async def _head(self, data: bytes, wire: Wire) -> Answer:
        answer = Answer()
        try:
            await wire.send(data)
            while not answer.has_head:
                answer.push(await wire.receive(None))
        except (OSError, WireError) as error:
            wire.close()
            raise _lost(error) from error
        except BaseException:
            wire.close()
            raise
        return answer

    async def _more(self, answer: Answer, wire: Wire, limit: Optional[float]) -> None:
        try:
            answer.push(await wire.receive(limit))
        except (OSError, WireError) as error:
            raise _lost(error) from error

    async def _whole(self, answer: Answer, wire: Wire) -> bytes:
        pieces = []
        try:
            while not answer.done:
                await self._more(answer, wire, None)
                pieces.append(answer.take())
        except BaseException:
            wire.close()
            raise
        pieces.append(answer.take())
        if answer.keeps and len(self._kept) < self.transport.keeps and self._owner == os.getpid():
            self._kept.append(wire)
        else:
            wire.close()
        return b"".join(pieces)

    def _take(self) -> Optional[Wire]:
        if self._owner != os.getpid():
            # A connection must not be shared with the process that this one was forked from.
            self.close()
            self._owner = os.getpid()
        try:
            return self._kept.pop()
        except IndexError:
            return None

    # The server on demand

    async def _open(self) -> Wire:
        if not self._looked:
            await self._look()
        try:
            return await self.transport.open(self.home)
        except _NO_SERVER:
            await self.start()
        except OSError as error:
            raise self._unusable(error) from error
        try:
            return await self.transport.open(self.home)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> errors.ConnectionLostError:
        path = os.path.join(self.home, SOCKET_FILE)
        return errors.ConnectionLostError(
            f"cannot connect to `{path}`: {error.strerror or error}", "`outhaul doctor` looks for the cause"
        )

    async def _look(self) -> None:
        """Lets a server give way that an update has replaced, once for each client."""
        self._looked = True
        if not self.starts:
            return
        try:
            wire = await self.transport.open(self.home)
        except OSError:
            return
        try:
            answer = await self._head(request("GET", with_query("/server", None)), wire)
            ours = build_of(os.path.realpath(self.program))
        except (errors.ConnectionLostError, errors.ProgramNotFoundError):
            return
        finally:
            wire.close()
        if gives_way(ours, __version__, answer.headers.get("outhaul-build", "")):
            await self.start()

    async def start(self) -> None:
        """Starts the server as the command does: one for each data folder, however many want it at once."""
        if not self.starts:
            raise errors.ServerNotRunningError(
                f"no server is running for the data folder `{self.home}`", "any command of `outhaul` starts it"
            )
        await self.call(["server", "start"])

    # Commands

    async def call(self, words: Sequence[str], secret: Optional[str] = None) -> Any:
        """Has the program do what its command line `words` says, and gives the JSON that it answers.

        Nothing is an argument of the process: the words go over standard input, with the secret behind them.
        """
        code, out, err = await self._call(words, secret)
        told = err.decode("utf-8", "replace").splitlines()
        if code == 0:
            for line in told:
                _warn(line)
            return _parsed(out, f"`outhaul {' '.join(words[:2])}`") if out.strip() else None
        raise _failed(code, told)

    async def _call(self, words: Sequence[str], secret: Optional[str]) -> Tuple[int, bytes, bytes]:
        document = json.dumps({"words": list(words)}).encode()
        given = b"%d\n%s" % (len(document), document)
        if secret is not None:
            if "\n" in secret:
                raise errors.BadRequestError("a password or passphrase has one line")
            given += secret.encode() + b"\n"
        env = dict(os.environ, OUTHAUL_HOME=self.home)
        program = self.program
        try:
            return await self.transport.run([program, "call"], given, env)
        except OSError as error:
            raise errors.ProgramNotFoundError(
                f"the program `{program}` cannot be started: {error.strerror or error}"
            ) from error

    async def submit(self, words: Sequence[str], run_id: str) -> Dict[str, Any]:
        """Submits a run: `words` are those of `outhaul run` behind `run`. Asking again makes no second run."""
        whole = ["run", "--detach", f"--id={run_id}", *words]
        code, out, err = await self._call(whole, None)
        if code < 0:
            # The program was killed before it could tell what it had done.
            code, out, err = await self._call(whole, None)
        told = err.decode("utf-8", "replace").splitlines()
        if code != 0:
            raise _failed(code, told)
        for line in told:
            _warn(line)
        run: Dict[str, Any] = _parsed(out, "`outhaul run`")
        return run


def _lost(error: BaseException) -> errors.ConnectionLostError:
    return errors.ConnectionLostError(
        f"the connection to the server was lost: {error}", "`outhaul doctor` looks for the cause"
    )


def _parsed(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise errors.of_answer(None, f"{what}: {error}") from error


def _refusal(answer: Answer, text: bytes) -> errors.OuthaulError:
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    shown = text[:_SHOWN].decode("utf-8", "replace").strip()
    return errors.of_answer(told, f"status {answer.status}: {shown}")


def _failed(code: int, told: List[str]) -> errors.OuthaulError:
    """Why a command failed: the last line that it wrote is the error as JSON."""
    if told:
        try:
            return errors.of_answer(json.loads(told[-1]), told[-1])
        except ValueError:
            pass
    ended = f"by signal {-code}" if code < 0 else f"with code {code}"
    return errors.ServerError(f"the program `outhaul` ended {ended}: " + " ".join(told)[:_SHOWN])


def _warn(line: str) -> None:
    """Passes a warning of the program on; its notes and logs of builds are not for here."""
    if line.startswith("warning: "):
        import warnings

        warnings.warn(line[len("warning: ") :], stacklevel=4)
