"""What v1's calls and attributes give, as far as following a script needs it: full name of a class, `[]` of one
for several, `{}` of one for a dict by names."""

_CORE = "azureml.core."
RUN = _CORE + "run.Run"
WORKSPACE = _CORE + "workspace.Workspace"
EXPERIMENT = _CORE + "experiment.Experiment"
TARGET = _CORE + "compute.compute.ComputeTarget"
ENVIRONMENT = _CORE + "environment.Environment"
STORE = "azureml.data.azure_storage_datastore.AzureBlobDatastore"
FILES = "azureml.data.file_dataset.FileDataset"
ROWS = "azureml.data.tabular_dataset.TabularDataset"
INPUT = "azureml.data.dataset_consumption_config.DatasetConsumptionConfig"
REFERENCE = "azureml.data.data_reference.DataReference"
MODEL = _CORE + "model.Model"
SERVICE = _CORE + "webservice.webservice.Webservice"
PIPELINE_RUN = "azureml.pipeline.core.run.PipelineRun"
PUBLISHED = "azureml.pipeline.core.graph.PublishedPipeline"

GIVES = {
    WORKSPACE + ".from_config": WORKSPACE,
    WORKSPACE + ".get": WORKSPACE,
    WORKSPACE + ".create": WORKSPACE,
    WORKSPACE + ".setup": WORKSPACE,
    WORKSPACE + ".compute_targets": "{}" + TARGET,
    WORKSPACE + ".experiments": "{}" + EXPERIMENT,
    WORKSPACE + ".environments": "{}" + ENVIRONMENT,
    WORKSPACE + ".datastores": "{}" + STORE,
    WORKSPACE + ".datasets": "{}" + ROWS,
    WORKSPACE + ".models": "{}" + MODEL,
    WORKSPACE + ".webservices": "{}" + SERVICE,
    WORKSPACE + ".get_default_datastore": STORE,
    WORKSPACE + ".get_default_compute_target": TARGET,
    WORKSPACE + ".get_default_keyvault": _CORE + "keyvault.Keyvault",
    WORKSPACE + ".get_run": RUN,
    TARGET + ".attach": TARGET,
    TARGET + ".create": TARGET,
    TARGET + ".list": "[]" + TARGET,
    EXPERIMENT + ".submit": RUN,
    EXPERIMENT + ".start_logging": RUN,
    EXPERIMENT + ".get_runs": "[]" + RUN,
    EXPERIMENT + ".workspace": WORKSPACE,
    EXPERIMENT + ".list": "[]" + EXPERIMENT,
    RUN + ".get_context": RUN,
    RUN + ".get": RUN,
    RUN + ".list": "[]" + RUN,
    RUN + ".experiment": EXPERIMENT,
    RUN + ".parent": RUN,
    RUN + ".child_run": RUN,
    RUN + ".create_children": "[]" + RUN,
    RUN + ".get_children": "[]" + RUN,
    RUN + ".get_environment": ENVIRONMENT,
    RUN + ".register_model": MODEL,
    RUN + ".input_datasets": "{}" + ROWS,
    ENVIRONMENT + ".get": ENVIRONMENT,
    ENVIRONMENT + ".register": ENVIRONMENT,
    ENVIRONMENT + ".clone": ENVIRONMENT,
    ENVIRONMENT + ".list": "{}" + ENVIRONMENT,
    ENVIRONMENT + ".from_conda_specification": ENVIRONMENT,
    ENVIRONMENT + ".from_pip_requirements": ENVIRONMENT,
    ENVIRONMENT + ".from_docker_image": ENVIRONMENT,
    ENVIRONMENT + ".from_dockerfile": ENVIRONMENT,
    ENVIRONMENT + ".load_from_directory": ENVIRONMENT,
    ENVIRONMENT + ".build": _CORE + "environment.ImageBuildDetails",
    ENVIRONMENT + ".python": _CORE + "environment.PythonSection",
    ENVIRONMENT + ".docker": _CORE + "environment.DockerSection",
    _CORE + "environment.PythonSection.conda_dependencies": _CORE + "conda_dependencies.CondaDependencies",
    _CORE + "conda_dependencies.CondaDependencies.create": _CORE + "conda_dependencies.CondaDependencies",
    _CORE + "script_run_config.ScriptRunConfig.run_config": _CORE + "runconfig.RunConfiguration",
    _CORE + "runconfig.RunConfiguration.environment": ENVIRONMENT,
    _CORE + "runconfig.RunConfiguration.load": _CORE + "runconfig.RunConfiguration",
    _CORE + "datastore.Datastore.get": STORE,
    _CORE + "datastore.Datastore.get_default": STORE,
    _CORE + "dataset.Dataset.get_by_name": ROWS,
    _CORE + "dataset.Dataset.get_by_id": ROWS,
    _CORE + "dataset.Dataset.get_all": "{}" + ROWS,
    STORE + ".path": REFERENCE,
    STORE + ".upload": REFERENCE,
    STORE + ".upload_files": REFERENCE,
    STORE + ".as_mount": REFERENCE,
    REFERENCE + ".as_mount": REFERENCE,
    REFERENCE + ".as_download": REFERENCE,
    FILES + ".as_mount": INPUT,
    FILES + ".as_download": INPUT,
    FILES + ".register": FILES,
    FILES + ".as_named_input": INPUT,
    ROWS + ".as_named_input": INPUT,
    ROWS + ".register": ROWS,
    ROWS + ".take": ROWS,
    ROWS + ".skip": ROWS,
    ROWS + ".keep_columns": ROWS,
    ROWS + ".drop_columns": ROWS,
    INPUT + ".as_mount": INPUT,
    INPUT + ".as_download": INPUT,
    "azureml.data.dataset_factory.FileDatasetFactory.from_files": FILES,
    "azureml.data.dataset_factory.TabularDatasetFactory.from_delimited_files": ROWS,
    "azureml.data.dataset_factory.TabularDatasetFactory.from_parquet_files": ROWS,
    "azureml.data.dataset_factory.TabularDatasetFactory.from_json_lines_files": ROWS,
    _CORE + "datastore.Datastore": STORE,
    MODEL + ".register": MODEL,
    MODEL + ".deploy": SERVICE,
    "azureml.pipeline.core.pipeline.Pipeline.submit": PIPELINE_RUN,
    "azureml.pipeline.core.pipeline.Pipeline.publish": PUBLISHED,
}
"""Calls and attributes by full name. What is not here is not followed further."""
