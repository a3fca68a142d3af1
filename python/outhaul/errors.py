"""What can go wrong between this process, the server and a target: one exception class for each kind of error.

Every one of them is an `OuthaulError` with `message` (what happened, to which named thing), `hint` (what to do next,
or None) and `code` (the kind, as the API names it).
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Type


class OuthaulError(Exception):
    """Something went wrong; `message` says what, `hint` what to do next where that is known."""

    code = "internal"

    def __init__(self, message: str, hint: Optional[str] = None, code: Optional[str] = None) -> None:
        super().__init__(message, hint, code)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class BadRequestError(OuthaulError, ValueError):
    """The request, or a file that it names, is wrong. Nothing was changed."""

    code = "bad_request"


class NotFoundError(OuthaulError, LookupError):
    """The named thing is not there."""

    code = "not_found"


class ConflictError(OuthaulError):
    """The thing is there already, or in a state that forbids the request."""

    code = "conflict"


class EnvironmentBuildError(OuthaulError):
    """An environment could not be locked or built."""

    code = "environment"


class TargetError(OuthaulError):
    """A compute target failed, refused a login, or could not be reached."""

    code = "target"


class ServerError(OuthaulError):
    """Outhaul itself failed: a full disk, a server that does not start, a bug."""

    code = "internal"


class ServerStoppingError(ServerError):
    """The server is stopping."""

    code = "stopping"


class ConnectionLostError(OuthaulError, ConnectionError):
    """The connection to the server broke, and nothing is known about what became of the request."""

    code = "connection_lost"


class ServerNotRunningError(ConnectionLostError):
    """No server is running, and none was to be started."""

    code = "not_running"


class ProtocolError(ServerError):
    """The server's answer makes no sense to this package: the two may be of different versions."""

    code = "protocol"


class ProgramNotFoundError(OuthaulError):
    """The program `outhaul`, which starts servers and takes snapshots, was not found."""

    code = "program_not_found"


class RunFailedError(OuthaulError):
    """A run that was waited for did not end well. `run` is its description, `failure_class` whose fault it is."""

    code = "run_failed"

    def __init__(self, message: str, hint: Optional[str] = None, run: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message, hint)
        self.run = run or {}

    @property
    def failure_class(self) -> Optional[str]:
        """`user`, `environment`, `target` or `system`; None for a run that was canceled."""
        failure = self.run.get("failure")
        return failure["class"] if failure else None


class ServiceFailedError(OuthaulError):
    """A web service that was waited for did not come up, or an update of it; the message has the Python traceback.
    `service` is its description, `run` that of the run that failed, `failure_class` whose fault it is.
    """

    code = "service_failed"

    def __init__(
        self,
        message: str,
        hint: Optional[str] = None,
        service: Optional[Dict[str, Any]] = None,
        run: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__(message, hint)
        self.service = service or {}
        self.run = run or {}

    @property
    def failure_class(self) -> Optional[str]:
        """`user`, `environment`, `target` or `system`; None where no run was started."""
        failure = self.run.get("failure")
        return failure["class"] if failure else None


class ScoringError(OuthaulError):
    """A web service answered a request with an error: `status` and `body` are what it answered."""

    code = "scoring"

    def __init__(self, message: str, hint: Optional[str] = None, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message, hint)
        self.status = status
        self.body = body


_BY_CODE: Dict[str, Type[OuthaulError]] = {
    kind.code: kind
    for kind in (
        BadRequestError,
        NotFoundError,
        ConflictError,
        EnvironmentBuildError,
        TargetError,
        ServerError,
        ServerStoppingError,
    )
}


def of_answer(answer: object, otherwise: str) -> OuthaulError:
    """The exception for an error as the API gives it; `otherwise` is told when it is none."""
    if isinstance(answer, dict) and isinstance(answer.get("message"), str):
        code = answer.get("code")
        hint = answer.get("hint")
        kind = _BY_CODE.get(code, OuthaulError) if isinstance(code, str) else OuthaulError
        return kind(answer["message"], hint if isinstance(hint, str) else None, code if isinstance(code, str) else None)
    return ProtocolError(
        f"the server's answer cannot be understood: {otherwise}",
        "client and server may be of different versions: `outhaul server stop`, then try again",
    )


__all__ = [
    "BadRequestError",
    "ConflictError",
    "ConnectionLostError",
    "EnvironmentBuildError",
    "NotFoundError",
    "OuthaulError",
    "ProgramNotFoundError",
    "ProtocolError",
    "RunFailedError",
    "ScoringError",
    "ServerError",
    "ServerNotRunningError",
    "ServerStoppingError",
    "ServiceFailedError",
    "TargetError",
]
