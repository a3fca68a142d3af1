"""A run's log as text: lines out of pieces of bytes, and the two ways to walk over them."""

from __future__ import annotations

import codecs
from typing import AsyncGenerator, AsyncIterator, Callable, Iterator, List

from outhaul._client.follow import Item, LogPiece


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")


class Lines:
    """Lines of text out of bytes; what is not UTF-8 is shown as a replacement character."""

    def __init__(self) -> None:
        self._decoder = _decoder()
        self._rest = ""

    def push(self, data: bytes, final: bool = False) -> List[str]:
        """The lines that are complete with these bytes, without their ends; at the end also what has none."""
        lines = (self._rest + self._decoder.decode(data, final)).split("\n")
        self._rest = "" if final else lines.pop()
        if final and lines[-1] == "":
            lines.pop()
        return [line[:-1] if line.endswith("\r") else line for line in lines]


class Logs:
    """The log of a run: walk over it for lines, or take `text()` or `bytes()`. Each use asks the server anew."""

    def __init__(self, items: Callable[[], Iterator[Item]]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[str]:
        lines = Lines()
        for data in self.pieces():
            yield from lines.push(data)
        yield from lines.push(b"", final=True)

    def pieces(self) -> Iterator[bytes]:
        """The bytes as they come."""
        for item in self._items():
            if isinstance(item, LogPiece):
                yield item.data

    def chunks(self) -> Iterator[str]:
        """The text as it comes, not cut into lines: progress bars move."""
        decoder = _decoder()
        for data in self.pieces():
            yield decoder.decode(data)
        yield decoder.decode(b"", True)

    def bytes(self) -> bytes:
        """All of it, byte for byte."""
        return b"".join(self.pieces())

    def text(self) -> str:
        """All of it as text."""
        return self.bytes().decode("utf-8", "replace")

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return "<Logs: walk over it for lines, or `print(run.logs())`>"

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text(self.text())  # type: ignore[attr-defined]


class AsyncLogs:
    """The log of a run for `async for`: lines, or `await text()`, `await bytes()`."""

    def __init__(self, items: Callable[[], AsyncGenerator[Item, None]]) -> None:
        self._items = items

    async def __aiter__(self) -> AsyncIterator[str]:
        lines = Lines()
        async for data in self.pieces():
            for line in lines.push(data):
                yield line
        for line in lines.push(b"", final=True):
            yield line

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The bytes as they come."""
        items = self._items()
        try:
            async for item in items:
                if isinstance(item, LogPiece):
                    yield item.data
        finally:
            await items.aclose()

    async def chunks(self) -> AsyncGenerator[str, None]:
        """The text as it comes, not cut into lines: progress bars move."""
        decoder = _decoder()
        async for data in self.pieces():
            yield decoder.decode(data)
        yield decoder.decode(b"", True)

    async def bytes(self) -> bytes:
        """All of it, byte for byte."""
        return b"".join([data async for data in self.pieces()])

    async def text(self) -> str:
        """All of it as text."""
        return (await self.bytes()).decode("utf-8", "replace")
