"""One metric record as one line of strict JSON: checking values and encoding them.

Nothing here touches a file. The `json` module is not imported because it brings `re` with it, which costs
more than the rest of this package and most runs log numbers only; the string escaping is the same C function.
"""

import time

try:
    from _json import encode_basestring as _quote
except ImportError:  # a Python without the C accelerator
    from json.encoder import encode_basestring as _quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_LINE = 1 << 20
"""Longest record in bytes, its line end included."""

_MAX_DEPTH = 64
_INFINITY = float("inf")


class RunError(ValueError):
    """A call that cannot be carried out as asked; its text says what to do instead."""


def check_name(name: object, what: str = "metric name") -> str:
    """The name as plain text; `what` says in errors which kind of name it is."""
    if not isinstance(name, str):
        raise TypeError(f"a {what} must be text, not `{type(name).__name__}`")
    if not name:
        raise RunError(f"a {what} must not be empty")
    return str.__str__(name)


def scalar(value: object, what: str) -> "bool | int | float | str":
    """One number, text or truth value, also out of a numpy-like scalar; `what` names it in errors."""
    exact = type(value)
    if exact is float or exact is str or exact is bool:
        return value  # type: ignore[return-value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return _whole(int(value), what)
    item = getattr(value, "item", None)
    if callable(item):
        try:
            inner = item()
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(
                f"{what}: a `{exact.__name__}` with several values is not one value; use log_list or log_table"
            ) from None
        if isinstance(inner, (bool, int, float, str)):
            return scalar(inner, what)
        if isinstance(inner, complex):
            value = inner
    if hasattr(value, "__float__") and not isinstance(value, complex):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    hint = "; use log_list for several values" if isinstance(value, (list, tuple, range)) else ""
    raise TypeError(f"{what}: the value must be a number, text or bool, not `{exact.__name__}`{hint}")


def _whole(value: int, what: str) -> "int | float":
    # Beyond 64 bits most JSON readers lose the number or refuse the line.
    if -(1 << 63) <= value < 1 << 64:
        return value
    try:
        return float(value)
    except OverflowError:
        raise RunError(f"{what}: the number is too large; log its logarithm or log it as text") from None


def whole_step(step: object, what: str) -> int:
    """A step as a whole number of 64 bits; a float such as 3.0 is taken as 3."""
    if not isinstance(step, bool):
        index = getattr(type(step), "__index__", None)
        if index is not None:
            number = index(step)
        else:
            try:
                as_float = scalar(step, what)
            except TypeError:
                as_float = ""
            number = int(as_float) if isinstance(as_float, float) and as_float.is_integer() else None
        if number is not None:
            if -(1 << 63) <= number < 1 << 63:
                return int(number)
            raise RunError(f"{what}: step `{number}` does not fit into 64 bits")
    raise TypeError(f"{what}: the step must be a whole number, not `{type(step).__name__}`")


def sequence(value: object, what: str) -> "list[bool | int | float | str]":
    """Several values: a list, an array (by its `tolist`) or anything else that can be walked."""
    plain = _untyped(value)
    if isinstance(plain, (str, bytes, bytearray)) or hasattr(plain, "keys") or not hasattr(plain, "__iter__"):
        raise TypeError(f"{what}: the value must be a list or an array, not `{type(value).__name__}`")
    return [scalar(one, what) for one in plain]


def columns(value: object, what: str, cell: "Any") -> "dict[str, Any]":
    """Named columns out of a mapping (or a data frame); `cell` checks each column's content."""
    if not hasattr(value, "keys") or not hasattr(value, "__getitem__"):
        raise TypeError(f"{what}: the value must be a dict of columns, not `{type(value).__name__}`")
    found = {}
    for key in value.keys():
        found[_key(key, what)] = cell(value[key], f"{what}, column `{key}`")
    if not found:
        raise RunError(f"{what}: give at least one column")
    return found


def same_length(table: "dict[str, list[Any]]", what: str) -> "dict[str, list[Any]]":
    """The table, refused if its columns differ in length."""
    lengths = [f"`{name}` has {len(column)}" for name, column in table.items()]
    if len({len(column) for column in table.values()}) > 1:
        raise RunError(f"{what}: all columns must be of one length; " + ", ".join(lengths))
    return table


def document(value: object, what: str) -> "dict[str, Any]":
    """A JSON object, given as a dict or as its text."""
    if isinstance(value, (str, bytes, bytearray)):
        import json

        try:
            value = json.loads(value)
        except ValueError as error:
            raise RunError(f"{what}: the text is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise TypeError(f"{what}: the value must be a dict or the text of a JSON object, not `{type(value).__name__}`")
    nested = _nested(value, what, 0)  # type: dict[str, Any]
    return nested


def _nested(value: "Any", what: str, depth: int) -> "Any":
    if depth > _MAX_DEPTH:
        raise RunError(f"{what}: the value is nested more than {_MAX_DEPTH} deep")
    if value is None:
        return None
    value = _untyped(value)
    if isinstance(value, dict):
        return {_key(key, what): _nested(one, what, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nested(one, what, depth + 1) for one in value]
    return scalar(value, what)


def _key(key: object, what: str) -> str:
    plain = scalar(key, what + ", a column's name")
    return plain if isinstance(plain, str) else str(plain)


def _untyped(value: "Any") -> "Any":
    tolist = getattr(value, "tolist", None)
    return tolist() if callable(tolist) else value


def encode(kind: str, run: "str | None", fields: "dict[str, Any]") -> bytes:
    """The record as one line, stamped with the time; `run` is set for a child run's records."""
    parts = [f'{{"t":{time.time():.6f},"kind":{_quote(kind)}']
    if run is not None:
        parts.append(',"run":' + _quote(run))
    for key, value in fields.items():
        parts.append(f",{_quote(key)}:{_json(value)}")
    parts.append("}\n")
    # Half a surrogate pair has no UTF-8 form, and escaped it would make the line invalid for strict readers.
    line = "".join(parts).encode("utf-8", "replace")
    if len(line) > MAX_LINE:
        what = kind if kind in ("tag", "property") else "metric"
        raise RunError(
            f"{what} `{fields.get('name', '')}` takes {len(line)} bytes, more than the {MAX_LINE} that one record may have; "
            "save it to a file and use upload_file"
        )
    return line


def _json(value: "Any") -> str:
    if isinstance(value, str):
        return _quote(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        if value != value:
            return '"NaN"'
        if value in (_INFINITY, -_INFINITY):
            return '"Infinity"' if value > 0 else '"-Infinity"'
        return float.__repr__(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quote(key)}:{_json(one)}" for key, one in value.items()]) + "}"
    return "[" + ",".join([_json(one) for one in value]) + "]"
