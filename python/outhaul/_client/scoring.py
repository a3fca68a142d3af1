"""One request to a web service over a connection of its own, as its callers send it. It needs no data folder."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Tuple

from outhaul._client.transport import Transport
from outhaul._client.wire import Answer
from outhaul.errors import BadRequestError

if TYPE_CHECKING:
    import ssl

JSON = "application/json"


class Scored(NamedTuple):
    """What a web service answered."""

    status: int
    headers: Dict[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the entry script answered, rather than an error."""
        return 200 <= self.status < 300

    @property
    def value(self) -> Any:
        """JSON as what it says, anything else as bytes."""
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        return json.loads(self.body) if kind == JSON else self.body

    @property
    def message(self) -> str:
        """The text of an error."""
        text = self.body.decode("utf-8", "replace").strip()
        try:
            told = json.loads(text)
        except ValueError:
            return text
        return str(told["message"]) if isinstance(told, dict) and "message" in told else text


def payload(data: Any) -> bytes:
    """A request's body: text and bytes as they are, all else as JSON, in which arrays are lists."""
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if isinstance(data, str):
        return data.encode("utf-8")

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"a `{type(value).__name__}` has no form in JSON")

    try:
        return json.dumps(data, default=plain).encode()
    except (TypeError, ValueError) as error:
        raise BadRequestError(
            f"the data cannot be written as JSON: {error}", "give lists, dicts, numbers and texts, or the body as text"
        ) from error


def head(place: str, path: str, size: int, content_type: str, key: Optional[str]) -> bytes:
    """The head of a request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {place}", "Connection: close"]
    lines += [f"Content-Type: {content_type}", f"Content-Length: {size}"]
    for what, value in (("content type", content_type), ("key", key or "")):
        # Never with the value: it may be the key.
        if not value.isascii() or not value.isprintable():
            raise BadRequestError(f"the {what} has a letter that no header may have")
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def address(url: str) -> Tuple[bool, str, int, str]:
    """Whether it is HTTPS, host and port of a URL, and how a request names them."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequestError(f"`{url}` is not the address of a web service")
    secure = parts.scheme == "https"
    return secure, parts.hostname, parts.port or (443 if secure else 80), parts.netloc


async def send(
    transport: Transport,
    url: str,
    body: bytes,
    content_type: str = JSON,
    key: Optional[str] = None,
    context: Optional[ssl.SSLContext] = None,
    timeout: Optional[float] = None,
) -> Scored:
    """Sends a request to `/score` and gives the answer, whatever its status. `OSError` or `WireError` when there is
    none, `TimeoutError` when it has not come after so many seconds.
    """
    secure, host, port, place = address(url)
    data = head(place, "/score", len(body), content_type, key) + body
    if secure and context is None:
        import ssl

        context = ssl.create_default_context()
    until = None if timeout is None else time.monotonic() + timeout

    def left() -> Optional[float]:
        if until is None:
            return None
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("no answer came in time")
        return seconds

    wire = await transport.connect(host, port, context if secure else None, left())
    try:
        try:
            await wire.send(data, left())
        except (BrokenPipeError, ConnectionResetError):
            # A service that refuses the request need not read all of it: what it says is there to be read.
            pass
        answer = Answer()
        pieces = []
        while not answer.done:
            answer.push(await wire.receive(left()))
            pieces.append(answer.take())
    finally:
        wire.close()
    return Scored(answer.status, answer.headers, b"".join(pieces))
