"""Steps of pipelines: planned."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "AdlaStep": "azureml.pipeline.steps.adla_step",
    "AutoMLStep": "outhaul_azureml.unlisted",
    "AutoMLStepRun": "outhaul_azureml.unlisted",
    "AzureBatchStep": "azureml.pipeline.steps.azurebatch_step",
    "CommandStep": "azureml.pipeline.steps.command_step",
    "DataTransferStep": "azureml.pipeline.steps.data_transfer_step",
    "DatabricksStep": "azureml.pipeline.steps.databricks_step",
    "EstimatorStep": "azureml.pipeline.steps.estimator_step",
    "HyperDriveStep": "azureml.pipeline.steps.hyper_drive_step",
    "HyperDriveStepRun": "azureml.pipeline.steps.hyper_drive_step",
    "KustoStep": "azureml.pipeline.steps.kusto_step",
    "ModuleStep": "azureml.pipeline.steps.module_step",
    "MpiStep": "azureml.pipeline.steps.mpi_step",
    "ParallelRunConfig": "azureml.pipeline.steps.parallel_run_config",
    "ParallelRunStep": "azureml.pipeline.steps.parallel_run_step",
    "PythonScriptStep": "azureml.pipeline.steps.python_script_step",
    "RScriptStep": "azureml.pipeline.steps.r_script_step",
    "SynapseSparkStep": "azureml.pipeline.steps.synapse_spark_step",
    "_HDInsightStep": "outhaul_azureml.unlisted",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
