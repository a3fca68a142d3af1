"""Paths and queries of requests, and names of runs. Pure."""

from __future__ import annotations

import os
from typing import Mapping, Optional, Union

from outhaul.errors import BadRequestError

PREFIX = "/api/v1"
"""The path under which all routes lie."""

Value = Union[str, int, bool, None]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def _encode(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))


def segment(text: str) -> str:
    """One component of a path. `.` and `..` are written so that nothing on the way takes them for folders."""
    return text.replace(".", "%2E") if text in (".", "..") else _encode(text)


def segments(path: str) -> str:
    """A path of several components."""
    return "/".join(segment(part) for part in path.split("/"))


def with_query(path: str, query: Optional[Mapping[str, Value]]) -> str:
    """The path under the API with a query; what is None is left out."""
    given = [(name, value) for name, value in (query or {}).items() if value is not None]
    words = [
        f"{_encode(name)}={_encode(('true' if value else 'false') if isinstance(value, bool) else str(value))}"
        for name, value in given
    ]
    return PREFIX + path + ("?" + "&".join(words) if words else "")


def run_path(run: str, rest: str = "") -> str:
    """The path of a run, which is named by its id or a unique beginning of it."""
    if not isinstance(run, str):
        raise TypeError(f"a run is named by the text of its id, not by `{type(run).__name__}`")
    if not run or len(run) > 16 or any(letter not in _ALPHABET for letter in run):
        raise BadRequestError(
            f"`{run}` is not a run id: an id has 16 characters, digits and lower-case letters without i, l, o and u",
            "`outhaul runs list` shows the runs; the beginning of an id is enough",
        )
    return f"/runs/{run}{rest}"


def new_run_id() -> str:
    """A random id for a run, by which asking again makes no second one."""
    return "".join(_ALPHABET[byte % 32] for byte in os.urandom(16))
