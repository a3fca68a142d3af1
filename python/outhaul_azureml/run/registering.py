"""Registering what a run left as a model."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Registering:
    """The part of a run that makes models of its files."""

    def register_model(
        self,
        model_name: str,
        model_path: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        model_framework: "str | None" = None,
        model_framework_version: "str | None" = None,
        description: "str | None" = None,
        datasets: "Any" = None,
        sample_input_dataset: "Any" = None,
        sample_output_dataset: "Any" = None,
        resource_configuration: "Any" = None,
        **kwargs: "Any"
    ) -> "Any":
        """Keep one of its files, or all its files below a folder, as the next version of a model. Nothing is copied."""
        from outhaul_azureml.model import registry

        registry.refuse_planned(
            "azureml.core.run.Run.register_model",
            {
                "datasets": datasets,
                "sample_input_dataset": sample_input_dataset,
                "sample_output_dataset": sample_output_dataset,
                "resource_configuration": resource_configuration,
            },
        )
        registry.check_name(model_name)
        said = registry.described(tags, properties, description, model_framework, model_framework_version)
        return self._register(model_name, model_path, said)

    def _register(self, name: str, model_path: "str | None", said: "dict[str, Any]") -> "Any":
        """Registers it with the server."""
        from outhaul_azureml.model import registry
        from outhaul_azureml.model.model import Model

        found = registry.register_of_run(self, name, model_path, said)
        return Model(self.experiment.workspace, _found=found)  # type: ignore[attr-defined]
