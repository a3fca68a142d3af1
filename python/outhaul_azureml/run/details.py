"""`get_details()`: a run of Outhaul in the shape that v1's has. Fields that are not there are left out, as in v1."""

from outhaul_azureml.run import wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLAYED = "sdk"
"""What v1 calls the target of a run that a notebook plays."""
_NO_TARGET = "-"


def of(run: "Any") -> "dict[str, Any]":
    """Everything about a run."""
    found = run._fetch()
    spec = found.get("spec")
    made = {
        "runId": found["id"],
        "target": _PLAYED if found.get("target") in (None, _NO_TARGET) else found["target"],
        "status": found["state"],
        "startTimeUtc": found.get("started_at") or (None if spec else found["created_at"]),
        "endTimeUtc": found.get("ended_at"),
        "properties": dict(found.get("properties") or {}),
        "inputDatasets": [],
        "outputDatasets": [],
        "runDefinition": _definition(found, spec) if spec else None,
        "logFiles": {name: run.get_portal_url() + "/" + name for name in log_names(found)},
    }  # type: dict[str, Any]
    if spec:
        made["properties"].setdefault("azureml.runsource", "experiment")
        made["properties"].setdefault("ContentSnapshotId", spec["snapshot"]["tree"])
        git = spec["snapshot"].get("git")
        if git:
            made["properties"].setdefault("azureml.git.commit", git["commit"])
            made["properties"].setdefault("azureml.git.dirty", str(git["dirty"]))
            if git.get("branch"):
                made["properties"].setdefault("azureml.git.branch", git["branch"])
    if found.get("failure"):
        made["error"] = wait.error_of(found["failure"])
    return {key: value for key, value in made.items() if value is not None}


def log_names(found: "dict[str, Any]") -> "list[str]":
    """The names of a run's logs: its own, and that of building its environment."""
    if not found.get("spec"):
        return []
    return [wait.BUILD_LOG, wait.STDOUT_LOG]


def _definition(found: "dict[str, Any]", spec: "dict[str, Any]") -> "dict[str, Any]":
    command = spec["command"]
    return {
        "script": command.get("script"),
        "command": " ".join(command["argv"]) if "argv" in command else "",
        "arguments": list(command.get("arguments") or []),
        "target": found.get("target"),
        "environment": spec["environment"],
        "environmentVariables": dict(spec.get("variables") or {}),
        "maxRunDurationSeconds": spec.get("max_duration_seconds"),
    }
