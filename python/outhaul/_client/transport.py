"""The thin edges: bytes over a socket, pauses and child processes, once blocking and once with asyncio.

Everything above is written once, as coroutines over one of these two. The blocking one never suspends, so `drive` runs
a coroutine to its end without an event loop.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, AsyncGenerator, Coroutine, Dict, Iterator, List, Optional, Tuple, TypeVar

if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl

T = TypeVar("T")

SOCKET_FILE = "server.sock"
_PIECE = 1 << 16
_LONGEST_PATH = 107 if sys.platform.startswith("linux") else 103

Finished = Tuple[int, bytes, bytes]
"""Exit code, standard output and standard error of a process."""


class Wire:
    """One connection."""

    async def send(self, data: bytes, limit: Optional[float] = None) -> None:
        """Writes all of it; `TimeoutError` when that takes longer than `limit` seconds."""
        raise NotImplementedError

    async def receive(self, limit: Optional[float]) -> bytes:
        """The next bytes, none at the end; `TimeoutError` when nothing comes for `limit` seconds."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes it at once."""
        raise NotImplementedError


class Transport:
    """Where connections, pauses and processes come from."""

    keeps = 0
    """How many connections are kept for the next request."""

    async def open(self, home: str) -> Wire:
        """Connects to the socket in a data folder."""
        raise NotImplementedError

    async def connect(
        self, host: str, port: int, context: Optional[ssl.SSLContext], limit: Optional[float]
    ) -> Wire:
        """Connects to a port, with TLS where there is a context; `TimeoutError` after `limit` seconds."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """A pause."""
        raise NotImplementedError

    async def run(self, argv: List[str], given: bytes, env: Dict[str, str]) -> Finished:
        """Runs a program to its end."""
        raise NotImplementedError


class _SocketPath:
    """The socket's path as the system takes it; one that is too long goes through an open folder."""

    def __init__(self, home: str) -> None:
        self._folder: Optional[int] = None
        self.path = os.path.join(home, SOCKET_FILE)
        if len(os.fsencode(self.path)) > _LONGEST_PATH and sys.platform.startswith("linux"):
            self._folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.path = f"/proc/self/fd/{self._folder}/{SOCKET_FILE}"

    def __enter__(self) -> str:
        return self.path

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            os.close(self._folder)


class BlockingWire(Wire):
    """A connection over a blocking socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    async def send(self, data: bytes, limit: Optional[float] = None) -> None:
        import socket

        self._socket.settimeout(limit)
        try:
            self._socket.sendall(data)
        except socket.timeout as error:
            raise TimeoutError("not all was taken in time") from error

    async def receive(self, limit: Optional[float]) -> bytes:
        import socket

        self._socket.settimeout(limit)
        try:
            return self._socket.recv(_PIECE)
        except socket.timeout as error:
            raise TimeoutError("nothing came") from error

    def close(self) -> None:
        self._socket.close()


class Blocking(Transport):
    """Blocks the calling thread."""

    keeps = 4

    async def open(self, home: str) -> Wire:
        import socket

        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _SocketPath(home) as path:
                connected.connect(path)
        except BaseException:
            connected.close()
            raise
        return BlockingWire(connected)

    async def connect(
        self, host: str, port: int, context: Optional[ssl.SSLContext], limit: Optional[float]
    ) -> Wire:
        import socket

        try:
            connected = socket.create_connection((host, port), limit)
            try:
                return BlockingWire(context.wrap_socket(connected, server_hostname=host) if context else connected)
            except BaseException:
                connected.close()
                raise
        except socket.timeout as error:
            raise TimeoutError("no connection came about in time") from error

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def run(self, argv: List[str], given: bytes, env: Dict[str, str]) -> Finished:
        import subprocess

        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env) as process:
            try:
                out, err = process.communicate(given)
            except BaseException:
                process.kill()
                raise
            return process.returncode, out, err


class AsyncWire(Wire):
    """A connection of an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes, limit: Optional[float] = None) -> None:
        self._writer.write(data)
        if limit is None:
            return await self._writer.drain()
        import asyncio

        try:
            await asyncio.wait_for(self._writer.drain(), limit)
        except asyncio.TimeoutError as error:
            raise TimeoutError("not all was taken in time") from error

    async def receive(self, limit: Optional[float]) -> bytes:
        if limit is None:
            return await self._reader.read(_PIECE)
        import asyncio

        try:
            return await asyncio.wait_for(self._reader.read(_PIECE), limit)
        except asyncio.TimeoutError as error:
            raise TimeoutError("nothing came") from error

    def close(self) -> None:
        # What was not sent yet is left out: nobody waits for it, and the event loop may end first.
        self._writer.transport.abort()


class Async(Transport):
    """Suspends the calling task. Keeps no connection: it would outlive the event loop, and a new one costs little."""

    async def open(self, home: str) -> Wire:
        import asyncio

        with _SocketPath(home) as path:
            reader, writer = await asyncio.open_unix_connection(path)
        return AsyncWire(reader, writer)

    async def connect(
        self, host: str, port: int, context: Optional[ssl.SSLContext], limit: Optional[float]
    ) -> Wire:
        import asyncio

        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=context), limit)
        except asyncio.TimeoutError as error:
            raise TimeoutError("no connection came about in time") from error
        return AsyncWire(reader, writer)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def run(self, argv: List[str], given: bytes, env: Dict[str, str]) -> Finished:
        import asyncio

        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env)
        try:
            out, err = await process.communicate(given)
        except BaseException:
            try:
                process.kill()
            except ProcessLookupError:
                pass
            raise
        return process.returncode or 0, out, err


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine over the blocking transport to its end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    coroutine.close()
    raise RuntimeError("a coroutine over the blocking transport waited for an event loop")


def iterate(source: AsyncGenerator[T, None]) -> Iterator[T]:
    """What an async generator over the blocking transport gives."""

    async def following() -> T:
        return await source.__anext__()

    try:
        while True:
            try:
                item = drive(following())
            except StopAsyncIteration:
                return
            yield item
    finally:
        drive(_closed(source))


async def _closed(source: AsyncGenerator[T, None]) -> None:
    await source.aclose()
