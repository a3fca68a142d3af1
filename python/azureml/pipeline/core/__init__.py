"""Pipelines: planned."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "InputPortBinding": "azureml.pipeline.core.graph",
    "Module": "azureml.pipeline.core.graph",
    "ModuleVersion": "azureml.pipeline.core.module",
    "ModuleVersionDescriptor": "azureml.pipeline.core.module",
    "OutputPortBinding": "azureml.pipeline.core.graph",
    "Pipeline": "azureml.pipeline.core.pipeline",
    "PipelineData": "azureml.pipeline.core.builder",
    "PipelineDataset": "azureml.pipeline.core.graph",
    "PipelineDraft": "azureml.pipeline.core.pipeline_draft",
    "PipelineEndpoint": "azureml.pipeline.core.pipeline_endpoint",
    "PipelineParameter": "azureml.pipeline.core.graph",
    "PipelineRun": "azureml.pipeline.core.run",
    "PipelineStep": "azureml.pipeline.core.builder",
    "PortDataReference": "azureml.pipeline.core.graph",
    "PublishedPipeline": "azureml.pipeline.core.graph",
    "Schedule": "azureml.pipeline.core.schedule",
    "ScheduleRecurrence": "azureml.pipeline.core.schedule",
    "StepRun": "azureml.pipeline.core.run",
    "StepRunOutput": "azureml.pipeline.core.run",
    "StepSequence": "azureml.pipeline.core.builder",
    "TimeZone": "azureml.pipeline.core.schedule",
    "TrainingOutput": "azureml.pipeline.core.graph",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
