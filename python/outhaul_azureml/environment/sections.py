"""The sections of an environment: Python, Docker, Spark, Databricks, R."""

import logging
import os
from enum import Enum

from outhaul_azureml.config.element import Element
from outhaul_azureml.environment.conda import CondaDependencies
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_here = known_as("azureml.core.environment")
_log = logging.getLogger("azureml.core.environment")

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"
DEFAULT_SHM_SIZE = "2g"


@known_as("azureml.core.container_registry")
class RegistryIdentity(Element):
    """Who pulls an image, at Azure."""

    _fields = (("resource_id", None), ("client_id", None))

    def __init__(self) -> None:
        super().__init__()
        self.resource_id = None
        self.client_id = None
        self._initialized = True


@known_as("azureml.core.container_registry")
class ContainerRegistry(Element):
    """Where a base image is pulled from."""

    _fields = (("address", None), ("username", None), ("password", None), ("registry_identity", RegistryIdentity))

    def __init__(self) -> None:
        super().__init__()
        self.address = None  # type: str | None
        self.username = None  # type: str | None
        self.password = None  # type: str | None
        self.registry_identity = None  # type: RegistryIdentity | None
        self._initialized = True


@_here
class PythonSection(Element):
    """Which Python, and its packages."""

    _fields = (
        ("user_managed_dependencies", None),
        ("interpreter_path", None),
        ("conda_dependencies_file", None),
        ("_base_conda_environment", None),
        ("conda_dependencies", CondaDependencies),
    )

    def __init__(self, **kwargs: "Any") -> None:
        super().__init__()
        self.interpreter_path = "python"
        self.user_managed_dependencies = False
        self.conda_dependencies = None  # type: CondaDependencies | None
        self._conda_dependencies_file = None  # type: str | None
        self._base_conda_environment = None  # type: str | None
        if not kwargs.get("_skip_defaults", False):
            self.conda_dependencies = CondaDependencies()
        self._initialized = True

    @property
    def conda_dependencies_file(self) -> "str | None":
        """A conda file that the packages are read from."""
        return self._conda_dependencies_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, value: "str | None") -> None:
        self._conda_dependencies_file = value
        if value is not None:
            self.conda_dependencies = CondaDependencies(value)


@_here
class DockerImagePlatform(Element):
    """What an image is for."""

    _fields = (("os", None), ("architecture", None))

    def __init__(self) -> None:
        super().__init__()
        self.os = "Linux"
        self.architecture = "amd64"
        self._initialized = True


@_here
class DockerBuildContext(Element):
    """A folder that an image is built from."""

    class LocationType(Enum):
        """Where the folder is."""

        Git = "git"
        StorageAccount = "storageAccount"

    _fields = (("location_type", None), ("location", None), ("dockerfile_path", None))

    def __init__(
        self, location_type: "Any" = None, location: "str | None" = None, dockerfile_path: str = "Dockerfile"
    ) -> None:
        super().__init__()
        self.location_type = location_type
        self.location = location
        self.dockerfile_path = dockerfile_path
        self._initialized = True


@_here
class DockerSection(Element):
    """The container that runs are in. The three ways to name its image exclude each other: the last one set counts."""

    _fields = (
        ("_enabled", None),
        ("_base_image", None),
        ("_base_dockerfile", None),
        ("_build_context", DockerBuildContext),
        ("_shared_volumes", None),
        ("_shm_size", None),
        ("_arguments", None),
        ("base_image_registry", ContainerRegistry),
        ("platform", DockerImagePlatform),
    )

    def __init__(self, **kwargs: "Any") -> None:
        super().__init__()
        self._enabled = False
        self._base_image = DEFAULT_CPU_IMAGE  # type: str | None
        self._base_dockerfile = None  # type: str | None
        self._build_context = None  # type: DockerBuildContext | None
        self._shared_volumes = True
        self._shm_size = DEFAULT_SHM_SIZE  # type: str | None
        self._arguments = []  # type: list[str]
        self._gpu_support = False
        self.base_image_registry = ContainerRegistry()
        self.platform = DockerImagePlatform()
        self._initialized = True

    def _only(self, kept: str) -> None:
        for name in ("_base_image", "_base_dockerfile", "_build_context"):
            if name != kept and getattr(self, name) is not None:
                _log.warning("Property %s is set, so %s is reset: they exclude each other", kept[1:], name[1:])
                setattr(self, name, None)

    @property
    def base_image(self) -> "str | None":
        """The name of an image."""
        return self._base_image

    @base_image.setter
    def base_image(self, value: "str | None") -> None:
        if value:
            self._only("_base_image")
        self._base_image = value

    @property
    def base_dockerfile(self) -> "str | None":
        """The text of a Dockerfile; a path or an open file may be given, too."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, value: "Any") -> None:
        if value:
            self._only("_base_dockerfile")
        self._base_dockerfile = _dockerfile_text(value)

    @property
    def build_context(self) -> "DockerBuildContext | None":
        """A folder with a Dockerfile."""
        return self._build_context

    @build_context.setter
    def build_context(self, value: "DockerBuildContext | None") -> None:
        if value:
            self._only("_build_context")
        self._build_context = value

    @property
    def enabled(self) -> bool:
        """Whether runs are in a container; in newer scripts `DockerConfiguration(use_docker=True)` says it."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        _deprecated("enabled", "use_docker")
        self._enabled = value

    @property
    def gpu_support(self) -> bool:
        """Whether containers get the graphics processors."""
        return self._gpu_support

    @gpu_support.setter
    def gpu_support(self, value: bool) -> None:
        self._gpu_support = value

    @property
    def shared_volumes(self) -> bool:
        """Kept for scripts that set it; a run's folder is always shared with its container."""
        return self._shared_volumes

    @shared_volumes.setter
    def shared_volumes(self, value: bool) -> None:
        _deprecated("shared_volumes", "shared_volumes")
        self._shared_volumes = value

    @property
    def arguments(self) -> "list[str]":
        """Options as for `docker run`."""
        return self._arguments

    @arguments.setter
    def arguments(self, value: "list[str]") -> None:
        _deprecated("arguments", "arguments")
        self._arguments = value

    @property
    def shm_size(self) -> "str | None":
        """The size of the shared memory, such as `2g`."""
        return self._shm_size

    @shm_size.setter
    def shm_size(self, value: "str | None") -> None:
        _deprecated("shm_size", "shm_size")
        self._shm_size = value


def _deprecated(name: str, successor: str) -> None:
    _log.warning(
        "'%s' is deprecated. Please use the azureml.core.runconfig.DockerConfiguration object with the '%s' param instead.",
        name,
        successor,
    )


def _dockerfile_text(value: "Any") -> "str | None":
    if value is None:
        return None
    if hasattr(value, "read"):
        text = value.read()
        return text.decode("utf-8") if isinstance(text, bytes) else str(text)
    text = str(value)
    if "\n" not in text and os.path.isfile(text):
        with open(text, encoding="utf-8") as file:
            return file.read()
    if "\n" not in text and not text.lstrip().upper().startswith(("FROM ", "ARG ", "#")):
        raise UserErrorException("The Dockerfile {} is not there, and its text begins with no FROM".format(text))
    return text


@_here
class SparkPackage(Element):
    """A package for Spark by its Maven coordinates."""

    _fields = (("group", None), ("artifact", None), ("version", None))

    def __init__(self, group: "str | None" = None, artifact: "str | None" = None, version: "str | None" = None) -> None:
        super().__init__()
        self.group = group
        self.artifact = artifact
        self.version = version
        self._initialized = True


@_here
class SparkSection(Element):
    """What Spark loads for a run."""

    _fields = (("repositories", None), ("packages", [SparkPackage]), ("precache_packages", None))

    def __init__(self, **kwargs: "Any") -> None:
        super().__init__()
        self.repositories = []  # type: list[str]
        self.packages = []  # type: list[SparkPackage]
        self.precache_packages = True
        self._initialized = True


@_here
class RCranPackage(Element):
    """A package for R from CRAN."""

    _fields = (("name", None), ("version", None), ("repository", None))

    def __init__(self) -> None:
        super().__init__()
        self.name = None
        self.version = None
        self.repository = None
        self._initialized = True


@_here
class RGitHubPackage(Element):
    """A package for R from GitHub."""

    _fields = (("repository", None), ("auth_token", None))

    def __init__(self) -> None:
        super().__init__()
        self.repository = None
        self.auth_token = None
        self._initialized = True


@_here
class RSection(Element):
    """R and its packages; kept so that stored configurations load."""

    _fields = (
        ("r_version", None),
        ("user_managed", None),
        ("rscript_path", None),
        ("snapshot_date", None),
        ("cran_packages", [RCranPackage]),
        ("github_packages", [RGitHubPackage]),
        ("custom_url_packages", None),
        ("bioconductor_packages", None),
    )

    def __init__(self) -> None:
        super().__init__()
        self.r_version = None
        self.user_managed = False
        self.rscript_path = None
        self.snapshot_date = None
        self.cran_packages = None
        self.github_packages = None
        self.custom_url_packages = None
        self.bioconductor_packages = None
        self._initialized = True
