"""The run of a process that belongs to none: its calls print what they would record."""

import os

from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _uuid() -> str:
    # What `uuid` does, which costs more to import than all the rest.
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:]))


@known_as("azureml.core.run")
class _OfflineRun:
    """Prints. `isinstance(run, _OfflineRun)` is how scripts of v1 ask whether they are tried by hand."""

    def __init__(self, parent_logger: "Any" = None, run_id: "str | None" = None, **kwargs: "Any") -> None:
        self._run_id = run_id or "OfflineRun_{}".format(_uuid())

    def __repr__(self) -> str:
        return "OfflineRun(Id: {})".format(self._run_id)

    @property
    def id(self) -> str:
        """Its id."""
        return self._run_id

    def _say(self, what: str, name: str, value: "Any") -> None:
        print("Attempted to log {} {}:\n{}".format(what, name, value))

    def log(self, name: str, value: "Any", description: str = "") -> None:
        """Print the value."""
        self._say("scalar metric", name, value)

    def log_list(self, name: str, value: "Any", description: str = "") -> None:
        """Print the values."""
        self._say("list metric", name, value)

    def log_row(self, name: str, description: "str | None" = None, **kwargs: "Any") -> None:
        """Print the row."""
        self._say("row metric", name, kwargs)

    def log_table(self, name: str, value: "Any", description: str = "") -> None:
        """Print the table."""
        self._say("table metric", name, value)

    def log_image(self, name: str, path: "Any" = None, plot: "Any" = None, description: str = "") -> None:
        """Print where the image is."""
        self._say("image", name, path if path is not None else plot)

    def log_residuals(self, name: str, value: "Any", description: "str | None" = None) -> None:
        """Print the residuals."""
        self._say("residuals", name, value)

    def log_predictions(self, name: str, value: "Any", description: "str | None" = None) -> None:
        """Print the predictions."""
        self._say("predictions", name, value)

    def log_accuracy_table(self, name: str, value: "Any", description: "str | None" = None) -> None:
        """Print the table."""
        self._say("accuracy table", name, value)

    def log_confusion_matrix(self, name: str, value: "Any", description: "str | None" = None) -> None:
        """Print the matrix."""
        self._say("confusion matrix", name, value)

    def upload_file(self, name: str, path_or_stream: "Any", datastore_name: "str | None" = None) -> None:
        """Print what would be kept."""
        print("Attempted to upload file {} from {}".format(name, path_or_stream))

    def upload_files(
        self,
        name: "list[str]",
        paths: "list[str]",
        return_artifacts: bool = False,
        timeout_seconds: "int | None" = None,
        datastore_name: "str | None" = None,
    ) -> None:
        """Print what would be kept."""
        for one, path in zip(name, paths):
            self.upload_file(one, path)

    def upload_folder(self, name: str, path: str, datastore_name: "str | None" = None) -> None:
        """Print what would be kept."""
        print("Attempted to upload folder {} from {}".format(name, path))

    def tag(self, name: str, value: "Any" = None) -> None:
        """Print the tag."""
        print("Attempted to tag {}={}".format(name, value))

    def set_tags(self, tags: "dict[str, Any]") -> None:
        """Print the tags."""
        for name, value in tags.items():
            self.tag(name, value)

    def add_properties(self, properties: "dict[str, Any]") -> None:
        """Print the properties."""
        print("Attempted to add properties {}".format(properties))

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "Any" = None) -> "_OfflineRun":
        """Another run that prints."""
        return _OfflineRun(run_id=run_id)

    def complete(self) -> None:
        """Nothing to end."""

    def fail(self, error_details: "Any" = None, error_code: "Any" = None) -> None:
        """Nothing to end."""

    def cancel(self) -> None:
        """Nothing to end."""

    def flush(self) -> None:
        """Nothing to send."""

    def __enter__(self) -> "_OfflineRun":
        return self

    def __exit__(self, exit_type: "Any", value: "Any", traceback: "Any") -> None:
        pass
