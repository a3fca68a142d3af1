"""`Experiment`: a name under which runs stand, and where they are started from."""

import os
import re

from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_NAME = re.compile(r"[a-zA-Z0-9][\w\-]{0,254}$")


@known_as("azureml.core.experiment")
class ViewType:
    """Which experiments are listed."""

    ActiveOnly = "ActiveOnly"
    All = "All"
    ArchivedOnly = "ArchivedOnly"


@known_as("azureml.core.experiment")
class Experiment:
    """An experiment. In Outhaul it is there as soon as it has a run."""

    def __init__(
        self,
        workspace: "Any",
        name: str,
        _skip_name_validation: bool = False,
        _id: "str | None" = None,
        _archived_time: "Any" = None,
        _create_in_cloud: bool = True,
        _experiment_dto: "Any" = None,
        **kwargs: "Any",
    ) -> None:
        if not _skip_name_validation and not _NAME.match(name or ""):
            raise UserErrorException(
                "Experiment name {!r} is not valid: it must be 1-255 characters, start with a letter or a number, and "
                "can only contain letters, numbers, dashes, and underscores".format(name)
            )
        self._workspace = workspace
        self._name = name

    def __repr__(self) -> str:
        return "Experiment(Name: {},\nWorkspace: {})".format(self._name, getattr(self._workspace, "name", None))

    @property
    def workspace(self) -> "Any":
        """Its workspace."""
        return self._workspace

    @property
    def workspace_object(self) -> "Any":
        """The old name of `workspace`."""
        return self._workspace

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def id(self) -> str:
        """Its name, which is what Outhaul knows it by."""
        return self._name

    @property
    def archived_time(self) -> None:
        """Experiments are not archived yet."""
        return None

    def get_portal_url(self) -> str:
        """There is no web page yet; the text names the experiment."""
        return "outhaul://{}/experiments/{}".format(self._workspace.name, self._name)

    # Runs

    def submit(self, config: "Any", tags: "dict[str, Any] | None" = None, **kwargs: "Any") -> "Any":
        """Start what the configuration describes."""
        from outhaul_azureml.run import submit

        return submit.submit(self, config, tags, **kwargs)

    def start_logging(self, *args: "Any", **kwargs: "Any") -> "Any":
        """A run that this process plays: log to it, then `complete()`; as a context manager it ends itself."""
        from outhaul_azureml.run import tracked

        names = ("outputs", "snapshot_directory")
        given = dict(zip(names, args))
        given.update(kwargs)
        run = tracked.start(self, name=given.get("display_name"), run_id=given.get("run_id"))
        outputs = given.get("outputs") or "outputs"
        os.makedirs(outputs, exist_ok=True)
        run._watched = [os.path.abspath(outputs), os.path.abspath("logs")]
        return run

    def get_runs(
        self, type: "str | None" = None, tags: "Any" = None, properties: "Any" = None, include_children: bool = False
    ) -> "Iterator[Any]":
        """Its runs, newest first."""
        from outhaul_azureml.run.model import Run

        return Run.list(self, type, tags, properties, None, include_children)

    def refresh(self) -> None:
        """Nothing is kept that could be old."""

    # Listing

    @staticmethod
    def list(
        workspace: "Any", experiment_name: "str | None" = None, view_type: str = ViewType.ActiveOnly, tags: "Any" = None
    ) -> "list[Experiment]":
        """The experiments of a workspace."""
        if view_type == ViewType.ArchivedOnly or tags:
            return []
        found = workspace._server.get("/experiments", {"workspace": workspace.name})
        names = [one["name"] for one in found if experiment_name in (None, one["name"])]
        return [Experiment(workspace, name, _skip_name_validation=True) for name in names]
