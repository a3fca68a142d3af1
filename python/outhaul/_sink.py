"""Where records go: the run's metrics file, or the terminal when there is no run.

No locks: a record is one append, so threads, forked processes and signal handlers can all log at any moment.
"""

import os
import sys
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Sink:
    """What takes records and files."""

    online = True
    dropped = 0

    def put(self, who: "str | None", kind: str, fields: "dict[str, Any]", line: bytes) -> None:
        """Takes a record, as its fields and as its line; `who` is the child run that it belongs to."""
        raise NotImplementedError

    def keep(
        self, child: "str | None", name: str, fill: "Callable[[str], object]", size: "int | None", fresh: bool
    ) -> "tuple[str, int | None]":
        """Keeps a file that `fill` writes; gives its name (numbered, if it is to be `fresh`) and its size."""
        raise NotImplementedError

    def lines(self) -> "Any":
        """Every line recorded so far."""
        raise NotImplementedError


class FileSink(Sink):
    """Appends to the metrics file. A record that cannot be written is counted and given up, never raised:
    a full disk must not end a training that has run for a week."""

    def __init__(self, path: str, uploads: str) -> None:
        # The script may change its folder later.
        self.path = os.path.abspath(path)
        self.uploads = os.path.abspath(uploads)
        self.dropped = 0
        self._drops = count(1)  # next() is atomic, += is not

    def put(self, who: "str | None", kind: str, fields: "dict[str, Any]", line: bytes) -> None:
        try:
            append(self.path, line)
        except OSError as error:
            self._drop(error)

    def keep(
        self, child: "str | None", name: str, fill: "Callable[[str], object]", size: "int | None", fresh: bool
    ) -> "tuple[str, int | None]":
        from outhaul import _files

        return _files.store(self.uploads, child, name, fill, fresh)

    def _drop(self, error: OSError) -> None:
        number = next(self._drops)
        self.dropped = max(self.dropped, number)
        if number == 1:
            import atexit

            _warn(
                f"cannot write to `{self.path}`: {error.strerror or error}; the script goes on and what cannot be written "
                "is counted; free space or mend the folder"
            )
            atexit.register(self._report)

    def _report(self) -> None:
        _warn(f"{self.dropped} record(s) could not be written to `{self.path}` and are missing from this run")

    def lines(self) -> "Any":
        """Every line written so far, also by other processes."""
        try:
            with open(self.path, "rb") as file:
                yield from file
        except FileNotFoundError:
            return


class PrintSink(Sink):
    """Says on standard output what would have been recorded, and remembers it for this process."""

    online = False

    def __init__(self) -> None:
        self._lines = []  # type: list[bytes]

    def put(self, who: "str | None", kind: str, fields: "dict[str, Any]", line: bytes) -> None:
        self._lines.append(line)
        text = _plain_line(kind, fields)
        # One write, so that threads do not mix their lines.
        before = f"[{who}] " if who else ""
        print(f"outhaul: {before}{text}\n", end="")

    def keep(
        self, child: "str | None", name: str, fill: "Callable[[str], object]", size: "int | None", fresh: bool
    ) -> "tuple[str, int | None]":
        return name, size

    def lines(self) -> "Any":
        """Every line recorded so far by this process."""
        return iter(list(self._lines))


def append(path: str, line: bytes) -> None:
    """Add a whole line with one write.

    The file is opened each time: a descriptor kept open could be closed by the script (daemons do) and its
    number given to one of the script's own files.
    """
    file = os.open(path, _FLAGS, 0o666)
    try:
        # A fragment left by a full disk gets a line of its own, which readers skip. Another process's long record
        # may look like a fragment while it is being written; then this adds an empty line, which readers skip too.
        size = os.lseek(file, 0, os.SEEK_END)
        if size:
            os.lseek(file, size - 1, os.SEEK_SET)
            if os.read(file, 1) != b"\n":
                line = b"\n" + line
        if os.write(file, line) != len(line):
            again = b"\n" + line
            if os.write(file, again) != len(again):
                raise OSError(0, "only a part of the record could be written")
    finally:
        os.close(file)


def _plain_line(kind: str, fields: "dict[str, Any]") -> str:
    name = fields.get("name")
    if kind == "upload":
        size = "a stream" if fields["size"] is None else f"{fields['size']} bytes"
        return f"would upload `{name}` ({size})"
    if kind == "image":
        return f"{name} = image `{fields['path']}`"
    if kind == "child":
        return f"child run `{name or fields['id']}` started"
    if kind == "child_end":
        error = f": {fields['error']}" if "error" in fields else ""
        return f"{fields['state'].lower()}{error}"
    value = str(fields["value"])
    if len(value) > 200:
        value = value[:200] + "..."
    before = kind + " " if kind in ("tag", "property") else ""
    after = f" (step {fields['step']})" if "step" in fields else ""
    return f"{before}{name} = {value}{after}"


def _warn(text: str) -> None:
    try:
        sys.stderr.write(f"outhaul: warning: {text}\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # standard error may be closed or absent
        pass
