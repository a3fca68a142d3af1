"""`InferenceConfig`: the entry script of a web service, its folder and its environment."""

import ast
import os

from outhaul_azureml.errors import UserErrorException, WebserviceException
from outhaul_azureml.planned import known_as, not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OLD = (
    "runtime",
    "conda_file",
    "extra_docker_file_steps",
    "enable_gpu",
    "cuda_version",
    "base_image",
    "base_image_registry",
)


@known_as("azureml.core.model")
class InferenceConfig:
    """How a model answers. The entry script is looked at here: a slip shows before anything is deployed."""

    def __init__(
        self,
        entry_script: str,
        runtime: "str | None" = None,
        conda_file: "str | None" = None,
        extra_docker_file_steps: "str | None" = None,
        source_directory: "str | None" = None,
        enable_gpu: "bool | None" = None,
        description: "str | None" = None,
        base_image: "str | None" = None,
        base_image_registry: "Any" = None,
        cuda_version: "str | None" = None,
        environment: "Any" = None,
    ) -> None:
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = source_directory
        self.enable_gpu = enable_gpu
        self.cuda_version = cuda_version
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry
        self.environment = environment
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Refuses what cannot be deployed."""
        if not self.entry_script:
            raise WebserviceException("An entry script has to be given: entry_script is empty")
        if self.source_directory is not None and not os.path.isdir(self.source_directory):
            raise WebserviceException("Unable to find source directory {}".format(self.source_directory))
        path = os.path.join(self.source_directory or "", self.entry_script)
        if not os.path.isfile(path):
            raise WebserviceException("Unable to find entry script {}".format(path))
        name, ending = os.path.splitext(os.path.basename(self.entry_script))
        if ending != ".py":
            raise WebserviceException("Invalid entry script {}: it has to end in .py".format(self.entry_script))
        if not name.isidentifier():
            raise WebserviceException("Invalid entry script {}: its name is no name of a module".format(self.entry_script))
        with open(path, "rb") as file:
            try:
                ast.parse(file.read(), path)
            except (SyntaxError, ValueError) as error:
                raise WebserviceException("Syntax error in the entry script {}: {}".format(path, error)) from error
        old = [one for one in _OLD if getattr(self, one) is not None]
        if self.environment is not None and old:
            raise WebserviceException("{} cannot be given along with environment".format(", ".join(old)))
        for one in ("extra_docker_file_steps", "enable_gpu", "cuda_version", "base_image", "base_image_registry"):
            if getattr(self, one):
                raise not_yet(
                    "azureml.core.model.InferenceConfig({}=...)".format(one),
                    "give an Environment, which says the image and its packages",
                )

    def _source(self) -> "tuple[str, str]":
        """The source folder, and the entry script in it."""
        if self.source_directory is not None:
            return os.path.abspath(self.source_directory), self.entry_script.replace(os.sep, "/")
        path = os.path.abspath(self.entry_script)
        return os.path.dirname(path), os.path.basename(path)

    def _spec(self) -> "dict[str, Any] | None":
        """The environment as the API takes it; `None` for the Python at hand."""
        from outhaul_azureml.environment import translate
        from outhaul_azureml.environment.model import Environment

        environment = self.environment
        if environment is None and self.conda_file is not None:
            path = os.path.join(self.source_directory or "", self.conda_file)
            environment = Environment.from_conda_specification("inference", path)
        if environment is None:
            return None
        if not isinstance(environment, Environment):
            raise UserErrorException("environment has to be an Environment, not {}".format(type(environment)))
        return translate.spec(environment)
