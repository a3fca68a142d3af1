"""What `get_metrics` gives: the server's values in the shapes that v1 has. Pure."""

from outhaul import _metrics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


def shaped(values: "Iterable[dict[str, Any]]", run_id: str, name: "str | None" = None) -> "dict[str, Any]":
    """By name: one value as itself, several as a list, one row as a dict, rows and tables as a dict of lists."""
    series = {}  # type: dict[str, _metrics._Series]
    for value in values:
        if name is not None and value["name"] != name:
            continue
        record = dict(value)
        if value["kind"] == "image":
            path = value["value"]
            record["path"] = artifact_uri(run_id, path if isinstance(path, str) else path.get("path", ""))
        _metrics._Series.of(series, record)
    return {key: one.shape() for key, one in series.items()}


def artifact_uri(run_id: str, path: str) -> str:
    """How v1 names a file of a run in metrics."""
    return "aml://artifactId/ExperimentRun/dcid.{}/{}".format(run_id, path)
