"""Reading records back in the shapes that `get_metrics` answers with. Loaded on first use."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator

_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_DOCUMENTS = ("confusion_matrix", "residuals", "predictions", "accuracy_table")


def records(lines: "Iterable[bytes]") -> "Iterator[dict[str, Any]]":
    """The records of a metrics file; fragments that a full disk or a crash left are skipped."""
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def file_names(lines: "Iterable[bytes]", run: "str | None") -> "list[str]":
    """The names of a run's uploaded files and images, sorted, each once."""
    own = [record for record in records(lines) if record.get("run") == run]
    names = {record["name"] for record in own if record.get("kind") == "upload"}
    return sorted(names.union(record["path"] for record in own if record.get("kind") == "image"))


def by_run(lines: "Iterable[bytes]", name: "str | None" = None) -> "dict[str | None, dict[str, Any]]":
    """Each run's metrics by name (the main run under `None`); child runs without metrics have an empty dict."""
    gathered = {None: {}}  # type: dict[str | None, dict[str, _Series]]
    for record in records(lines):
        if record.get("kind") == "child":
            gathered.setdefault(record["id"], {})
        elif name is None or record.get("name") == name:
            series = gathered.setdefault(record.get("run"), {})
            _Series.of(series, record)
    return {run: {key: one.shape() for key, one in series.items()} for run, series in gathered.items()}


def shapes(values: "Iterable[dict[str, Any]]") -> "dict[str, Any]":
    """The metrics of one run by name, out of metric values as the API gives them."""
    series = {}  # type: dict[str, _Series]
    for value in values:
        # An image's value is its path, which the file keeps apart.
        _Series.of(series, dict(value, path=value["value"]) if value["kind"] == "image" else value)
    return {name: one.shape() for name, one in series.items()}


def descendants(lines: "Iterable[bytes]", run: "str | None") -> "list[str]":
    """The ids of a run's children, their children and so on, in the order they were started."""
    found = []  # type: list[str]
    for record in records(lines):
        if record.get("kind") == "child" and (record.get("run") == run or record.get("run") in found):
            found.append(record["id"])
    return found


class _Series:
    """What was logged under one name."""

    def __init__(self) -> None:
        self.values = []  # type: list[Any]
        self.columns = {}  # type: dict[str, list[Any]]
        self.rows = 0
        self.table = False

    @staticmethod
    def of(series: "dict[str, _Series]", record: "dict[str, Any]") -> None:
        kind = record.get("kind")
        value = record.get("value")  # type: Any
        if kind not in ("scalar", "list", "row", "table", "image") + _DOCUMENTS:
            return
        one = series.setdefault(record["name"], _Series())
        if kind == "list":
            one.values.extend(_number(v) for v in value)
        elif kind == "row":
            one.rows += 1
            for column, cell in value.items():
                one.columns.setdefault(column, []).append(_number(cell))
        elif kind == "table":
            one.table = True
            for column, cells in value.items():
                one.columns.setdefault(column, []).extend(_number(v) for v in cells)
        elif kind == "image":
            one.values.append(record["path"])
        else:
            one.values.append(value if kind in _DOCUMENTS else _number(value))

    def shape(self) -> "Any":
        table = self.columns  # type: Any
        if self.rows == 1 and not self.table:
            table = {column: cells[0] for column, cells in self.columns.items()}
        if not self.columns:
            return self.values[0] if len(self.values) == 1 else self.values
        return self.values + [table] if self.values else table


def _number(value: "Any") -> "Any":
    return _NUMBERS.get(value, value) if isinstance(value, str) else value
