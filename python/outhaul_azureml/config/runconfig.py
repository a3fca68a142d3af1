"""`RunConfiguration`: everything that v1 says about a run, and its files in `.azureml`."""

import json
import os

from outhaul_azureml.config import outputs, sections, yaml
from outhaul_azureml.config.element import Element, from_plain, to_plain
from outhaul_azureml.environment.conda import CondaDependencies
from outhaul_azureml.environment.model import Environment, EnvironmentDefinition
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOCAL_RUNCONFIG_NAME = "local"
_FOLDERS = (".azureml", "aml_config")
_CONDA_FILE = "conda_dependencies.yml"


@known_as("azureml.core.runconfig")
class RunConfiguration(Element):
    """What runs, where, with which environment and data."""

    _fields = (
        ("script", None),
        ("arguments", None),
        ("_target", None),
        ("framework", None),
        ("communicator", None),
        ("max_run_duration_seconds", None),
        ("node_count", None),
        ("priority", None),
        ("environment", EnvironmentDefinition),
        ("history", sections.HistoryConfiguration),
        ("spark", sections.SparkConfiguration),
        ("docker", sections.DockerConfiguration),
        ("hdi", sections.HdiConfiguration),
        ("tensorflow", sections.TensorflowConfiguration),
        ("mpi", sections.MpiConfiguration),
        ("pytorch", sections.PyTorchConfiguration),
        ("paralleltask", sections.ParallelTaskConfiguration),
        ("data_references", {"": sections.DataReferenceConfiguration}),
        ("data", {"": sections.Data}),
        ("datacaches", [outputs.DatacacheConfiguration]),
        ("output_data", {"": sections.OutputData}),
        ("source_directory_data_store", None),
        ("amlcompute", sections.AmlComputeConfiguration),
        ("auto_cluster_compute_specification", None),
        ("kubernetescompute", sections.KubernetesComputeConfiguration),
        ("credential_passthrough", None),
        ("command", None),
        ("_environment_variables", None),
        ("services", {"": sections.ApplicationEndpointConfiguration}),
    )
    _stored_as = {"services": "applicationEndpoints"}

    def __init__(
        self,
        script: "str | None" = None,
        arguments: "list[Any] | None" = None,
        framework: "str | None" = None,
        communicator: "str | None" = None,
        conda_dependencies: "CondaDependencies | None" = None,
        _history_enabled: "bool | None" = None,
        _path: "str | None" = None,
        _name: "str | None" = None,
        command: "Any" = None,
    ) -> None:
        super().__init__()
        self.script = script
        self.command = command if command else ""
        self.arguments = arguments if arguments else []
        self._target = "local"
        self.framework = framework if framework else "Python"
        self.communicator = communicator if communicator else "None"
        self.max_run_duration_seconds = None  # type: int | None
        self.node_count = 1
        self.priority = None
        self.environment = EnvironmentDefinition()  # type: Environment
        self.history = sections.HistoryConfiguration()
        self.spark = sections.SparkConfiguration()
        self.docker = sections.DockerConfiguration()
        self.hdi = sections.HdiConfiguration()
        self.tensorflow = sections.TensorflowConfiguration()
        self.mpi = sections.MpiConfiguration()
        self.pytorch = sections.PyTorchConfiguration()
        self.paralleltask = sections.ParallelTaskConfiguration()
        self.data_references = {}  # type: dict[str, Any]
        self.data = {}  # type: dict[str, Any]
        self.datacaches = []  # type: list[Any]
        self.output_data = {}  # type: dict[str, Any]
        self.source_directory_data_store = None
        self.amlcompute = sections.AmlComputeConfiguration()
        self.auto_cluster_compute_specification = None
        self.kubernetescompute = sections.KubernetesComputeConfiguration()
        self.credential_passthrough = False
        self.services = {}  # type: dict[str, Any]
        self._environment_variables = {}  # type: dict[str, str]
        self._name = _name
        self._path = _path
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        if _history_enabled is not None:
            self.history.output_collection = _history_enabled
        self._initialized = True

    @property
    def target(self) -> str:
        """The name of the compute target; `local` is this machine. A target itself may be set, too."""
        return self._target

    @target.setter
    def target(self, value: "Any") -> None:
        name = value if isinstance(value, str) else getattr(value, "name", None)
        # As in v1, what is neither a name nor a target is passed over.
        if isinstance(name, str):
            self._target = name

    @property
    def environment_variables(self) -> "dict[str, str]":
        """Variables of this run; they win over those of the environment."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, value: "dict[str, str]") -> None:
        self._environment_variables = value

    @property
    def auto_prepare_environment(self) -> bool:
        """Environments are always prepared."""
        return True

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, value: bool) -> None:
        pass

    # Files

    def save(
        self, path: "str | None" = None, name: "str | None" = None, separate_environment_yaml: bool = False
    ) -> None:
        """Write `.azureml/<name>.runconfig`, and the conda packages beside it."""
        name = name or self._name or LOCAL_RUNCONFIG_NAME
        path = path or self._path or os.getcwd()
        if os.path.splitext(path)[1] in (".runconfig", ".yml", ".yaml"):
            folder, file_name = os.path.split(path)
        else:
            folder, file_name = _folder(path), name + ".runconfig"
        os.makedirs(folder or ".", exist_ok=True)
        found = to_plain(self)
        packages = self.environment.python.conda_dependencies
        if packages is not None:
            found["environment"]["python"].pop("condaDependencies")
            found["environment"]["python"]["condaDependenciesFile"] = _CONDA_FILE
            packages.save(os.path.join(folder, _CONDA_FILE))
        if separate_environment_yaml:
            with open(os.path.join(folder, "environment.yml"), "w", encoding="utf-8") as file:
                file.write(yaml.dump(found.pop("environment")))
        with open(os.path.join(folder, file_name), "w", encoding="utf-8") as file:
            file.write(yaml.dump(found))

    @staticmethod
    def load(path: str, name: "str | None" = None) -> "RunConfiguration":
        """Read what `save` wrote: a file, or the configuration of that name in a project's folder."""
        where = path if os.path.isfile(path) else None
        if where is None:
            name = name or LOCAL_RUNCONFIG_NAME
            places = [os.path.join(path, one, name + ".runconfig") for one in _FOLDERS]
            where = next((one for one in places if os.path.isfile(one)), None)
            if where is None:
                raise UserErrorException("Could not find a run configuration {} in {}".format(name, path))
        with open(where, encoding="utf-8") as file:
            text = file.read()
        try:
            found = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text)
        except ValueError as error:
            raise UserErrorException("Cannot read {}: {}".format(where, error), inner_exception=error) from None
        if not isinstance(found, dict):
            raise UserErrorException("{} is not a run configuration".format(where))
        return RunConfiguration._from_plain(found, os.path.dirname(where), os.path.splitext(os.path.basename(where))[0])

    @staticmethod
    def delete(path: str, name: str) -> None:
        """Remove the file of a configuration."""
        for folder in _FOLDERS:
            where = os.path.join(path, folder, name + ".runconfig")
            if os.path.isfile(where):
                os.unlink(where)
                return
        raise UserErrorException("Could not find a run configuration {} in {}".format(name, path))

    @staticmethod
    def _from_plain(found: "dict[str, Any]", folder: str, name: str) -> "RunConfiguration":
        apart = os.path.join(folder, "environment.yml")
        if "environment" not in found and os.path.isfile(apart):
            with open(apart, encoding="utf-8") as file:
                found["environment"] = yaml.load(file.read())
        python = (found.get("environment") or {}).get("python") or {}
        file_key = next((key for key in python if key.replace("_", "").lower() == "condadependenciesfile"), None)
        conda = python.pop(file_key, None) if file_key else None
        made = RunConfiguration(_path=os.path.dirname(folder) or folder, _name=name)
        from_plain(made, found)
        if conda:
            places = [os.path.join(folder, conda), os.path.join(os.path.dirname(folder), conda), conda]
            where = next((one for one in places if os.path.isfile(one)), None)
            if where is None:
                raise UserErrorException("Conda dependencies file not found at {}".format(places[0]))
            made.environment.python.conda_dependencies = CondaDependencies(where)
        return made


def _folder(project: str) -> str:
    for one in _FOLDERS:
        if os.path.isdir(os.path.join(project, one)):
            return os.path.join(project, one)
    return os.path.join(project, _FOLDERS[0])
