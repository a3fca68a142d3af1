"""Where the records of a tracked run go: to the server, each before the call that made it returns."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Callable, Container, Dict, Iterator, List, Mapping, Optional, Tuple

from outhaul import errors
from outhaul._client.query import run_path, segments
from outhaul._sink import Sink

if TYPE_CHECKING:
    from outhaul._client.client import Client

OURS = (errors.ServerError, errors.ConnectionLostError)
"""What is no fault of the script, and must not end it."""


def request_of(kind: str, fields: Mapping[str, Any], line: bytes) -> Optional[Tuple[str, Any]]:
    """The route and the body by which a record is sent; None for a file, which is there already. All of them may be sent
    again when the answer was lost.
    """
    if kind == "upload":
        return None
    if kind == "tag":
        return "/tags", {"set": {fields["name"]: fields["value"]}}
    if kind == "property":
        return "/properties", {fields["name"]: fields["value"]}
    return "/metrics", [json.loads(line)]


def free_name(name: str, taken: Container[str]) -> str:
    """The name, with a number when it is taken: `loss.png`, `loss-2.png`."""
    base, ending = os.path.splitext(name)
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{base}-{number}{ending}"
    return free


def lines_of(logged: List[Dict[str, Any]], files: List[Dict[str, Any]]) -> Iterator[bytes]:
    """What the server tells of a run, as lines of a metrics file; the files last."""
    for value in logged:
        record = dict(value, t=value["time"])
        if value["kind"] == "image":
            record["path"] = record.pop("value")
        yield json.dumps(record).encode()
    for file in files:
        yield json.dumps({"kind": "upload", "name": file["path"], "size": file["size"]}).encode()


def warn_lost(run: str, error: errors.OuthaulError) -> None:
    """Says that a record was lost."""
    sys.stderr.write(
        f"outhaul: warning: a record of run `{run[:8]}` was lost ({error.message}); the script goes on, "
        "and `dropped_records` counts what is lost\n"
    )


class ServerSink(Sink):
    """One for each tracked run.

    What the server refuses is raised. A server that fails or cannot be had is not: that is warned about once, counted,
    and the training goes on.
    """

    def __init__(self, client: Client, run: str) -> None:
        self.client = client
        self.run = run
        self.dropped = 0

    def put(self, who: Optional[str], kind: str, fields: Dict[str, Any], line: bytes) -> None:
        """Sends one record."""
        made = request_of(kind, fields, line)
        if made is not None:
            self._send(*made)

    def _send(self, route: str, body: Any) -> None:
        try:
            self.client.request("POST", run_path(self.run, route), body=body, repeat=True)
        except OURS as error:
            self.dropped += 1
            if self.dropped == 1:
                warn_lost(self.run, error)

    def keep(
        self, child: Optional[str], name: str, fill: Callable[[str], object], size: Optional[int], fresh: bool
    ) -> Tuple[str, Optional[int]]:
        """Sends a file that `fill` writes; one that cannot be sent is an error."""
        if fresh:
            told = self.client.request("GET", run_path(self.run, "/outputs"))
            name = free_name(name, {file["path"] for file in told})
        with tempfile.TemporaryDirectory(prefix="outhaul-") as folder:
            path = os.path.join(folder, "file")
            fill(path)
            told = self.client.upload(run_path(self.run, "/outputs/" + segments(name)), path)
        return name, int(told["size"])

    def lines(self) -> Iterator[bytes]:
        """What was logged so far, as lines of a metrics file; the files last."""
        logged = self.client.request("GET", run_path(self.run, "/metrics"))
        yield from lines_of(logged, self.client.request("GET", run_path(self.run, "/outputs")))
