"""Waiting for a run, with or without its log, in v1's words."""

import json
import sys
import time

from outhaul_azureml.errors import ActivityFailedException, ExperimentExecutionException
from outhaul_azureml.run.status import TERMINAL, RunStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STDOUT_LOG = "user_logs/std_log.txt"
BUILD_LOG = "azureml-logs/20_image_build_log.txt"
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


def web_view(workspace: str, run_id: str) -> str:
    """What stands for the address of a page: Outhaul has none yet, `outhaul runs show` takes the id."""
    return "outhaul://{}/runs/{}".format(workspace, run_id)


def until_end(run: "Any", show_output: bool, raise_on_error: bool) -> "dict[str, Any]":
    """Follows a run to its end and gives its details."""
    try:
        if show_output:
            _streamed(run)
        else:
            _polled(run)
    except KeyboardInterrupt:
        raise ExperimentExecutionException(
            "The output streaming for the run interrupted.\nBut the run is still executing on the compute target. "
            "\nDetails for canceling the run can be found here: run.cancel(), or `outhaul runs cancel {}`".format(
                run.id
            )
        ) from None
    details = run.get_details()  # type: dict[str, Any]
    if details["status"] == RunStatus.FAILED and raise_on_error:
        raise ActivityFailedException(error_details=json.dumps(details.get("error", {}), indent=4))
    return details


def _polled(run: "Any") -> None:
    pause = _FIRST_PAUSE
    while run._fetch()["state"] not in TERMINAL:
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE)


def _streamed(run: "Any") -> None:
    from outhaul._client.follow import End, LogPiece
    from outhaul.errors import OuthaulError
    from outhaul_azureml.server import translated

    view = run.get_portal_url()
    out = sys.stdout
    out.write("RunId: {}\nWeb View: {}\n".format(run.id, view))
    current = None
    try:
        for item in run._server.client.follow(run.id):
            if isinstance(item, LogPiece):
                name = BUILD_LOG if item.stream == "environment" else STDOUT_LOG
                if name != current:
                    title = "Streaming " + name
                    out.write("\n{}\n{}\n\n".format(title, "=" * len(title)))
                    current = name
                out.write(item.data.decode("utf-8", "replace"))
                out.flush()
            elif isinstance(item, End):
                break
    except OuthaulError as error:
        raise translated(error, ExperimentExecutionException) from error
    _polled(run)
    out.write("\nExecution Summary\n=================\nRunId: {}\nWeb View: {}\n".format(run.id, view))
    failure = run._fetch().get("failure")
    if failure:
        out.write("\nWarnings:\n{}\n".format(json.dumps(error_of(failure), indent=4)))
    out.write("\n")
    out.flush()


_CODES = {"user": "UserError", "environment": "EnvironmentError", "target": "ComputeError", "system": "SystemError"}


def error_of(failure: "dict[str, Any]") -> "dict[str, Any]":
    """Why a run failed, in the shape that v1's details have."""
    text = failure["message"]
    if failure.get("hint"):
        text = "{}\n{}".format(text, failure["hint"])
    return {"error": {"code": _CODES.get(failure["class"], failure["class"]), "message": text}}
