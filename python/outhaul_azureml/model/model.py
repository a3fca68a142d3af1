"""`Model`: a version of a registered model."""

import os

from outhaul_azureml.errors import WebserviceException
from outhaul_azureml.model import paths, registry
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

_MIME = "application/octet-stream"


@known_as("azureml.core.model")
class Model:
    """A version of a model. `Model(ws, name)` is the newest, `Model(ws, id="name:2")` a certain one."""

    class Framework:
        """Frameworks by name."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    def __init__(
        self,
        workspace: "Any",
        name: "str | None" = None,
        id: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        version: "Any" = None,
        run_id: "str | None" = None,
        model_framework: "str | None" = None,
        expand: bool = True,
        **kwargs: "Any"
    ) -> None:
        found = kwargs.pop("_found", None)
        if found is None:
            found = _find(workspace, name, id, tags, properties, version, run_id, model_framework)
        self.workspace = workspace
        self._take(found)

    def _take(self, found: "dict[str, Any]") -> None:
        """Takes over what the server tells."""
        from outhaul._model import moment

        self._found = found
        origin = found["origin"]
        self.name = found["name"]  # type: str
        self.version = found["version"]  # type: int
        self.id = "{}:{}".format(self.name, self.version)
        self.tags = dict(found["tags"])  # type: dict[str, str]
        self.properties = dict(found["properties"])  # type: dict[str, str]
        self.description = found.get("description")  # type: str | None
        self.model_framework = found.get("framework")  # type: str | None
        self.model_framework_version = found.get("framework_version")  # type: str | None
        self.run_id = origin.get("run")  # type: str | None
        self.experiment_name = origin.get("experiment")  # type: str | None
        self.created_time = moment(found["created_at"])
        self.created_by = None
        self.mime_type = _MIME
        self.unpack = False
        self.url = "outhaul://artifacts/{}".format(found["files"]["tree"])
        self.datasets = {}  # type: dict[str, Any]
        self.sample_input_dataset = None
        self.sample_output_dataset = None
        self.resource_configuration = None
        self.parent_id = None
        self.derived_model_ids = []  # type: List[str]

    @property
    def run(self) -> "Any":
        """The run that it comes from."""
        return None if self.run_id is None else self.workspace.get_run(self.run_id)

    def __repr__(self) -> str:
        return "Model(workspace={!r}, name={}, id={}, version={}, tags={}, properties={})".format(
            self.workspace, self.name, self.id, self.version, self.tags, self.properties
        )

    # Registering and finding

    @staticmethod
    def register(
        workspace: "Any",
        model_path: str,
        model_name: str,
        tags: "Any" = None,
        properties: "Any" = None,
        description: "str | None" = None,
        datasets: "Any" = None,
        model_framework: "str | None" = None,
        model_framework_version: "str | None" = None,
        child_paths: "Any" = None,
        sample_input_dataset: "Any" = None,
        sample_output_dataset: "Any" = None,
        resource_configuration: "Any" = None,
    ) -> "Model":
        """Keep a file or folder of the current folder as the next version of a model."""
        registry.refuse_planned(
            "azureml.core.model.Model.register",
            {
                "datasets": datasets,
                "child_paths": child_paths,
                "sample_input_dataset": sample_input_dataset,
                "sample_output_dataset": sample_output_dataset,
                "resource_configuration": resource_configuration,
            },
        )
        registry.check_name(model_name)
        path = registry.check_path(model_path)
        said = registry.described(tags, properties, description, model_framework, model_framework_version)
        print("Registering model {}".format(model_name))
        return Model(workspace, _found=registry.register(workspace, model_name, path, said))

    @staticmethod
    def list(
        workspace: "Any",
        name: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        run_id: "str | None" = None,
        latest: bool = False,
        dataset_id: "str | None" = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: "str | None" = None,
    ) -> "List[Model]":
        """Models, newest first. `tags` and `properties` hold names, or pairs of name and value."""
        registry.refuse_planned("azureml.core.model.Model.list", {"dataset_id": dataset_id})
        found = registry.listed(workspace, name, tags, properties, run_id, latest, model_framework)
        return [Model(workspace, _found=one) for one in found]

    @staticmethod
    def deploy(
        workspace: "Any",
        name: str,
        models: "Any",
        inference_config: "Any" = None,
        deployment_config: "Any" = None,
        deployment_target: "Any" = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> "Any":
        """Deploy models as a web service, which is given as it is being brought up."""
        from outhaul_azureml.service.deploy import deploy

        return deploy(
            workspace, name, models, inference_config, deployment_config, deployment_target, overwrite, show_output
        )

    # Its files

    @staticmethod
    def get_model_path(model_name: str, version: "Any" = None, _workspace: "Any" = None) -> str:
        """Where a model's file or folder lies on this machine."""
        return paths.find(model_name, version, _workspace)

    def download(self, target_dir: str = ".", exist_ok: "bool | None" = False, exists_ok: "bool | None" = None) -> str:
        """Write its file or folder into a folder and give the path."""
        if exists_ok is not None:
            if exist_ok is not None:
                raise WebserviceException("exist_ok and exists_ok cannot both be given: use exist_ok")
            exist_ok = exists_ok
        where = os.path.join(target_dir, self._found["files"]["entry"])
        if not exist_ok and os.path.lexists(where):
            raise WebserviceException("File already exists. To overwrite, set exist_ok to True. {}".format(where))
        return registry.download(self.workspace, self.id, target_dir, bool(exist_ok))

    # Changing

    def update(
        self,
        tags: "Any" = None,
        description: "str | None" = None,
        sample_input_dataset: "Any" = None,
        sample_output_dataset: "Any" = None,
        resource_configuration: "Any" = None,
    ) -> None:
        """Give it other tags in place of those it has, and another description."""
        registry.refuse_planned(
            "azureml.core.model.Model.update",
            {
                "sample_input_dataset": sample_input_dataset,
                "sample_output_dataset": sample_output_dataset,
                "resource_configuration": resource_configuration,
            },
        )
        body = {}  # type: dict[str, Any]
        if tags is not None:
            from outhaul_azureml.run.listing import texts

            known = registry.get(self.workspace, self.id) or self._found
            body = {"remove_tags": sorted(known["tags"]), "set_tags": texts(tags, "tags")}
        if description is not None:
            body["description"] = description
        self._change(body)

    def update_tags_properties(
        self, add_tags: "Any" = None, remove_tags: "Any" = None, add_properties: "Any" = None
    ) -> None:
        """Add and remove tags, and add properties."""
        from outhaul_azureml.run.listing import texts

        names = [remove_tags] if isinstance(remove_tags, str) else list(remove_tags or [])
        self._change(
            {
                "set_tags": texts(add_tags or {}, "tags"),
                "remove_tags": [str(name) for name in names],
                "add_properties": texts(add_properties or {}, "properties"),
            }
        )

    def add_tags(self, tags: "Any") -> None:
        """Add tags."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: "Any") -> None:
        """Remove tags by their names."""
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: "Any") -> None:
        """Add facts, which stay as they are once they are there."""
        self.update_tags_properties(add_properties=properties)

    def _change(self, body: "dict[str, Any]") -> None:
        self._take(registry.change(self.workspace, self.id, body))

    def delete(self) -> None:
        """Delete it, unless a web service uses it."""
        registry.delete(self.workspace, self.id)

    # As a dictionary

    def serialize(self) -> "dict[str, Any]":
        """What is known of it."""
        return {
            "createdTime": self._found["created_at"],
            "createdBy": self.created_by,
            "description": self.description,
            "id": self.id,
            "mimeType": self.mime_type,
            "name": self.name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "unpack": self.unpack,
            "url": self.url,
            "version": self.version,
            "experimentName": self.experiment_name,
            "runId": self.run_id,
            "runDetails": None,
            "datasets": [],
            "resourceRequirements": None,
            "sampleInputDatasetId": None,
            "sampleOutputDatasetId": None,
            "parentId": None,
        }

    @staticmethod
    def deserialize(workspace: "Any", model_payload: "dict[str, Any]") -> "Model":
        """The model that a dictionary of `serialize` describes."""
        missing = [key for key in ("id", "name", "version") if key not in model_payload]
        if missing:
            raise WebserviceException("The payload of a model lacks {}".format(", ".join(missing)))
        return Model(workspace, id=str(model_payload["id"]))


def _find(
    workspace: "Any",
    name: "str | None",
    model_id: "str | None",
    tags: "Any",
    properties: "Any",
    version: "Any",
    run_id: "str | None",
    model_framework: "str | None",
) -> "dict[str, Any]":
    """The newest model that fits."""
    if not name and not model_id:
        raise WebserviceException("Error, one of id or name must be provided.")
    wanted = str(model_id) if model_id else "{}:{}".format(name, version) if version is not None else str(name)
    if tags or properties or run_id or model_framework:
        fitting = registry.listed(
            workspace, wanted.split(":")[0], tags, properties, run_id, model_framework=model_framework
        )
        exact = wanted.partition(":")[2]
        for one in fitting:
            if not exact or str(one["version"]) == exact:
                return one
    else:
        found = registry.get(workspace, wanted)
        if found is not None:
            return found
    raise WebserviceException(
        "ModelNotFound: Model with {} {} not found in provided workspace".format("id" if ":" in wanted else "name", wanted),
        status_code=404,
    )
