"""Exceptions as v1 names them, with `.message`; nothing else lives here."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


def _print(error: BaseException) -> None:
    # Imported here because every run pays for what this file imports.
    import sys
    import traceback

    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stdout)


class AzureMLException(Exception):
    """What every error of the SDK derives from. `.message` is the bare text; `str()` is a block, as in v1."""

    def __init__(
        self,
        exception_message: "Any",
        inner_exception: "BaseException | None" = None,
        target: "Any" = None,
        details: "Any" = None,
        message_format: "str | None" = None,
        message_parameters: "Any" = None,
        reference_code: "Any" = None,
        **kwargs: "Any",
    ) -> None:
        super().__init__(exception_message)
        self._message = exception_message
        self._inner_exception = inner_exception
        self._target = target
        self._details = details
        self._message_format = message_format
        self._message_parameters = message_parameters
        self._reference_code = reference_code

    @property
    def message(self) -> "Any":
        """The bare text."""
        return self._message

    @message.setter
    def message(self, value: "Any") -> None:
        self._message = value

    @property
    def inner_exception(self) -> "BaseException | None":
        """What it came from."""
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, value: "BaseException | None") -> None:
        self._inner_exception = value

    def print_stacktrace(self) -> None:
        """Print where the error passed through."""
        _print(self)

    def _error(self) -> "dict[str, Any]":
        error = {"message": self._message}  # type: dict[str, Any]
        if self._target is not None:
            error["target"] = self._target
        if self._details is not None:
            error["details"] = self._details
        if self._message_format is not None:
            error["message_format"] = self._message_format
            error["message_parameters"] = self._message_parameters
        if self._reference_code is not None:
            error["reference_code"] = self._reference_code
        return error

    def __str__(self) -> str:
        import json

        response = json.dumps({"error": self._error()}, indent=4, default=str)
        return "{}:\n\tMessage: {}\n\tInnerException {}\n\tErrorResponse \n{}".format(
            type(self).__name__, self._message, self._inner_exception, response
        )

    __repr__ = __str__


class AzureMLAggregatedException(AzureMLException):
    """Several errors at once."""

    def __init__(self, exceptions_list: "Iterable[BaseException]", **kwargs: "Any") -> None:
        self.exceptions_list = list(exceptions_list)
        texts = [str(getattr(one, "message", one)) for one in self.exceptions_list]
        super().__init__("\n".join(texts), **kwargs)


class TrainingException(AzureMLException):
    """Training could not be set up."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class ExperimentExecutionException(AzureMLException):
    """A run could not be submitted or followed."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class ProjectSystemException(AzureMLException):
    """A project folder or the workspace's configuration is not as it should be."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class SnapshotException(AzureMLException):
    """The code could not be taken or fetched."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class RunEnvironmentException(AzureMLException):
    """`Run.get_context(allow_offline=False)` outside a run."""

    def __init__(self, **kwargs: "Any") -> None:
        text = kwargs.pop(
            "exception_message",
            "Could not load a submitted run: this process was not started by a run. "
            "Start the script by Experiment.submit or `outhaul run`, or allow an offline run.",
        )
        super().__init__(text, **kwargs)


class WorkspaceException(AzureMLException):
    """A workspace could not be found, made or reached."""

    def __init__(self, exception_message: "Any", found_multiple: bool = False, **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint failed; Outhaul has none."""

    def __init__(self, exception_message: "Any", found_multiple: bool = False, **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class ComputeTargetException(AzureMLException):
    """A compute target could not be found, attached or used."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class UserErrorException(AzureMLException):
    """A call that cannot be carried out as asked."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class AuthenticationException(UserErrorException):
    """Somebody may not do what was asked."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class RunConfigurationException(AzureMLException):
    """A run configuration that makes no sense."""

    def __init__(self, exception_message: "Any", **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class WebserviceException(AzureMLException):
    """A web service or model failed."""

    def __init__(
        self, exception_message: "Any", status_code: "int | None" = None, logger: "Any" = None, **kwargs: "Any"
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code


class ModelNotFoundException(AzureMLException):
    """There is no such model."""

    def __init__(self, exception_message: "Any", logger: "Any" = None, **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class ModelPathNotFoundException(AzureMLException):
    """A model's file is not among the run's files."""

    def __init__(self, exception_message: "Any", logger: "Any" = None, **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)


class DiscoveryUrlNotFoundException(AzureMLException):
    """A service of Azure has no address; Outhaul has no such services."""

    def __init__(self, discovery_key: "Any", **kwargs: "Any") -> None:
        super().__init__("No address is known for the service {}".format(discovery_key), **kwargs)


class ActivityFailedException(AzureMLException):
    """A run failed; raised by `wait_for_completion`."""

    def __init__(self, error_details: "Any", **kwargs: "Any") -> None:
        super().__init__("Activity Failed:\n{}".format(error_details), **kwargs)


class ActivityCanceledException(AzureMLException):
    """A run was canceled."""

    def __init__(self, cancellation_source: "Any" = None, **kwargs: "Any") -> None:
        text = "Activity Canceled"
        super().__init__(text if cancellation_source is None else text + ": {}".format(cancellation_source), **kwargs)


class DatasetTimestampMissingError(AzureMLException):
    """A dataset has no timestamp column."""

    def __init__(self, error_details: "Any", **kwargs: "Any") -> None:
        super().__init__("The dataset has no timestamp column: {}".format(error_details), **kwargs)


class ParallelRunException(AzureMLException):
    """A parallel run step failed."""

    def __init__(self, exception_message: "Any", code: "Any" = None, delay_seconds: float = 0, **kwargs: "Any") -> None:
        super().__init__(exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds


class ClientException(Exception):
    """Name kept for `except` clauses; nothing raises it here but its children."""


class HttpOperationError(ClientException):
    """Name kept for `except` clauses."""


class ErrorResponseException(HttpOperationError):
    """Name kept for `except` clauses."""


class AzureMLRestClientException(Exception):
    """A request failed. Not an `AzureMLException`, as in v1."""

    def __init__(
        self, exception_message: "Any", inner_exception: "BaseException | None" = None, **kwargs: "Any"
    ) -> None:
        super().__init__(exception_message)
        self._message = exception_message
        self._inner_exception = inner_exception

    @property
    def message(self) -> "Any":
        """The bare text."""
        return self._message

    @message.setter
    def message(self, value: "Any") -> None:
        self._message = value

    @property
    def inner_exception(self) -> "BaseException | None":
        """What it came from."""
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, value: "BaseException | None") -> None:
        self._inner_exception = value

    def print_stacktrace(self) -> None:
        """Print where the error passed through."""
        _print(self)


class ServiceException(AzureMLRestClientException, ErrorResponseException):
    """The server refused a request or failed; `status_code` is its HTTP status."""

    def __init__(self, error_response_exception: "Any", **kwargs: "Any") -> None:
        text = getattr(error_response_exception, "message", None) or str(error_response_exception)
        AzureMLRestClientException.__init__(self, text, inner_exception=error_response_exception, **kwargs)
        self.details = getattr(error_response_exception, "hint", None)
        self.status_code = getattr(error_response_exception, "status", None)
