"""Prints what was found: for people, or as JSON."""

import json

from outhaul_azureml.coverage import judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outhaul_azureml.coverage.calls import Use

_WIDTH = 10


def text(path: str, uses: "list[Use]") -> str:
    """A line for each use, and how many there are of each kind."""
    lines = [path]
    for use in uses:
        place = "{} line {}".format(use.where, use.line) if use.where else "line {}".format(use.line)
        why = "  ({})".format(use.why) if use.why else ""
        lines.append("  {:<{}}{:<14}{}{}".format(use.status, _WIDTH, place, _short(use.name), why))
    counts = [
        (status, sum(use.status == status for use in uses)) for status in (judge.WORKS, judge.NOT_YET, judge.UNKNOWN)
    ]
    told = ", ".join("{} {}".format(count, status) for status, count in counts if count)
    lines.append("  {}".format(told or "nothing of Azure ML is used"))
    return "\n".join(lines)


def _short(name: str) -> str:
    """Class and call: `Workspace.from_config`."""
    parts = name.split(".")
    first = next((place for place, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return ".".join(parts[first:])


def data(path: str, uses: "list[Use]") -> "dict[str, object]":
    """The same as plain data."""
    found = [
        {"line": use.line, "where": use.where, "name": use.name, "status": use.status, "why": use.why} for use in uses
    ]
    return {"file": path, "uses": found}


def as_json(files: "list[dict[str, object]]") -> str:
    """One document for all files."""
    return json.dumps(files, indent=2)
