"""The run that this process belongs to, over the run module that every run has on its PYTHONPATH. No server is asked:
metrics, tags and files go through the run's own folder, so this works on machines without a way to the server.
"""

import os

from outhaul_azureml.errors import RunEnvironmentException, UserErrorException
from outhaul_azureml.planned import known_as, not_yet
from outhaul_azureml.run.logging import image_file
from outhaul_azureml.run.listing import check_children
from outhaul_azureml.run.model import Run
from outhaul_azureml.run.offline import _OfflineRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DATA = "AZUREML_DATAREFERENCE_"
_DEFINITION = "AZUREML_DATASET_"
_context = {}  # type: dict[str, Any]


def context(allow_offline: bool) -> "Any":
    """The run of this process: the same object at every call."""
    from outhaul import run as own

    if not os.environ.get("OUTHAUL_RUN_ID"):
        if not allow_offline:
            raise RunEnvironmentException()
        return _OfflineRun()
    if "run" not in _context:
        _context["run"] = _SubmittedRun(own.Run.get_context())
    return _context["run"]


class _InsideWorkspace:
    """What stands for the server inside a run."""

    def __getattr__(self, name: str) -> "Any":
        raise UserErrorException(
            "Inside a run Outhaul's server is not reachable, so the workspace cannot be asked. Give the script what it "
            "needs by arguments, named inputs or environment variables."
        )


def _experiment(own: "Any") -> "Any":
    from outhaul_azureml.run.experiment import Experiment
    from outhaul_azureml.workspace.model import Workspace

    env = os.environ.get

    class RunWorkspace(Workspace):
        """The workspace of the run, by its names only."""

        _server = _InsideWorkspace()

    made = RunWorkspace(
        env("AZUREML_ARM_SUBSCRIPTION"), env("AZUREML_ARM_RESOURCEGROUP"), own.workspace, _disable_service_check=True
    )
    return Experiment(made, own.experiment, _skip_name_validation=True)


@known_as("azureml.core.run")
class _SubmittedRun(Run):
    """The run of this process."""

    def __init__(self, *args: "Any", **kwargs: "Any") -> None:
        self._own = args[0]
        self._run_id = self._own.id
        self._known = None
        self._made_experiment = None  # type: Any
        self._parent = kwargs.get("parent")
        self._inputs = None  # type: InputDatasets | None

    @property
    def _experiment(self) -> "Any":
        if self._made_experiment is None:
            self._made_experiment = _experiment(self._own)
        return self._made_experiment

    @_experiment.setter
    def _experiment(self, value: "Any") -> None:
        self._made_experiment = value

    def __repr__(self) -> str:
        return "Run(Experiment: {},\nId: {})".format(self._own.experiment, self._run_id)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._own.name)

    @property
    def parent(self) -> "Any":
        """The run that it is a child of."""
        return self._parent

    @property
    def status(self) -> str:
        """A run that calls this is running."""
        return "Running"

    @property
    def type(self) -> str:
        """It was submitted."""
        return "azureml.scriptrun"

    @property
    def input_datasets(self) -> "InputDatasets":
        """The named inputs: a path for files, a dataset for tables."""
        if self._inputs is None:
            self._inputs = InputDatasets(None)
        return self._inputs

    @property
    def output_datasets(self) -> "OutputDatasets":
        """Outputs that go to datastores: planned."""
        raise not_yet("azureml.core.run._SubmittedRun.output_datasets", "outputs to datastores are planned")

    # Its end is the script's end.

    def complete(self) -> None:  # type: ignore[override]
        """The run ends with its script; a child ends now."""
        self._own.complete()

    def fail(self, error_details: "Any" = None, error_code: "Any" = None) -> None:  # type: ignore[override]
        """The run fails when its script does; a child fails now."""
        self._own.fail(error_details)

    def cancel(self) -> None:
        """The run is canceled from outside; a child now."""
        self._own.cancel()

    def __enter__(self) -> "_SubmittedRun":
        self._own.__enter__()
        return self

    def __exit__(self, *args: "Any") -> None:
        self._own.__exit__(*args)

    # What is recorded

    def _put(self, kind: str, fields: "dict[str, Any]") -> None:
        self._own._put(kind, fields)

    def _keep(self, name: str, source: "Any") -> None:
        from outhaul_azureml.run.logging import _checked

        _checked(self._own.upload_file, name, source)

    def log_image(self, name: str, path: "Any" = None, plot: "Any" = None, description: str = "") -> None:
        """Keep an image: a file, or a matplotlib figure or pyplot itself."""
        if (path is None) == (plot is None):
            raise UserErrorException("Invalid parameters, path and plot: one of them is required")
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            _, where = image_file(name, path, plot, folder)
            self._own.log_image(name, path=where)

    def get_metrics(
        self, name: "str | None" = None, recursive: bool = False, run_type: "Any" = None, populate: bool = False
    ) -> "dict[str, Any]":
        """What was logged so far."""
        found = self._own.get_metrics(name, recursive)  # type: dict[str, Any]
        return found

    def get_file_names(self) -> "list[str]":
        """The names of what was uploaded so far."""
        return list(self._own.get_file_names())

    def set_tags(self, tags: "dict[str, Any]") -> None:
        """Set several tags."""
        from outhaul_azureml.run.listing import texts

        self._own.set_tags(texts(tags, "tags"))

    def get_tags(self) -> "dict[str, str]":
        """Its tags."""
        return dict(self._own.get_tags())

    def remove_tags(self, tags: "Any") -> None:
        """Removing tags needs the server."""
        raise not_yet("azureml.core.run.Run.remove_tags", "inside a run tags can be set, not removed")

    def add_properties(self, properties: "dict[str, Any]") -> None:
        """Add facts."""
        from outhaul_azureml.run.listing import texts

        self._own.add_properties(texts(properties, "properties"))

    def get_properties(self) -> "dict[str, str]":
        """Properties that this process has added."""
        return dict(self._own.get_properties())

    def _register(self, name: str, model_path: "str | None", said: "dict[str, Any]") -> "Any":
        """The server cannot be asked, and what the script wrote is kept when it ends: the wish is written down, and
        fulfilled then. Until it is, the model's version is not known: it is 0 here.
        """
        import json

        from outhaul_azureml.model.model import Model
        from outhaul_azureml.model.wish import pending

        if self._parent is not None:
            raise not_yet(
                "azureml.core.run.Run.register_model",
                "inside a run models are registered by the run itself and not by its children",
            )
        wish, found = pending(self._run_id, self._own.experiment, name, model_path, said)
        self._own.add_properties({"outhaul.register_model.{}".format(found["id"]): json.dumps(wish)})
        return Model(self.experiment.workspace, _found=found)

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "Any" = None) -> "Any":
        """A child, which is running at once."""
        return _SubmittedRun(self._own.child_run(name, run_id), parent=self)

    def create_children(
        self, count: "int | None" = None, tag_key: "str | None" = None, tag_values: "Any" = None
    ) -> "list[Any]":
        """Several children."""
        made = []
        for value in check_children(count, tag_key, tag_values):
            child = self.child_run()
            if tag_key:
                child.tag(tag_key, value)
            made.append(child)
        return made


@known_as("azureml.core.run")
class InputDatasets(dict):  # type: ignore[type-arg]
    """The named inputs of the run of this process."""

    def __init__(self, workspace: "Any") -> None:
        super().__init__()

    def __missing__(self, name: str) -> "Any":
        definition = os.environ.get(_DEFINITION + name)
        if definition is not None:
            from outhaul_azureml.data import tabular

            made = tabular.from_text(definition)
            made._definition["paths"] = [_here(path) for path in made._definition["paths"]]
            self[name] = made
            return self[name]
        path = os.environ.get(_DATA + name, os.environ.get(_DATA + name.lower()))
        if path is None:
            raise KeyError("No dataset input with name {} was found for this run".format(name))
        self[name] = _here(path)
        return self[name]


def _here(path: str) -> str:
    """A path of data that travelled with the code, wherever the script has gone meanwhile."""
    code = os.path.join(os.environ.get("OUTHAUL_RUN_DIR", ""), "code")
    return path if os.path.isabs(path) else os.path.join(code if os.path.isdir(code) else os.getcwd(), path)


@known_as("azureml.core.run")
class OutputDatasets(dict):  # type: ignore[type-arg]
    """Outputs that go to datastores."""

    def __init__(self, workspace: "Any") -> None:
        super().__init__()
        self.workspace = workspace
