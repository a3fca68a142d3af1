"""Server-sent events out of bytes. Pure."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional

from outhaul._client.wire import WireError

HEARTBEAT = ":"
"""Name of what stands for a comment line, by which the server shows that it is there."""

_LONGEST_EVENT = 64 << 20


class Event(NamedTuple):
    """One event: its name, its data, its id where it has one."""

    name: str
    data: str
    id: Optional[str]


class Parser:
    """Takes bytes as they come and gives the events that they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = "message"
        self._data: List[str] = []
        self._id: Optional[str] = None
        self._size = 0

    def push(self, data: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_EVENT:
            raise WireError("an event is too long")
        for line in lines:
            event = self._line(line[:-1] if line.endswith(b"\r") else line)
            if event is not None:
                yield event

    def _line(self, raw: bytes) -> Optional[Event]:
        if not raw:
            event = Event(self._name, "\n".join(self._data), self._id) if self._data else None
            self._name, self._data, self._size = "message", [], 0
            return event
        if raw.startswith(b":"):
            return Event(HEARTBEAT, "", None)
        field, _, value = raw.decode("utf-8", "replace").partition(":")
        value = value[1:] if value.startswith(" ") else value
        self._size += len(raw)
        if self._size > _LONGEST_EVENT:
            raise WireError("an event is too long")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id":
            self._id = value
        return None
