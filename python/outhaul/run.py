"""The run a script belongs to: `from outhaul.run import Run; run = Run.get_context()`.

Inside a run every call appends one line to the run's metrics file; no network is used. Outside a run the same
calls print what they would record, so a script can be tried by hand. Imports stay few: every run pays for them.
"""

import os

from outhaul import _record
from outhaul._record import RunError
from outhaul._sink import FileSink, PrintSink, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable

__all__ = ["Run", "RunError"]

_MAX_ERROR = 10000
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_MARKS = "-_."

_context = {}  # type: dict[str, Run]


class Run:
    """A run, or a child of one. Get the script's own with `Run.get_context()`; do not construct it.

    Safe to use from several threads and processes at once. A record that cannot be written (a full disk) never
    raises: it is warned about once and counted in `dropped_records`.
    """

    def __init__(
        self,
        sink: Sink,
        run_id: str,
        name: str,
        parent: "Run | None" = None,
        tags: "dict[str, str] | None" = None,
    ) -> None:
        self.id = run_id
        self.name = name
        self.parent = parent
        env = os.environ.get
        self.experiment = env("OUTHAUL_EXPERIMENT", "")
        self.workspace = env("OUTHAUL_WORKSPACE", "")
        self.target = env("OUTHAUL_TARGET", "")
        self._sink = sink
        self._child = run_id if parent else None
        self._tags = dict(tags or {})
        self._properties = {}  # type: dict[str, str]
        self._ended = False
        self._entered_by = 0

    @classmethod
    def get_context(cls, allow_offline: bool = True) -> "Run":
        """The run this process belongs to, the same object at every call.

        Outside a run it is one that prints; with `allow_offline=False` that is a `RunError`.
        """
        run = _context.get("run")
        if run is None:
            run = _context.setdefault("run", _from_environment())
        if not (allow_offline or run.is_online):
            raise RunError("this process is not part of a run; start the script with outhaul, or allow_offline=True")
        return run

    @property
    def is_online(self) -> bool:
        """Whether this process is part of a run, so that calls are recorded and not printed."""
        return self._sink.online

    @property
    def offline(self) -> bool:
        """The opposite of `is_online`."""
        return not self._sink.online

    @property
    def dropped_records(self) -> int:
        """How many records this process could not write."""
        return self._sink.dropped

    # Metrics

    def log(self, name: str, value: object, description: str = "", step: "int | None" = None) -> None:
        """Record one number, text or truth value; repeat the name to draw a curve, `step` is its x."""
        fields = {"name": _record.check_name(name)}  # type: dict[str, Any]
        what = f"metric `{name}`"
        fields["value"] = _record.scalar(value, what)
        if step is not None:
            fields["step"] = _record.whole_step(step, what)
        self._put("scalar", fields, description)

    def log_list(self, name: str, value: "Iterable[object]", description: str = "") -> None:
        """Record several values at once; a second list of the same name continues the first."""
        what = f"metric `{_record.check_name(name)}`"
        self._put("list", {"name": name, "value": _record.sequence(value, what)}, description)

    def log_row(self, name: str, description: "str | None" = None, **kwargs: object) -> None:
        """Record one row of a table, a column per keyword: `run.log_row("fit", alpha=0.1, mse=3.2)`."""
        what = f"metric `{_record.check_name(name)}`"
        self._put("row", {"name": name, "value": _record.columns(kwargs, what, _record.scalar)}, description)

    def log_table(self, name: str, value: "dict[str, Iterable[object]]", description: str = "") -> None:
        """Record a whole table as columns of one length: `{"x": [1, 2], "y": [3, 4]}`."""
        what = f"metric `{_record.check_name(name)}`"
        table = _record.same_length(_record.columns(value, what, _record.sequence), what)
        self._put("table", {"name": name, "value": table}, description)

    def log_image(self, name: str, path: "str | None" = None, plot: object = None, description: str = "") -> None:
        """Keep an image file, or a matplotlib figure (or `pyplot` itself) as PNG, under this name.

        Images logged again under the same name are numbered, none is overwritten.
        """
        target, fill = self._image(name, path, plot)
        target, size = self._sink.keep(self._child, target, fill, None, True)
        if self._sink.online:
            self._put("upload", {"name": target, "size": size})
        self._put("image", {"name": name, "path": target}, description)

    def log_confusion_matrix(self, name: str, value: "dict[str, Any] | str", description: str = "") -> None:
        """Record a confusion matrix: a dict or its JSON text."""
        self._document("confusion_matrix", name, value, description)

    def log_residuals(self, name: str, value: "dict[str, Any] | str", description: str = "") -> None:
        """Record a histogram of residuals: a dict or its JSON text."""
        self._document("residuals", name, value, description)

    def log_predictions(self, name: str, value: "dict[str, Any] | str", description: str = "") -> None:
        """Record binned predictions against true values: a dict or its JSON text."""
        self._document("predictions", name, value, description)

    def log_accuracy_table(self, name: str, value: "dict[str, Any] | str", description: str = "") -> None:
        """Record an accuracy table: a dict or its JSON text."""
        self._document("accuracy_table", name, value, description)

    def get_metrics(self, name: "str | None" = None, recursive: bool = False) -> "dict[str, Any]":
        """What was logged so far, by name: one value as itself, several as a list, one row as a dict, more as
        a dict of lists, an image as its file's name. `recursive` gives one such dict per run id, children included.
        """
        from outhaul import _metrics

        metrics = _metrics.by_run(self._sink.lines(), name)
        if not recursive:
            return metrics.get(self._child, {})
        below = _metrics.descendants(self._sink.lines(), self._child)
        found = {self.id: metrics.get(self._child, {})}
        found.update((run, metrics.get(run, {})) for run in below)
        return found

    # Tags and properties

    def tag(self, key: str, value: object = None) -> None:
        """Set a tag, a short text to find runs by; a later value replaces an earlier one."""
        self._named_text("tag", self._tags, key, "" if value is None else value)

    def set_tags(self, tags: "dict[str, object]") -> None:
        """Set several tags."""
        for key, value in _items(tags, "tags"):
            self.tag(key, value)

    def get_tags(self) -> "dict[str, str]":
        """The tags the run was started with and those set through this object."""
        return dict(self._tags)

    def add_properties(self, properties: "dict[str, object]") -> None:
        """Add lasting facts about the run, such as the data's version."""
        for key, value in _items(properties, "properties"):
            self._named_text("property", self._properties, key, value)

    def get_properties(self) -> "dict[str, str]":
        """The properties added through this object."""
        return dict(self._properties)

    # Files

    def upload_file(self, name: str, path_or_stream: object) -> None:
        """Keep a copy of a file, as it is now, with the run under `name`; the same name replaces the earlier file.

        Unlike a metric, a file that cannot be kept is a `RunError`.
        """
        from outhaul import _files

        target = _files.artifact_name(name)
        fill = _files.copier(path_or_stream)
        size = None  # type: int | None
        if not hasattr(path_or_stream, "read"):
            size = os.stat(path_or_stream).st_size  # type: ignore[arg-type]
        target, size = self._sink.keep(self._child, target, fill, size, False)
        self._put("upload", {"name": target, "size": size})

    def upload_files(self, names: "list[str]", paths: "list[str]") -> None:
        """Keep several files, each name with the path at the same place."""
        if len(names) != len(paths):
            raise RunError(f"upload_files: {len(names)} names for {len(paths)} paths; give one name per path")
        for name, path in zip(names, paths):
            self.upload_file(name, path)

    def upload_folder(self, name: str, path: str) -> None:
        """Keep every file below a folder, under `name/`."""
        from outhaul import _files

        prefix = _files.artifact_name(name.rstrip("/") if isinstance(name, str) and name != "/" else name)
        for relative, full in _files.files_below(path):
            self.upload_file(prefix + "/" + relative, full)

    def get_file_names(self) -> "list[str]":
        """The names of the files uploaded so far. Files in `./outputs` and `./logs` are kept too, but not listed."""
        from outhaul import _metrics

        return _metrics.file_names(self._sink.lines(), self._child)

    # Children and the end

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None) -> "Run":
        """Start a child with its own metrics, tags and files; as a context manager it ends itself."""
        if name is not None:
            _record.check_name(name, "child run name")
        if run_id is None:
            run_id = _new_id()
        else:
            _check_id(run_id)
        fields = {"id": run_id}
        if name is not None:
            fields["name"] = name
        self._put("child", fields)
        return Run(self._sink, run_id, name or run_id, self)

    def create_children(
        self, count: "int | None" = None, tag_key: "str | None" = None, tag_values: "list[object] | None" = None
    ) -> "list[Run]":
        """Start several children: `count` of them, or one per value of a tag."""
        children = []
        for tags in self._tags_of_children(count, tag_key, tag_values):
            child = self.child_run()
            child.set_tags(tags)
            children.append(child)
        return children

    def complete(self) -> None:
        """End a child as completed. The script's own run ends with the script, so there it does nothing."""
        self._end("Completed")

    def fail(self, error_details: object = None) -> None:
        """End a child as failed. To fail the script's own run, exit with an error."""
        self._end("Failed", error_details)

    def cancel(self) -> None:
        """End a child as canceled. To cancel the script's own run, use outhaul outside the script."""
        self._end("Canceled")

    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing to do: every call has written its record when it returns."""

    def __enter__(self) -> "Run":
        self._entered_by = os.getpid()
        return self

    def __exit__(self, kind: "Any", error: "Any", traceback: object) -> None:
        # A process forked inside the block leaves it too, but the child run goes on in the one that opened it.
        if self._entered_by != os.getpid():
            return
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            self.complete()
        elif isinstance(error, KeyboardInterrupt):
            self.cancel()
        else:
            self.fail(f"{kind.__name__}: {error}")

    def __reduce__(self) -> "Any":
        # A run sent to a worker process writes to the same file from there.
        if self.parent is None:
            return Run.get_context, ()
        return _attached, (self.parent, self.id, self.name, self._tags)

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, name={self.name!r})"

    # Inner workings

    def _put(self, kind: str, fields: "dict[str, Any]", description: "str | None" = None) -> None:
        if description:
            fields["description"] = str(description)
        line = _record.encode(kind, self._child, fields)
        self._sink.put(self.name if self._child else None, kind, fields, line)

    def _document(self, kind: str, name: str, value: object, description: str) -> None:
        what = f"metric `{_record.check_name(name)}`"
        self._put(kind, {"name": name, "value": _record.document(value, what)}, description)

    @staticmethod
    def _image(name: str, path: "str | None", plot: "Any") -> "tuple[str, Callable[[str], object]]":
        """The name that an image's file shall have, and what writes it."""
        _record.check_name(name)
        if (path is None) == (plot is None):
            raise RunError(f"image `{name}`: give exactly one of path and plot")
        from outhaul import _files

        target = _files.image_name(name, path)
        if plot is None:
            return target, _files.copier(path)
        save = getattr(plot, "savefig", None)
        if not callable(save):
            raise TypeError(f"image `{name}`: plot must be a matplotlib figure or pyplot, not `{type(plot).__name__}`")
        return target, lambda temp: save(temp, format="png")

    @staticmethod
    def _tags_of_children(
        count: "int | None", tag_key: "str | None", tag_values: "list[object] | None"
    ) -> "list[dict[str, object]]":
        """What each child that is asked for is tagged with."""
        if (tag_key is None) != (tag_values is None) or (count is None) == (tag_values is None):
            raise RunError("create_children: give count, or tag_key and tag_values together")
        if tag_key is None or tag_values is None:
            return [{} for _ in range(_record.whole_step(count, "create_children"))]
        return [{tag_key: value} for value in tag_values]

    def _named_text(self, kind: str, kept: "dict[str, str]", key: str, value: object) -> None:
        what = f"{kind} `{_record.check_name(key, kind + ' name')}`"
        text = str(_record.scalar(value, what))
        self._put(kind, {"name": key, "value": text})
        kept[key] = text

    def _end(self, state: str, error: object = None) -> None:
        if self._child is None or self._ended:
            return
        self._ended = True
        fields = {"state": state}
        if error is not None:
            fields["error"] = str(error)[:_MAX_ERROR]
        self._put("child_end", fields)


def _from_environment() -> Run:
    env = os.environ.get
    run_id = env("OUTHAUL_RUN_ID")
    if not run_id:
        run_id = "OfflineRun_" + os.urandom(4).hex()
        return Run(PrintSink(), run_id, env("OUTHAUL_RUN_NAME") or run_id)
    folder = env("OUTHAUL_RUN_DIR") or "."
    metrics = env("OUTHAUL_METRICS_FILE") or os.path.join(folder, "metrics.jsonl")
    uploads = env("OUTHAUL_UPLOADS_DIR") or os.path.join(folder, "uploads")
    return Run(FileSink(metrics, uploads), run_id, env("OUTHAUL_RUN_NAME") or run_id, tags=_given_tags(env("OUTHAUL_TAGS")))


def _given_tags(text: "str | None") -> "dict[str, str]":
    if not text:
        return {}
    import json

    try:
        tags = json.loads(text)
    except ValueError:  # not worth failing a training for
        return {}
    return {key: str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}


def _attached(parent: Run, run_id: str, name: str, tags: "dict[str, str]") -> Run:
    return Run(parent._sink, run_id, name, parent, tags)


def _items(pairs: "Any", what: str) -> "Iterable[tuple[str, object]]":
    if not isinstance(pairs, dict):
        raise TypeError(f"{what} must be a dict, not `{type(pairs).__name__}`")
    return pairs.items()


def _new_id() -> str:
    """A run id as outhaul itself makes them, so that the one a script prints is the one that `outhaul runs` knows."""
    return "".join(_ID_ALPHABET[byte % 32] for byte in os.urandom(16))


def _check_id(run_id: str) -> None:
    # The id becomes a folder's name.
    _record.check_name(run_id, "child run id")
    plain = run_id.replace("-", "").replace("_", "").replace(".", "")
    if not (plain.isascii() and plain.isalnum() and run_id[0] not in _ID_MARKS and len(run_id) <= 200):
        raise RunError(f"child run id `{run_id}`: use up to 200 letters, digits, `-`, `_` and `.`, a letter or digit first")
