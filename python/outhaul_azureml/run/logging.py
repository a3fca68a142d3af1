"""Logging metrics: what v1 takes and refuses, as records of Outhaul. Every kind of run has these calls.

A run says in `_put` where a record goes, and in `_keep` where a file goes.
"""

import os

from outhaul import _record
from outhaul_azureml.errors import AzureMLException, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class Logging:
    """The calls that record metrics and files."""

    def _put(self, kind: str, fields: "dict[str, Any]") -> None:
        raise NotImplementedError

    def _keep(self, name: str, source: "Any") -> None:
        """Keeps a file or open stream under a name."""
        raise NotImplementedError

    def _keep_image(self, name: str, path: "Any", plot: "Any") -> str:
        """Keeps an image and gives the name of its file."""
        raise NotImplementedError

    # Metrics

    def log(self, name: str, value: "Any", description: str = "", step: "int | None" = None) -> None:
        """Record one value; the same name again makes a series."""
        if value is None:
            return
        if isinstance(value, (list, tuple, set, range)) or hasattr(value, "__next__"):
            kind = "list" if isinstance(value, list) else type(value).__name__
            raise UserErrorException("run.log does not support {} type. Use run.log_list instead".format(kind))
        fields = {"name": _checked(_record.check_name, name), "value": plain(value)}
        if step is not None:
            fields["step"] = _checked(_record.whole_step, step, "metric `{}`".format(name))
        self._put("scalar", fields)

    def log_list(self, name: str, value: "Any", description: str = "") -> None:
        """Record several values; a second list of the same name continues the first."""
        what = "metric `{}`".format(_checked(_record.check_name, name))
        try:
            values = _record.sequence(value, what)
        except (TypeError, ValueError):
            if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
                raise UserErrorException("run.log_list takes a list, not {}".format(type(value).__name__)) from None
            values = [plain(one) for one in value]
        self._put("list", {"name": name, "value": values})

    def log_row(self, name: str, description: "str | None" = None, **kwargs: "Any") -> None:
        """Record one row of a table: a column for each keyword."""
        for column, cell in kwargs.items():
            if isinstance(cell, dict):
                raise AzureMLException("log_row does not take a dict as the value of a column: {}".format(column))
        if not kwargs:
            raise UserErrorException("log_row needs a value for at least one column")
        self._put(
            "row", {"name": _checked(_record.check_name, name), "value": {k: plain(v) for k, v in kwargs.items()}}
        )

    def log_table(self, name: str, value: "Any", description: str = "") -> None:
        """Record a table as columns of one length."""
        what = "metric `{}`".format(_checked(_record.check_name, name))
        if not hasattr(value, "keys"):
            raise UserErrorException("log_table takes a dict of columns, not {}".format(type(value).__name__))
        columns = {}
        for column in value.keys():
            cells = value[column]
            listed = isinstance(cells, (list, tuple, range)) or hasattr(cells, "tolist")
            columns[str(column)] = [plain(one) for one in _listed(cells)] if listed else [plain(cells)]
        self._put("table", {"name": name, "value": _checked(_record.same_length, columns, what)})

    def log_image(self, name: str, path: "Any" = None, plot: "Any" = None, description: str = "") -> None:
        """Keep an image: a file, or a matplotlib figure or pyplot itself."""
        if (path is None) == (plot is None):
            raise UserErrorException("Invalid parameters, path and plot: one of them is required")
        _checked(_record.check_name, name)
        kept = self._keep_image(name, path, plot)
        self._put("image", {"name": name, "path": kept})

    def log_confusion_matrix(self, name: str, value: "Any", description: str = "") -> None:
        """Record a confusion matrix: a dict, or its JSON text."""
        self._document("confusion_matrix", name, value)

    def log_accuracy_table(self, name: str, value: "Any", description: str = "") -> None:
        """Record an accuracy table: a dict, or its JSON text."""
        self._document("accuracy_table", name, value)

    def log_residuals(self, name: str, value: "Any", description: str = "") -> None:
        """Record a histogram of residuals: a dict, or its JSON text."""
        self._document("residuals", name, value)

    def log_predictions(self, name: str, value: "Any", description: str = "") -> None:
        """Record binned predictions: a dict, or its JSON text."""
        self._document("predictions", name, value)

    def _document(self, kind: str, name: str, value: "Any") -> None:
        what = "metric `{}`".format(_checked(_record.check_name, name))
        self._put(kind, {"name": name, "value": _checked(_record.document, value, what)})

    # Files

    def upload_file(self, name: str, path_or_stream: "Any", datastore_name: "str | None" = None) -> "Any":
        """Keep a copy of a file with the run, under this name."""
        _no_store(datastore_name)
        self._keep(name, path_or_stream)

    def upload_folder(self, name: str, path: str, datastore_name: "str | None" = None) -> "Any":
        """Keep every file below a folder, under `name/`."""
        from outhaul import _files

        _no_store(datastore_name)
        for relative, full in _checked(_files.files_below, path):
            self._keep(name.rstrip("/") + "/" + relative if name else relative, full)

    def upload_files(
        self,
        names: "list[str]",
        paths: "list[str]",
        return_artifacts: bool = False,
        timeout_seconds: "int | None" = None,
        datastore_name: "str | None" = None,
    ) -> "Any":
        """Keep several files, each name with the path in the same place."""
        _no_store(datastore_name)
        if len(names) != len(paths):
            raise UserErrorException("There are {} names for {} paths".format(len(names), len(paths)))
        for name, path in zip(names, paths):
            self._keep(name, path)


def _no_store(datastore_name: "str | None") -> None:
    if datastore_name is not None:
        from outhaul_azureml.planned import not_yet

        raise not_yet("azureml.core.run.Run.upload_file", "files go with the run; other datastores are planned")


def plain(value: "Any") -> "Any":
    """One value as a record has it; what is none is logged as text, as in v1."""
    try:
        return _record.scalar(value, "value")
    except (TypeError, ValueError):
        return str(value)


def _listed(cells: "Any") -> "Any":
    tolist = getattr(cells, "tolist", None)
    return tolist() if callable(tolist) else cells


def _checked(check: "Callable[..., Any]", *arguments: "Any") -> "Any":
    """What the run module's own check gives, with its refusal as v1's exception."""
    try:
        return check(*arguments)
    except (TypeError, ValueError) as error:
        raise UserErrorException(str(error), inner_exception=error) from None


def image_file(name: str, path: "Any", plot: "Any", folder: str) -> "tuple[str, str]":
    """The name under which an image is kept, and the file to take it from; a plot is written into the folder."""
    from outhaul import _files

    kept = _checked(_files.image_name, name, path)
    if plot is None:
        return kept, _checked(_files.check_source, path)
    save = getattr(plot, "savefig", None)
    if not callable(save):
        raise UserErrorException("plot must be a matplotlib figure or pyplot, not {}".format(type(plot).__name__))
    where = os.path.join(folder, "plot.png")
    save(where, format="png")
    return kept, where
