"""A run's log or events until the run has ended, across lost connections and restarted servers, without a byte or an
event twice or missing.
"""

from __future__ import annotations

import binascii
import json
from typing import Any, AsyncGenerator, Dict, NamedTuple, Optional, Union

from outhaul import errors
from outhaul._client.core import Core
from outhaul._client.query import run_path
from outhaul._client.sse import HEARTBEAT, Event, Parser
from outhaul._client.wire import WireError

_MOST_LOSSES = 30
_LONGEST_PAUSE = 1.0


class LogPiece(NamedTuple):
    """Some bytes of a log: of which stream, where they begin in it, and where the next piece begins in what was
    asked for.
    """

    stream: str
    offset: int
    next: int
    data: bytes


class StateChange(NamedTuple):
    """The run as it stands now."""

    run: Dict[str, Any]


class Entry(NamedTuple):
    """One entry of the run's event log."""

    entry: Dict[str, Any]


class Heartbeat(NamedTuple):
    """Nothing new for a while; the server is there."""


class End(NamedTuple):
    """There is no more; with the run if it has ended."""

    run: Optional[Dict[str, Any]]


Item = Union[LogPiece, StateChange, Entry, Heartbeat, End]


class _Gap(Exception):
    """Something between the last known position and what arrived is missing."""


def cut(piece: LogPiece, position: int) -> Optional[LogPiece]:
    """What of a piece lies behind the position; None when nothing does."""
    begin = piece.next - len(piece.data)
    if piece.next <= position:
        return None
    if begin > position:
        raise _Gap(f"a part of the log is missing after byte {position}")
    known = position - begin
    return LogPiece(piece.stream, piece.offset + known, piece.next, piece.data[known:])


def pause(losses: int) -> float:
    """How long to wait before the next try, in seconds."""
    return min(float(0.005 * 2 ** min(losses, 8)), _LONGEST_PAUSE)


class _Position:
    """What of a log or of events is known already. Pure."""

    def __init__(self, position: int) -> None:
        self.at = position
        self.ended = False

    def read(self, event: Event) -> Optional[Item]:
        """What an event tells that is new."""
        if event.name == "log":
            frame = json.loads(event.data)
            data = binascii.a2b_base64(frame["data"])
            piece = cut(LogPiece(frame["stream"], frame["offset"], frame["next"], data), self.at)
            if piece is not None:
                self.at = piece.next
            return piece
        if event.name == "event":
            entry = json.loads(event.data)
            if entry["seq"] <= self.at:
                return None
            if entry["seq"] > self.at + 1:
                raise _Gap(f"events are missing after {self.at}")
            self.at = entry["seq"]
            return Entry(entry)
        if event.name == HEARTBEAT:
            return Heartbeat()
        if event.name == "run":
            return StateChange(json.loads(event.data))
        if event.name == "end":
            told = json.loads(event.data)
            if isinstance(told, dict) and "id" in told:
                self.ended = True
                return End(told)
            if isinstance(told, dict) and "stopping" in str(told.get("reason", "")):
                raise _Gap("the server is stopping")
            self.ended = True
            return End(None)
        return None


def follow_log(
    core: Core,
    run: str,
    stream: Optional[str] = None,
    offset: int = 0,
    follow: bool = True,
    states: bool = False,
) -> AsyncGenerator[Item, None]:
    """The log of a run from `offset` on, as `LogPiece`, with `StateChange` between them if `states`; `End` at last."""
    position = _Position(offset)

    def query() -> Dict[str, Union[str, int, bool, None]]:
        return {"stream": stream, "offset": position.at, "follow": follow, "states": states or None}

    return _follow(core, run_path(run, "/logs"), query, position, run)


def follow_events(
    core: Core, run: str, after: int = 0, until: Optional[float] = None
) -> AsyncGenerator[Item, None]:
    """The events of a run behind the position `after`, as `Entry`, until the run has ended; `End` at last.

    `TimeoutError` when it has not ended at the moment `until` of `time.monotonic()`.
    """
    position = _Position(after)

    def query() -> Dict[str, Union[str, int, bool, None]]:
        return {"after": position.at, "follow": True}

    return _follow(core, run_path(run, "/events"), query, position, run, until)


async def _follow(
    core: Core, path: str, query: Any, position: _Position, run: str, until: Optional[float] = None
) -> AsyncGenerator[Item, None]:
    losses = 0
    while True:
        why: BaseException
        parser = Parser()
        source = core.stream(path, query(), accept="text/event-stream", until=until)
        try:
            async for data in source:
                for event in parser.push(data):
                    before = position.at
                    item = position.read(event)
                    if position.at != before:
                        losses = 0
                    if item is not None:
                        yield item
                    if position.ended:
                        return
            why = errors.ConnectionLostError("the connection to the server ended")
        except errors.ServerNotRunningError:
            raise
        except (errors.ConnectionLostError, errors.ServerStoppingError, _Gap) as error:
            why = error
        except (WireError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, errors.OuthaulError):
                raise
            raise errors.of_answer(None, f"following run `{run}`: {error!r}") from error
        finally:
            await source.aclose()
        losses += 1
        if losses > _MOST_LOSSES:
            raise errors.ConnectionLostError(f"following run `{run}`: {why}, again and again") from why
        if losses > 1:
            await core.transport.sleep(pause(losses))
