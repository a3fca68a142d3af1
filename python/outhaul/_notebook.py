"""A run that keeps itself up to date in a notebook. IPython is imported only where it is there already."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional

from outhaul._client.follow import Heartbeat, Item, LogPiece, StateChange
from outhaul._display import page
from outhaul._logs import Lines
from outhaul.errors import OuthaulError

if TYPE_CHECKING:
    from outhaul.submitted import Run

_PAUSE = 1.0
"""The least time between two pictures of a run, in seconds."""
_TAIL_LINES = 15


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML."""
    ipython = sys.modules.get("IPython")
    shell: Optional[Any] = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def show(run: Run) -> None:
    """Shows a run: in a notebook as a picture that is drawn anew until the run has ended, elsewhere as text."""
    if not in_notebook():
        print(repr(run.refresh()))
        return
    from importlib import import_module

    # Typed as anything: whether it is there, and typed, differs from machine to machine.
    display: Any = import_module("IPython.display").display

    def picture(html: str) -> Dict[str, str]:
        return {"text/html": html, "text/plain": repr(run)}

    handle = display(picture(run._repr_html_()), raw=True, display_id=True)
    if handle is None or run.has_ended:
        return
    import threading

    def update(html: str) -> None:
        handle.update(picture(html), raw=True)

    # It ends with the run, or with the kernel.
    threading.Thread(target=keep_shown, args=(run, update), name=f"show {run.id[:8]}", daemon=True).start()


def keep_shown(run: Run, update: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
    """Draws a run anew when it changed, not more often than once a second, and once more at its end."""
    from outhaul._client.client import Client
    from outhaul.submitted import Run as Fresh

    # A client of its own: the notebook's cells go on using theirs.
    client = Client(run._client.home, run._client.core.program)
    own = Fresh(client, run.info)
    try:
        for tail in pictures(client.follow(run.id, None, 0, True, states=True), clock):
            update(page(own, tail, own.metrics()))
    except OuthaulError as error:
        update(f"<div>{escape(repr(run))} is no longer kept up to date: {escape(str(error))}</div>")
    finally:
        client.close()


def pictures(items: Iterator[Item], clock: Callable[[], float]) -> Iterator[List[str]]:
    """The end of the log, each time that it is worth drawing. Pure but for the clock."""
    lines = Lines()
    tail: List[str] = []
    last = -_PAUSE
    for item in items:
        if isinstance(item, LogPiece):
            tail.extend(lines.push(item.data))
            del tail[:-_TAIL_LINES]
        if isinstance(item, (StateChange, Heartbeat)) or clock() - last >= _PAUSE:
            last = clock()
            yield list(tail)
    tail.extend(lines.push(b"", final=True))
    yield tail[-_TAIL_LINES:]
