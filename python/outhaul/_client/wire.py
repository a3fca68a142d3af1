"""HTTP/1.1 as bytes: requests written, answers read piece by piece. No sockets here.

Only what the server of a data folder speaks: bodies with a length or in chunks, no redirects, no compression.
"""

from __future__ import annotations

from typing import Dict, List, Optional

_LONGEST_HEAD = 1 << 16


class WireError(Exception):
    """The bytes are not an answer of HTTP/1.1."""


def request(
    method: str, path: str, body: Optional[bytes] = None, accept: Optional[str] = None, kind: str = "application/json"
) -> bytes:
    """A request as it goes over the connection; `path` is encoded already."""
    lines = [f"{method} {path} HTTP/1.1", "Host: outhaul"]
    if accept is not None:
        lines.append(f"Accept: {accept}")
    if body is not None:
        lines.append(f"Content-Type: {kind}")
    if body is not None or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body or b'')}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + (body or b"")


def request_head(method: str, path: str, size: int) -> bytes:
    """The head of a request whose body of so many bytes follows piece by piece."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: outhaul\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {size}\r\n\r\n"
    ).encode("ascii")


class Answer:
    """An answer that arrives piece by piece: `push` what came, take what is there of the body from `take`."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Dict[str, str] = {}
        self.done = False
        self._buffer = bytearray()
        self._pieces: List[bytes] = []
        # Bytes of the body (or of the chunk) that are still to come; None before the length is known.
        self._left: Optional[int] = None
        self._chunked = False
        self._in_trailer = False

    @property
    def has_head(self) -> bool:
        """Whether status and headers are there."""
        return self.status != 0

    @property
    def keeps(self) -> bool:
        """Whether the connection takes another request after this answer."""
        return self.headers.get("connection", "").lower() != "close"

    def push(self, data: bytes) -> None:
        """Takes bytes from the connection; none means that it was closed."""
        if not data:
            if not self.done:
                raise WireError("the connection ended in the middle of an answer")
            return
        self._buffer += data
        if not self.has_head:
            self._read_head()
        if self.has_head:
            self._read_body()

    def take(self) -> bytes:
        """What of the body has arrived and was not taken yet."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken

    def _read_head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise WireError("the head of the answer is too long")
            return
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        parts = lines[0].split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not (parts[1].isdigit() and len(parts[1]) == 3):
            raise WireError(f"not an answer of HTTP/1.1: {lines[0][:80]!r}")
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise WireError(f"not a header: {line[:80]!r}")
            self.headers[name.strip().lower()] = value.strip()
        self.status = int(parts[1])
        self._chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        if not self._chunked:
            length = self.headers.get("content-length", "0")
            if not length.isdigit():
                raise WireError(f"not a length: {length[:80]!r}")
            self._left = 0 if self.status in (204, 304) else int(length)

    def _read_body(self) -> None:
        while not self.done:
            if self._chunked and self._left is None:
                if not self._read_chunk_head():
                    return
                continue
            left = self._left or 0
            piece = bytes(self._buffer[:left])
            del self._buffer[: len(piece)]
            if piece:
                self._pieces.append(piece)
            self._left = left - len(piece)
            if self._left:
                return
            if self._chunked:
                if len(self._buffer) < 2:
                    return
                if self._buffer[:2] != b"\r\n":
                    raise WireError("a chunk does not end where it should")
                del self._buffer[:2]
                self._left = None
            else:
                self.done = True

    def _read_chunk_head(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise WireError("the head of a chunk is too long")
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if self._in_trailer:
            self.done = not line
            return True
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            size = -1
        if size < 0:
            raise WireError(f"not the size of a chunk: {line[:80]!r}")
        if size:
            self._left = size
        else:
            self._in_trailer = True
        return True
