"""What an environment of v1 means as an environment of Outhaul, and back. Pure.

Differences that are meant, all told in docs/azureml.md: packages of the SDK itself are left out (runs have the modules
anyway), the Python versions that v1 put in by itself are not pinned to the last number, the channel `anaconda` that v1
put in beside `conda-forge` is left out, and so is the example variable.
"""

import re

from outhaul_azureml.environment import conda
from outhaul_azureml.environment.conda import CondaDependencies
from outhaul_azureml.environment.model import EXAMPLE, Environment
from outhaul_azureml.environment.sections import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE, SparkPackage
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEPT = ("azureml-inference-server-http",)
_INSTEAD = {"azureml-mlflow": "mlflow-skinny"}
_DEFAULT_PYTHONS = ("3.8.13", conda.PYTHON_DEFAULT_VERSION, "3.6.2")
_DEFAULT_CHANNELS = ["anaconda", "conda-forge"]
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_OLDEST = (3, 8)


def spec(environment: Environment, docker: "Any" = None) -> "dict[str, Any]":
    """The environment as the API takes it; `docker` is the run's own `DockerConfiguration`, if it has one."""
    made = {}  # type: dict[str, Any]
    if environment.name:
        made["name"] = environment.name
    variables = {str(k): str(v) for k, v in (environment.environment_variables or {}).items()}
    if variables.items() >= EXAMPLE.items():
        variables = {key: value for key, value in variables.items() if key not in EXAMPLE}
    if variables:
        made["variables"] = variables
    container = _container(environment, docker)
    if container is not None:
        made["docker"] = container
    spark = _spark(environment)
    if spark:
        made["spark"] = spark
    if environment.python.user_managed_dependencies:
        made["interpreter"] = _user_managed(environment.python.interpreter_path, container is not None)
    else:
        made.update(packages(environment.python.conda_dependencies or CondaDependencies()))
    return made


def _user_managed(path: "str | None", contained: bool) -> "dict[str, Any]":
    # In a container without a path of its own, the image's `python3` is taken.
    if contained and path in (None, "", "python"):
        return {"kind": "managed"}
    return {"kind": "user_managed", "python": "python3" if path in (None, "", "python") else path}


def packages(dependencies: CondaDependencies) -> "dict[str, Any]":
    """Interpreter, conda packages, channels and pip lines."""
    made = {"interpreter": {"kind": "managed"}}  # type: dict[str, Any]
    untouched = dependencies.as_dict() == conda.default_structure()
    found = [] if untouched else [one for one in dependencies.conda_packages]
    for package in found:
        name = package.split("::")[-1].strip()
        if re.match(r"python(?![\w.-])", name):
            version = python_version(name[len("python") :])
            if version:
                made["interpreter"]["version"] = version
    rest = [one for one in found if not re.match(r"(python|pip)(?![\w.-])", one.split("::")[-1].strip())]
    channels = list(dependencies.conda_channels)
    if channels == _DEFAULT_CHANNELS:
        channels = ["conda-forge"]
    if rest:
        made["conda"] = rest
        made["channels"] = channels
    lines = [instead(one) for one in dependencies.pip_packages]
    lines = [one for one in lines if one is not None]
    if lines:
        made["pip"] = lines
    options = list(dependencies.pip_options)
    # What v1 1.61 writes there by a slip is no address.
    options = [one for one in options if conda.DEFAULT_SDK_ORIGIN not in one]
    if options:
        made["index_options"] = options
    return made


def python_version(text: str) -> "str | None":
    """What stands behind `python` in a conda file, as a version specifier."""
    text = text.strip()
    exact = re.match(r"={1,2}\s*([\d.]+?)(?:\.\*|\*)?(?:=.*)?$", text)
    if exact is None:
        return text.replace(" ", "") or None
    version = exact.group(1).rstrip(".")
    parts = tuple(int(part) for part in version.split("."))
    if version in _DEFAULT_PYTHONS:
        # Not chosen by the person: any Python of that line will do, or of the oldest that runs may have.
        parts = max(parts[:2], _OLDEST)
    return ".".join(map(str, parts))


def instead(line: str) -> "str | None":
    """A requirement line as it is, or what stands in for a package of the SDK; `None` leaves it out."""
    name = conda._bare(line)
    if not name.startswith("azureml") or name in _KEPT:
        return line
    return _INSTEAD.get(name)


def _spark(environment: Environment) -> "dict[str, Any]":
    from outhaul_azureml.run.spark import packages as spark_packages

    made = {}  # type: dict[str, Any]
    found = spark_packages(environment.spark)
    if found:
        made["packages"] = found
    if environment.spark.repositories:
        made["repositories"] = list(environment.spark.repositories)
    return made


def _container(environment: Environment, docker: "Any") -> "dict[str, Any] | None":
    section = environment.docker
    image, dockerfile = section.base_image, section.base_dockerfile
    chosen = (
        bool(dockerfile)
        or section.build_context is not None
        or image not in (None, DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE)
    )
    wanted = section._enabled or (docker is not None and docker.use_docker)
    if not wanted and not chosen:
        return None
    if section.build_context is not None:
        raise not_yet(
            "azureml.core.environment.DockerBuildContext",
            "images are built from a Dockerfile without a context; use Environment.from_dockerfile",
        )
    made = {}  # type: dict[str, Any]
    if dockerfile:
        made["dockerfile"] = dockerfile
    elif image:
        registry = section.base_image_registry
        if registry is not None and (registry.username or registry.password):
            raise not_yet(
                "azureml.core.container_registry.ContainerRegistry.password",
                "pulling with a password is planned; log in on the target with `docker login`",
            )
        address = registry.address if registry is not None else None
        made["image"] = (
            "{}/{}".format(address.rstrip("/"), image) if address and not image.startswith(address) else image
        )
    own = docker if docker is not None and docker.use_docker else None
    size = own.shm_size if own is not None else section.shm_size
    if size:
        made["shm_size"] = size_in_bytes(size)
    arguments = list(own.arguments if own is not None else section.arguments or [])
    if arguments:
        made["arguments"] = [str(one) for one in arguments]
    if section.gpu_support or image == DEFAULT_GPU_IMAGE:
        made["gpus"] = True
    return made


def size_in_bytes(text: str) -> int:
    """`2g` as bytes."""
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*([bkmgt]?)b?\s*$", str(text).lower())
    if match is None:
        raise UserErrorException("shm_size {!r} is not a size such as 2g".format(text))
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def environment(name: str, version: "str | None", found: "dict[str, Any]") -> Environment:
    """An environment of Outhaul as one of v1."""
    made = Environment(name)
    made.version = version
    made.environment_variables = dict(found.get("variables") or {})
    interpreter = found.get("interpreter") or {}
    if interpreter.get("kind") == "user_managed":
        made.python.user_managed_dependencies = True
        made.python.interpreter_path = interpreter["python"]
    structure = {
        "name": name,
        "channels": list(found.get("channels") or []),
        "dependencies": [],
    }  # type: dict[str, Any]
    asked = interpreter.get("version")
    if asked:
        structure["dependencies"].append("python{}{}".format("=" if asked[0].isdigit() else "", asked))
    structure["dependencies"].extend(found.get("conda") or [])
    lines = list(found.get("index_options") or []) + list(found.get("pip") or [])
    if lines:
        structure["dependencies"].append({"pip": lines})
    made.python.conda_dependencies = CondaDependencies(_underlying_structure=structure)
    spark = found.get("spark") or {}
    for one in spark.get("packages") or []:
        made.spark.packages.append(SparkPackage(*one.split(":")))
    made.spark.repositories = list(spark.get("repositories") or [])
    container = found.get("docker")
    if container:
        if container.get("image"):
            made.docker._base_image = container["image"]
        if container.get("dockerfile"):
            made.docker._base_image, made.docker._base_dockerfile = None, container["dockerfile"]
        made.docker._enabled = True
        made.docker._gpu_support = bool(container.get("gpus"))
        made.docker._arguments = list(container.get("arguments") or [])
        if container.get("shm_size"):
            made.docker._shm_size = "{}b".format(container["shm_size"])
        if not (found.get("pip") or found.get("conda")):
            made.python.user_managed_dependencies = True
    return made
