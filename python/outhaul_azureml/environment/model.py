"""`Environment`: what v1's users hold in hand. Its meaning is in `translate`, its storage in `registry`."""

import copy
import json
import os

from outhaul_azureml.config import yaml
from outhaul_azureml.config.element import Element, from_plain, to_plain
from outhaul_azureml.environment.conda import CondaDependencies
from outhaul_azureml.environment.databricks import DatabricksSection
from outhaul_azureml.environment.sections import (
    ContainerRegistry,
    DockerBuildContext,
    DockerSection,
    PythonSection,
    RSection,
    SparkSection,
)
from outhaul_azureml.errors import AzureMLException, UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXAMPLE = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
"""The variable that every new environment of v1 has. It is shown as there, and not given to runs."""

_here = known_as("azureml.core.environment")
_FILE = "azureml_environment.json"
_CONDA_FILE = "conda_dependencies.yml"


@_here
class Environment(Element):
    """Python, packages, variables and the container of a run."""

    _fields = (
        ("name", None),
        ("version", None),
        ("_environment_variables", None),
        ("python", PythonSection),
        ("docker", DockerSection),
        ("spark", SparkSection),
        ("databricks", DatabricksSection),
        ("r", RSection),
        ("inferencing_stack_version", None),
        ("asset_id", None),
    )

    def __init__(self, name: "str | None", **kwargs: "Any") -> None:
        super().__init__()
        if name is not None and not isinstance(name, str):
            raise UserErrorException("Environment name must be a text or None, not {}".format(type(name).__name__))
        self.name = name
        self.version = None  # type: str | None
        self._environment_variables = dict(EXAMPLE)
        self.python = PythonSection()
        self.docker = DockerSection()
        self.spark = SparkSection()
        self.databricks = DatabricksSection()
        self.inferencing_stack_version = None  # type: str | None
        self.r = None  # type: RSection | None
        self.asset_id = None  # type: str | None
        self._initialized = True

    @property
    def environment_variables(self) -> "dict[str, str]":
        """Variables that runs get."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, value: "dict[str, str]") -> None:
        self._environment_variables = value

    # The workspace

    def register(self, workspace: "Any") -> "Environment":
        """Keep it in the workspace; an equal one keeps its version, another gets a new one."""
        from outhaul_azureml.environment import registry

        return registry.register(workspace, self)

    @staticmethod
    def get(workspace: "Any", name: str, version: "str | None" = None, label: "str | None" = None) -> "Environment":
        """One that was registered, or a curated one (`AzureML-...`)."""
        from outhaul_azureml.environment import registry

        return registry.get(workspace, name, version, label)

    @staticmethod
    def list(workspace: "Any") -> "dict[str, Environment]":
        """The newest version of each that is registered."""
        from outhaul_azureml.environment import registry

        return registry.listed(workspace)

    def build(self, workspace: "Any", image_build_compute: "Any" = None) -> "Any":
        """Build it now, on this machine, so that the first run need not. `wait_for_completion` shows the log."""
        from outhaul_azureml.environment import registry

        return registry.build(workspace, self)

    def build_local(self, workspace: "Any", platform: "Any" = None, **kwargs: "Any") -> "Any":
        """The same as `build`, waited for."""
        details = self.build(workspace)
        details.wait_for_completion(show_output=True)
        return details

    # Making

    def clone(self, new_name: str) -> "Environment":
        """A copy under another name, without a version."""
        if not new_name:
            raise UserErrorException("clone needs a new name")
        made = copy.deepcopy(self)
        made.name = new_name
        made.version = None
        made.asset_id = None
        return made

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> "Environment":
        """Out of a conda file."""
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: "str | None" = None) -> "Environment":
        """Out of a requirements file."""
        made = Environment(name)
        made.python.conda_dependencies = _from_requirements(file_path, pip_version)
        return made

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: "ContainerRegistry | None" = None,
        conda_specification: "Any" = None,
        pip_requirements: "Any" = None,
    ) -> "Environment":
        """A container of this image; without packages its own Python is used."""
        made = Environment(name)
        made.docker.base_image = image
        if container_registry is not None:
            made.docker.base_image_registry = container_registry
        return _with_packages(made, conda_specification, pip_requirements)

    @staticmethod
    def from_dockerfile(
        name: str, dockerfile: "Any", conda_specification: "Any" = None, pip_requirements: "Any" = None
    ) -> "Environment":
        """A container of an image that is built from a Dockerfile: its path or its text."""
        made = Environment(name)
        made.docker._base_image = None
        made.docker.base_dockerfile = dockerfile
        return _with_packages(made, conda_specification, pip_requirements)

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> "Environment":
        """A container of an image that is built from a folder."""
        made = Environment(name)
        made.docker._base_image = None
        made.docker.build_context = docker_build_context
        made.python.user_managed_dependencies = True
        return made

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> "Environment | None":
        """Out of an environment of the conda on this machine."""
        import subprocess

        command = ["conda", "env", "export", "--no-builds", "--name", conda_environment_name]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        except OSError as error:
            raise AzureMLException(
                "Unable to run conda package manager: {}".format(error), inner_exception=error
            ) from None
        if done.returncode:
            raise AzureMLException("conda could not export {}:\n{}".format(conda_environment_name, done.stderr.strip()))
        found = yaml.load(done.stdout)
        found.pop("prefix", None)
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(_underlying_structure=found)
        return made

    # Files

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """Write it into a folder, so that people can see and change it."""
        if os.path.isdir(path) and not overwrite:
            raise UserErrorException("Destination {} already exists; give overwrite=True".format(path))
        os.makedirs(path, exist_ok=True)
        found = to_plain(self)
        with open(os.path.join(path, _FILE), "w", encoding="utf-8") as file:
            json.dump(found, file, indent=4, sort_keys=True)
        packages = self.python.conda_dependencies
        if packages is not None:
            packages.save(os.path.join(path, _CONDA_FILE))

    @staticmethod
    def load_from_directory(path: str) -> "Environment":
        """Read what `save_to_directory` wrote."""
        where = os.path.join(path, _FILE)
        if not os.path.isfile(where):
            raise UserErrorException("There is no environment in {}: {} is missing".format(path, _FILE))
        with open(where, encoding="utf-8") as file:
            made = Environment._from_plain(json.load(file))
        conda = os.path.join(path, _CONDA_FILE)
        if os.path.isfile(conda):
            made.python.conda_dependencies = CondaDependencies(conda)
        return made

    @classmethod
    def _from_plain(cls, found: "dict[str, Any]") -> "Environment":
        made = cls(found.get("name"))
        return from_plain(made, found)  # type: ignore[no-any-return]


def _with_packages(made: Environment, conda_specification: "Any", pip_requirements: "Any") -> Environment:
    if conda_specification and pip_requirements:
        raise UserErrorException("Give conda_specification or pip_requirements, not both")
    if conda_specification:
        made.python.conda_dependencies = (
            conda_specification
            if isinstance(conda_specification, CondaDependencies)
            else CondaDependencies(conda_specification)
        )
    elif pip_requirements:
        made.python.conda_dependencies = _from_requirements(pip_requirements, None)
    else:
        made.python.user_managed_dependencies = True
    return made


def _from_requirements(file_path: "Any", pip_version: "str | None") -> CondaDependencies:
    if isinstance(file_path, (list, tuple)):
        lines = [str(line) for line in file_path]
    else:
        if not os.path.isfile(file_path):
            raise UserErrorException("Pip requirements file not found at {}".format(file_path))
        with open(file_path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    kept = [line.split(" #")[0].strip() for line in lines]
    kept = [line for line in kept if line and not line.startswith("#")]
    for line in kept:
        if line.startswith(("-e", "--editable")) or line.split()[0] in ("-r", "--requirement", "-c", "--constraint"):
            raise UserErrorException("{}: `{}` names another file, which does not travel".format(file_path, line))
    made = CondaDependencies.create(pip_packages=[])
    if pip_version:
        made.add_conda_package("pip={}".format(pip_version))
    made.set_pip_requirements(kept)
    return made


@_here
class EnvironmentReference(Element):
    """An environment of the workspace, by its name."""

    _fields = (("name", None), ("version", None))

    def __init__(self, name: str, version: "str | None" = None) -> None:
        super().__init__()
        self.name = name
        self.version = version
        self._initialized = True

    def get_environment(self, workspace: "Any") -> Environment:
        """What it names."""
        return Environment.get(workspace, self.name, self.version)


@known_as("azureml.core.runconfig")
class EnvironmentDefinition(Environment):
    """The environment of a run configuration before v1 had `Environment`; the same thing."""

    def __init__(self, name: "str | None" = None) -> None:
        super().__init__("default-environment" if name is None else name)


@_here
class PythonEnvironment(PythonSection):
    """The old name of `PythonSection`."""

    def __init__(self) -> None:
        super().__init__()


@_here
class DockerEnvironment(DockerSection):
    """The old name of `DockerSection`."""

    def __init__(self) -> None:
        super().__init__()


@_here
class SparkEnvironment(SparkSection):
    """The old name of `SparkSection`."""

    def __init__(self) -> None:
        super().__init__()


@known_as("azureml.core.databricks")
class DatabricksEnvironment(DatabricksSection):
    """The old name of `DatabricksSection`."""

    def __init__(self) -> None:
        super().__init__()
