"""`CondaDependencies`: the packages of an environment, as a conda file has them."""

import copy
import os
import re

from outhaul_azureml.config import yaml
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator

BASE_PROJECT_MODULE = "azureml._project"
BASE_PROJECT_FILE_RELATIVE_PATH = "base_project_files/conda_dependencies.yml"
DEFAULT_SDK_ORIGIN = "<the public Python index>"
CONDA_FILE_NAME = "auto_conda_dependencies.yml"
CHANNELS = "channels"
PACKAGES = "dependencies"
PIP = "pip"
PYTHON_PREFIX = "python"
VERSION_REGEX = re.compile(r"(\d+)\.(\d+)(\.(\d+))?([ab](\d+))?$")
CNTK_DEFAULT_VERSION = "2.7"
PYTHON_DEFAULT_VERSION = "3.10.18"
LINUX_PLATFORM = "linux"
WINDOWS_PLATFORM = "win32"
TENSORFLOW_DEFAULT_VERSION = "2.2.0"
PYTORCH_DEFAULT_VERSION = "1.6.0"
TORCHVISION_DEFAULT_VERSION = "0.7.0"
HOROVOD_DEFAULT_VERSION = "0.19.5"
DEFAULT_CHAINER_VERSION = "7.7.0"
CUPY_DEFAULT_VERSION = "cupy-cuda102"
CPU = "cpu"
GPU = "gpu"
CNTK_PACKAGE_PREFIX = "cntk"
TENSORFLOW_PACKAGE_PREFIX = "tensorflow"
PYTORCH_PACKAGE_PREFIX = "torch"
TORCHVISION_PACKAGE_PREFIX = "torchvision"
CHAINER_PACKAGE_PREFIX = "chainer"
INVALID_PATHON_MESSAGE = "Invalid python version {0},only accept '3.8'"

SDK_VERSION = "1.61.0"
"""The version of v1 whose calls are followed; packages of the SDK are pinned to it as v1 does."""
ALLOWED_KEYS = ("name", "channels", "dependencies", "prefix", "variables")


def default_structure() -> "dict[str, Any]":
    """What `CondaDependencies()` holds in v1."""
    return {
        "name": "project_environment",
        "dependencies": ["python=3.8.13", {"pip": ["azureml-defaults"]}],
        "channels": ["anaconda", "conda-forge"],
    }


def _bare(package: str) -> str:
    """`Scikit-learn[all]>=1.0` as `scikit-learn`."""
    name = re.split(r"[\s=<>!~\[;@]", package.split("::")[-1].strip(), maxsplit=1)[0]
    return name.lower().replace("_", "-")


def _is_option(line: str) -> bool:
    return line.lstrip().startswith("-")


@known_as("azureml.core.conda_dependencies")
class CondaDependencies:
    """The packages of an environment: conda channels and packages, and those of pip."""

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 0
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 0

    def __init__(
        self, conda_dependencies_file_path: "Any" = None, _underlying_structure: "dict[str, Any] | None" = None
    ) -> None:
        if conda_dependencies_file_path is not None:
            self._conda_dependencies = _read(conda_dependencies_file_path)
        elif _underlying_structure is not None:
            self._conda_dependencies = _checked(_underlying_structure, "the given structure")
        else:
            self._conda_dependencies = default_structure()
        self._python_version = self.get_python_version()

    @classmethod
    def from_plain_value(cls, value: "dict[str, Any]") -> "CondaDependencies":
        """Out of stored data."""
        return cls(_underlying_structure=copy.deepcopy(value))

    @staticmethod
    def create(
        pip_indexurl: "str | None" = None,
        pip_packages: "Iterable[str] | None" = None,
        conda_packages: "Iterable[str] | None" = None,
        python_version: str = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,
    ) -> "CondaDependencies":
        """New dependencies; without `pip_packages` they hold `azureml-defaults`, as in v1."""
        made = CondaDependencies()
        made._conda_dependencies[PACKAGES] = [{PIP: []}]
        made.set_python_version(python_version)
        for package in _listed(conda_packages, "conda_packages"):
            made.add_conda_package(package)
        if pip_indexurl:
            made.set_pip_index_url(pip_indexurl)
        wanted = ["azureml-defaults"] if pip_packages is None else _listed(pip_packages, "pip_packages")
        for package in wanted:
            if pin_sdk_version and re.match(r"azureml[-\w]*(\[[^\]]*\])?$", package.strip()):
                package = "{}~={}".format(package.strip(), SDK_VERSION)
            made.add_pip_package(package)
        return made

    @staticmethod
    def merge_requirements(requirements: "Iterable[str]") -> "list[str]":
        """Requirement lines with those of one package joined into one."""
        merged = {}  # type: dict[str, list[str]]
        for line in requirements:
            match = re.match(r"\s*([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*(.*)$", line)
            if match is None:
                merged.setdefault(line, [])
                continue
            parts = merged.setdefault(match.group(1), [])
            parts.extend(
                part.strip() for part in match.group(2).split(",") if part.strip() and part.strip() not in parts
            )
        return [name + ",".join(parts) for name, parts in merged.items()]

    @staticmethod
    def sdk_origin_url() -> str:
        """Where v1 took its own packages from. Outhaul drops them, see `translate`."""
        return DEFAULT_SDK_ORIGIN

    # Reading

    @property
    def conda_channels(self) -> "Iterator[str]":
        """The channels, one after the other."""
        return iter(list(self._conda_dependencies.get(CHANNELS) or []))

    @property
    def conda_packages(self) -> "Iterator[str]":
        """The conda packages, one after the other."""
        return iter([one for one in self._packages() if isinstance(one, str)])

    @property
    def pip_packages(self) -> "Iterator[str]":
        """The pip packages, one after the other."""
        return iter([one for one in self._pip() if not _is_option(one)])

    @property
    def pip_options(self) -> "Iterator[str]":
        """The options for pip, one after the other."""
        return iter([one for one in self._pip() if _is_option(one)])

    def get_default_number_of_packages(self) -> int:
        """How many packages are there without any having been added."""
        return self.DEFAULT_NUMBER_OF_CONDA_PACKAGES + self.DEFAULT_NUMBER_OF_PIP_PACKAGES

    def get_python_version(self) -> "str | None":
        """The version after `python=`, if there is one."""
        for package in self.conda_packages:
            if _bare(package) == PYTHON_PREFIX:
                return re.sub(r"^[\s=<>!~]+", "", package.split("::")[-1].strip()[len(PYTHON_PREFIX) :]).strip() or None
        return None

    def as_dict(self) -> "dict[str, Any]":
        """Everything as plain data."""
        return copy.deepcopy(self._conda_dependencies)

    def serialize_to_string(self) -> str:
        """Everything as a conda file."""
        return yaml.dump(self._conda_dependencies)

    # Changing

    def set_python_version(self, version: str) -> None:
        """Ask for this Python."""
        packages = [one for one in self._packages() if not (isinstance(one, str) and _bare(one) == PYTHON_PREFIX)]
        self._conda_dependencies[PACKAGES] = ["{}={}".format(PYTHON_PREFIX, version)] + packages
        self._python_version = version

    def add_channel(self, channel: str) -> None:
        """Look for packages in this channel, too."""
        channels = self._conda_dependencies.setdefault(CHANNELS, [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Look there no more."""
        channels = self._conda_dependencies.get(CHANNELS) or []
        self._conda_dependencies[CHANNELS] = [one for one in channels if one != channel]

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package; one of the same name is replaced."""
        self.remove_conda_package(conda_package)
        packages = self._conda_dependencies.setdefault(PACKAGES, [])
        # The part of pip stays last, where people look for it.
        place = next((i for i, one in enumerate(packages) if isinstance(one, dict)), len(packages))
        packages.insert(place, conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove a conda package, whatever version of it was named."""
        name = _bare(conda_package)
        self._conda_dependencies[PACKAGES] = [
            one for one in self._packages() if not (isinstance(one, str) and _bare(one) == name)
        ]

    def add_pip_package(self, pip_package: str) -> None:
        """Add a pip package; one of the same name is replaced."""
        self.remove_pip_package(pip_package)
        self._pip_list().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove a pip package, whatever version of it was named."""
        name = _bare(pip_package)
        lines = self._pip_list()
        lines[:] = [one for one in lines if _is_option(one) or _bare(one) != name]

    def set_pip_index_url(self, index_url: str) -> None:
        """Take pip packages from this index."""
        self.remove_pip_option("--index-url")
        self._pip_list().insert(0, "--index-url {}".format(index_url))

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option for pip, such as `--extra-index-url ...`."""
        if pip_option not in self._pip_list():
            self._pip_list().append(pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove an option for pip, with its value."""
        word = pip_option.split()[0].split("=")[0] if pip_option.split() else pip_option
        lines = self._pip_list()
        lines[:] = [one for one in lines if not (_is_option(one) and re.split(r"[\s=]", one.strip())[0] == word)]

    def set_pip_requirements(self, pip_requirements: "Iterable[str]") -> None:
        """Replace all pip packages and options by these lines."""
        self._pip_list()[:] = _listed(pip_requirements, "pip_requirements")

    def add_cntk_package(self, core_type: str = CPU) -> None:
        """Add CNTK, which its makers gave up; no Python that Outhaul runs on has it."""
        self.add_pip_package(CNTK_PACKAGE_PREFIX + ("-gpu" if core_type == GPU else "") + "==" + CNTK_DEFAULT_VERSION)

    def add_tensorflow_pip_package(self, core_type: str = CPU, version: "str | None" = None) -> None:
        """Add TensorFlow from the Python index."""
        name = TENSORFLOW_PACKAGE_PREFIX + ("-gpu" if core_type == GPU else "")
        self.add_pip_package("{}=={}".format(name, version or TENSORFLOW_DEFAULT_VERSION))

    def add_tensorflow_conda_package(self, core_type: str = CPU, version: "str | None" = None) -> None:
        """Add TensorFlow from conda."""
        name = TENSORFLOW_PACKAGE_PREFIX + ("-gpu" if core_type == GPU else "")
        self.add_conda_package("{}={}".format(name, version or TENSORFLOW_DEFAULT_VERSION))

    # Writing

    def save_to_file(self, base_directory: str, conda_file_path: "str | None" = None) -> str:
        """Write a conda file into a folder and give its name back."""
        name = conda_file_path or CONDA_FILE_NAME
        self.save(os.path.join(base_directory, name))
        return name

    def save(self, path: "str | None" = None) -> str:
        """Write a conda file and give its path back."""
        path = path or os.path.join(os.getcwd(), CONDA_FILE_NAME)
        if os.path.isdir(path):
            path = os.path.join(path, CONDA_FILE_NAME)
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.serialize_to_string())
        return path

    def _packages(self) -> "list[Any]":
        return self._conda_dependencies.get(PACKAGES) or []

    def _pip(self) -> "list[str]":
        for one in self._packages():
            if isinstance(one, dict) and PIP in one:
                return one[PIP] or []
        return []

    def _pip_list(self) -> "list[str]":
        packages = self._conda_dependencies.setdefault(PACKAGES, [])
        for one in packages:
            if isinstance(one, dict) and PIP in one:
                if one[PIP] is None:
                    one[PIP] = []
                return one[PIP]  # type: ignore[no-any-return]
        packages.append({PIP: []})
        return packages[-1][PIP]  # type: ignore[no-any-return]


def _listed(values: "Iterable[str] | None", what: str) -> "list[str]":
    if isinstance(values, str):
        raise UserErrorException("{} must be a list of texts, not one text: {!r}".format(what, values))
    return [str(one) for one in values or []]


def _read(source: "Any") -> "dict[str, Any]":
    if hasattr(source, "read"):
        text, where = source.read(), "the given stream"
    else:
        where = str(source)
        if not os.path.isfile(where):
            raise UserErrorException("Conda dependencies file not found at {}".format(where))
        with open(where, encoding="utf-8") as file:
            text = file.read()
    try:
        found = yaml.load(text)
    except yaml.YamlError as error:
        raise UserErrorException("Cannot read {}: {}".format(where, error), inner_exception=error) from None
    return _checked({} if found is None else found, where)


def _checked(found: "Any", where: str) -> "dict[str, Any]":
    if not isinstance(found, dict):
        raise UserErrorException("{} is not a conda file: it must hold keys such as `dependencies`".format(where))
    unknown = [key for key in found if key not in ALLOWED_KEYS]
    if unknown:
        raise UserErrorException(
            "Environment property not supported in {}: {}. Supported are {}".format(
                where, ", ".join(map(str, unknown)), ", ".join(ALLOWED_KEYS)
            )
        )
    return found
