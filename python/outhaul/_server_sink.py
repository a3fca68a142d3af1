"""Where the records of a tracked run go: to the server, each before the call that made it returns."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple

from outhaul import errors
from outhaul._client.query import run_path, segments
from outhaul._sink import Sink

if TYPE_CHECKING:
    from outhaul._client.client import Client

_OURS = (errors.ServerError, errors.ConnectionLostError)
"""What is no fault of the script, and must not end it."""


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
        """Sends one record. All of them may be sent again when the answer was lost."""
        if kind == "upload":
            # The file itself is there already.
            return
        if kind == "tag":
            self._send("/tags", {"set": {fields["name"]: fields["value"]}})
        elif kind == "property":
            self._send("/properties", {fields["name"]: fields["value"]})
        else:
            self._send("/metrics", [json.loads(line)])

    def _send(self, route: str, body: Any) -> None:
        try:
            self.client.request("POST", run_path(self.run, route), body=body, repeat=True)
        except _OURS as error:
            self.dropped += 1
            if self.dropped == 1:
                sys.stderr.write(
                    f"outhaul: warning: a record of run `{self.run[:8]}` was lost ({error.message}); the script goes on, "
                    "and `dropped_records` counts what is lost\n"
                )

    def keep(
        self, child: Optional[str], name: str, fill: Callable[[str], object], size: Optional[int], fresh: bool
    ) -> Tuple[str, Optional[int]]:
        """Sends a file that `fill` writes; one that cannot be sent is an error."""
        if fresh:
            name = self._free(name)
        with tempfile.TemporaryDirectory(prefix="outhaul-") as folder:
            path = os.path.join(folder, "file")
            fill(path)
            told = self.client.upload(run_path(self.run, "/outputs/" + segments(name)), path)
        return name, int(told["size"])

    def _free(self, name: str) -> str:
        """The name, with a number when it is taken: `loss.png`, `loss-2.png`."""
        taken = {file["path"] for file in self.client.request("GET", run_path(self.run, "/outputs"))}
        base, ending = os.path.splitext(name)
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{base}-{number}{ending}"
        return free

    def lines(self) -> Iterator[bytes]:
        """What was logged so far, as lines of a metrics file; the files last."""
        logged: List[Dict[str, Any]] = self.client.request("GET", run_path(self.run, "/metrics"))
        for value in logged:
            record = dict(value, t=value["time"])
            if value["kind"] == "image":
                record["path"] = record.pop("value")
            yield json.dumps(record).encode()
        for file in self.client.request("GET", run_path(self.run, "/outputs")):
            yield json.dumps({"kind": "upload", "name": file["path"], "size": file["size"]}).encode()
