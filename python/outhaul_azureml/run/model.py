"""`Run`: a run as the server knows it. `ScriptRun` is one that was submitted."""

import os

from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as
from outhaul_azureml.run.listing import check_children, listed, of, strict, texts
from outhaul_azureml.run.logging import Logging, image_file
from outhaul_azureml.run.registering import Registering
from outhaul_azureml.run.status import TERMINAL, RunStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List

SCRIPT_RUN = "azureml.scriptrun"
TRACKED_RUN = "sdk"


@known_as("azureml.core.run")
class Run(Logging, Registering):
    """A run. `Run.get_context()` gives the one that this process belongs to."""

    RUN_TYPE = None  # type: str | None

    def __init__(self, experiment: "Any", run_id: str, outputs: "Any" = None, **kwargs: "Any") -> None:
        self._experiment = experiment
        self._run_id = run_id
        self._outputs = outputs
        self._known = None  # type: dict[str, Any] | None
        self._ended_here = False

    @property
    def _server(self) -> "Any":
        return self._experiment.workspace._server

    def _path(self, rest: str = "") -> str:
        from outhaul._client.query import run_path
        from outhaul.errors import BadRequestError

        try:
            return run_path(self._run_id, rest)
        except BadRequestError as error:
            raise UserErrorException("Run {} not found: {}".format(self._run_id, error.message)) from None

    def _fetch(self) -> "dict[str, Any]":
        """The run as it stands now."""
        if self._known is None or self._known["state"] not in TERMINAL:
            found = self._server.find(self._path())
            if found is None:
                raise UserErrorException(
                    "Run {} not found in workspace {}".format(self._run_id, self._experiment.workspace.name)
                )
            self._known = found
        return self._known

    def __repr__(self) -> str:
        return "Run(Experiment: {},\nId: {},\nType: {},\nStatus: {})".format(
            self._experiment.name, self._run_id, self.type, self.status
        )

    # Finding

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: "Any") -> "Any":
        """The run that this process belongs to; outside a run one that prints."""
        from outhaul_azureml.run import inside

        return inside.context(allow_offline)

    @classmethod
    def get_submitted_run(cls, **kwargs: "Any") -> "Any":
        """The old name of `get_context`, which refuses to work outside a run."""
        return cls.get_context(allow_offline=False)

    @staticmethod
    def get(workspace: "Any", run_id: str) -> "Run":
        """A run by its id, whatever its experiment."""
        from outhaul_azureml.run.experiment import Experiment

        made = Run(Experiment(workspace, "unknown", _create_in_cloud=False), run_id)
        found = made._fetch()
        return of(workspace, found)

    @staticmethod
    def list(
        experiment: "Any",
        type: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        status: "str | None" = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """The runs of an experiment, newest first."""
        query = {"experiment": experiment.name, "state": status}
        return listed(experiment.workspace, query, type, tags, properties, include_children)

    @staticmethod
    def list_by_compute(
        compute: "Any",
        type: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        status: "str | None" = None,
    ) -> "Iterator[Run]":
        """The runs of a compute target, newest first."""
        return listed(compute.workspace, {"target": compute.name, "state": status}, type, tags, properties, False)

    # What it is

    @property
    def id(self) -> str:
        """Its id."""
        return self._run_id

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._fetch()["name"])

    @property
    def display_name(self) -> str:
        """Its name. Setting it is planned."""
        return self.name

    @display_name.setter
    def display_name(self, value: str) -> None:
        from outhaul_azureml.planned import not_yet

        raise not_yet("azureml.core.run.Run.display_name", "renaming runs is planned; use a tag meanwhile")

    @property
    def description(self) -> "str | None":
        """What somebody wrote about it: its tag `description`."""
        return self.get_tags().get("description")

    @description.setter
    def description(self, value: str) -> None:
        self.tag("description", value)

    @property
    def type(self) -> str:
        """`azureml.scriptrun` for one that was submitted."""
        return SCRIPT_RUN if self._fetch().get("spec") else TRACKED_RUN

    @property
    def number(self) -> int:
        """Its place among the runs of the experiment, from 1 on."""
        query = {"experiment": self._experiment.name, "workspace": self._experiment.workspace.name, "limit": 0}
        ids = [one["id"] for one in self._server.get("/runs", query)]
        return len(ids) - ids.index(self._run_id) if self._run_id in ids else 0

    @property
    def experiment(self) -> "Any":
        """Its experiment."""
        return self._experiment

    @property
    def parent(self) -> "Run | None":
        """The run that it is a child of."""
        found = self._fetch().get("parent")
        return Run.get(self._experiment.workspace, found) if found else None

    @property
    def status(self) -> str:
        """Where it is in its life."""
        return str(self._fetch()["state"])

    @property
    def tags(self) -> "dict[str, str]":
        """Its tags."""
        return self.get_tags()

    @property
    def properties(self) -> "dict[str, str]":
        """Its properties."""
        return self.get_properties()

    def get_status(self) -> str:
        """Where it is in its life."""
        return self.status

    def get_detailed_status(self) -> "dict[str, Any]":
        """Where it is, and what it waits for."""
        found = self._fetch()
        waiting = found.get("waiting") or {}
        text = "{} ({})".format(waiting["reason"], waiting["moved_by"]) if waiting else None
        return {"status": found["state"], "statusReason": text, "details": text}

    def get_portal_url(self) -> str:
        """There is no web page yet; the text names the run."""
        from outhaul_azureml.run import wait

        return wait.web_view(self._experiment.workspace.name, self._run_id)

    def get_details(self) -> "dict[str, Any]":
        """Everything about it."""
        from outhaul_azureml.run import details

        return details.of(self)

    def get_details_with_logs(self) -> "dict[str, Any]":
        """Everything about it, with the text of its logs."""
        found = self.get_details()
        found["logFiles"] = {name: self._log_text(name) for name in found["logFiles"]}
        return found

    def get_environment(self) -> "Any":
        """Its environment."""
        from outhaul_azureml.environment import translate

        spec = (self._fetch().get("spec") or {}).get("environment")
        if spec is None:
            raise UserErrorException("Run {} was not submitted, so it has no environment".format(self._run_id))
        return translate.environment(spec.get("name") or "default-environment", None, spec)

    # Its course

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> "dict[str, Any]":
        """Wait for its end and give its details; `show_output` streams its log."""
        from outhaul_azureml.run import wait

        return wait.until_end(self, show_output, raise_on_error)

    def cancel(self) -> None:
        """End it."""
        if self._fetch().get("spec"):
            self._server.ask("POST", self._path("/cancel"), repeat=True)
        else:
            self._end(RunStatus.CANCELED)

    def start(self) -> None:
        """A run that is played is running at once."""

    def complete(self, _set_status: bool = True) -> None:
        """End it as completed."""
        if _set_status:
            self._end(RunStatus.COMPLETED)

    def fail(self, error_details: "Any" = None, error_code: "Any" = None, _set_status: bool = True) -> None:
        """End it as failed."""
        if _set_status:
            text = None if error_details is None else str(getattr(error_details, "message", error_details))
            if error_code is not None:
                text = "{}: {}".format(error_code, text or "")
            self._end(RunStatus.FAILED, text)

    def _end(self, state: str, message: "str | None" = None) -> None:
        if self._ended_here:
            return
        body = {"state": state}
        if message is not None:
            body["message"] = message
        self._server.ask("POST", self._path("/end"), None, body, repeat=True)
        self._ended_here = True

    def flush(self, timeout_seconds: int = 300) -> None:
        """Nothing to do: every call has been recorded when it returns."""

    def clean(self) -> "List[str]":
        """Outhaul removes what a run leaves on its target by itself."""
        return []

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, exit_type: "Any", value: "Any", traceback: "Any") -> None:
        from outhaul_azureml.run import tracked

        tracked.keep_folders(self)
        if value is None or (isinstance(value, SystemExit) and value.code in (None, 0)):
            self.complete()
        else:
            self.fail("{}: {}".format(getattr(exit_type, "__name__", exit_type), value))

    # Children

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "Any" = None) -> "Run":
        """A child, which is running at once."""
        from outhaul_azureml.run import tracked

        full = "{}.{}".format(self.name, name) if name else None
        made = tracked.start(self._experiment, name=full, run_id=run_id, parent=self._run_id)  # type: Run
        return made

    def create_children(
        self, count: "int | None" = None, tag_key: "str | None" = None, tag_values: "Any" = None
    ) -> "List[Run]":
        """Several children: so many, or one for each value of a tag."""
        values = check_children(count, tag_key, tag_values)
        from outhaul_azureml.run import tracked

        made = []  # type: List[Run]
        for value in values:
            tags = {tag_key: str(value)} if tag_key else {}
            made.append(tracked.start(self._experiment, parent=self._run_id, tags=tags))
        return made

    def get_children(
        self,
        recursive: bool = False,
        tags: "Any" = None,
        properties: "Any" = None,
        type: "str | None" = None,
        status: "str | None" = None,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Its children, newest first; with `recursive` theirs, too."""
        workspace = self._experiment.workspace
        for child in listed(workspace, {"parent": self._run_id, "state": status}, type, tags, properties, False):
            yield child
        if recursive:
            for child in listed(workspace, {"parent": self._run_id}, None, None, None, False):
                yield from child.get_children(True, tags, properties, type, status)

    # Tags and properties

    def tag(self, key: str, value: "Any" = None) -> None:
        """Set a tag."""
        self.set_tags({key: value})

    def set_tags(self, tags: "dict[str, Any]") -> None:
        """Set several tags."""
        self._change_tags({"set": texts(tags, "tags")})

    def remove_tags(self, tags: "Any") -> None:
        """Remove tags by their names."""
        self._change_tags({"remove": [tags] if isinstance(tags, str) else list(tags)})

    def _change_tags(self, change: "dict[str, Any]") -> None:
        self._known = self._server.ask("POST", self._path("/tags"), None, change, repeat=True)

    def get_tags(self) -> "dict[str, str]":
        """Its tags."""
        self._known = None
        return dict(self._fetch()["tags"])

    def add_properties(self, properties: "dict[str, Any]") -> None:
        """Add facts, which stay as they are once they are there."""
        body = texts(properties, "properties")
        self._known = self._server.ask("POST", self._path("/properties"), None, body, repeat=True)

    def get_properties(self) -> "dict[str, str]":
        """Its properties."""
        self._known = None
        return dict(self._fetch().get("properties") or {})

    # Metrics

    def get_metrics(
        self, name: "str | None" = None, recursive: bool = False, run_type: "Any" = None, populate: bool = False
    ) -> "dict[str, Any]":
        """What was logged, by name; with `recursive` by run first, children included."""
        from outhaul_azureml.run import metrics

        own = metrics.shaped(self._server.get(self._path("/metrics")), self._run_id, name)
        if not recursive:
            return own
        found = {self._run_id: own}
        for child in self.get_children(recursive=True):
            found[child.id] = child.get_metrics(name)
        return found

    def _put(self, kind: str, fields: "dict[str, Any]") -> None:
        record = {"kind": kind, "name": fields["name"], "value": strict(fields.get("value"))}
        if kind == "image":
            record["value"] = fields["path"]
        if fields.get("step") is not None:
            record["step"] = fields["step"]
        import time

        record["t"] = time.time()
        self._server.ask("POST", self._path("/metrics"), None, [record], repeat=True)

    # Files

    def _keep(self, name: str, source: "Any") -> None:
        from outhaul_azureml.run import files

        files.keep(self, name, source)

    def _keep_image(self, name: str, path: "Any", plot: "Any") -> str:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            kept, where = image_file(name, path, plot, folder)
            base, ending = os.path.splitext(kept)
            taken, number = set(self.get_file_names()), 1
            while kept in taken:
                number += 1
                kept = "{}-{}{}".format(base, number, ending)
            self._keep(kept, where)
        return kept

    def get_file_names(self) -> "List[str]":
        """The names of its files, logs included."""
        from outhaul_azureml.run import files

        return files.names(self)

    def download_file(self, name: str, output_file_path: "str | None" = None, _validate_checksum: bool = False) -> None:
        """Fetch a file; into the current folder under its last name unless a path is given."""
        from outhaul_azureml.run import files

        files.fetch(self, name, output_file_path)

    def download_files(
        self,
        prefix: "str | None" = None,
        output_directory: "str | None" = None,
        output_paths: "Any" = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: "int | None" = None,
    ) -> None:
        """Fetch all files whose names begin with the prefix."""
        from outhaul_azureml.run import files

        files.fetch_all(self, prefix, output_directory, output_paths, append_prefix)

    def get_all_logs(self, destination: "str | None" = None) -> "List[str]":
        """Write its logs into a folder (`./assets/<id>` unless one is given) and give their paths."""
        from outhaul_azureml.run import files

        return files.all_logs(self, destination)

    def _log_text(self, name: str) -> str:
        from outhaul_azureml.run import files

        return files.log_bytes(self, name).decode("utf-8", "replace")

    # Code

    def get_snapshot_id(self) -> str:
        """The id of its code."""
        spec = self._fetch().get("spec")
        if not spec:
            raise UserErrorException("Run {} was not submitted, so it has no snapshot".format(self._run_id))
        return str(spec["snapshot"]["tree"])

    def restore_snapshot(self, snapshot_id: "str | None" = None, path: "str | None" = None) -> str:
        """Write its code into a folder and give the folder."""
        from outhaul_azureml.run import files

        return files.restore(self, path)

    @staticmethod
    def add_type_provider(runtype: str, run_factory: "Any") -> None:
        """Registers a class for a type of run; Outhaul knows its own types only, so it is kept and not used."""
        _providers[runtype] = run_factory

    def submit_child(self, config: "Any", tags: "Any" = None, **kwargs: "Any") -> "Run":
        """Submit a run as a child of this one: planned."""
        from outhaul_azureml.planned import not_yet

        raise not_yet("azureml.core.run.Run.submit_child", "submitting runs as children is planned")


_providers = {}  # type: dict[str, Any]


@known_as("azureml.core.script_run")
class ScriptRun(Run):
    """A run that was submitted."""

    RUN_TYPE = SCRIPT_RUN

    def __init__(
        self, experiment: "Any", run_id: str, directory: "Any" = None, _run_config: "Any" = None, **kwargs: "Any"
    ) -> None:
        super().__init__(experiment, run_id, **kwargs)
        self._directory = directory
        self._run_config = _run_config

    def cancel(self) -> None:
        """End it."""
        super().cancel()


def get_run(experiment: "Any", run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """A run of an experiment by its id."""
    return Run.get(experiment.workspace, run_id)
