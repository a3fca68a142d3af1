"""What of v1 comes when: one sentence for each part that does not work yet. The first prefix that fits counts."""

AZURE_COMPUTE = "Outhaul makes no machines at Azure: attach one that you have with RemoteCompute.attach_configuration"
NEVER = "it belongs to Azure's own services and is not planned"

PLANS = (
    ("azureml.pipeline.steps", "pipelines and their steps are planned"),
    ("azureml.pipeline", "pipelines are planned"),
    ("azureml.train.hyperdrive", "sweeps (HyperDrive) are planned"),
    ("azureml.train.automl", "automated machine learning is not planned: train with a library of your choice"),
    ("azureml.train", "estimators were retired in v1 already: use ScriptRunConfig"),
    ("azureml.core.model.Model.add_dataset_references", "datasets cannot be kept with a model yet"),
    ("azureml.core.model.Model.get_sas_urls", NEVER),
    ("azureml.core.model", "packages of models as images are planned"),
    ("azureml.core.webservice.webservice.Webservice.deploy", "it was retired in v1 already: use Model.deploy"),
    ("azureml.core.webservice.local", "it was of no use without the cloud: `outhaul deploy` deploys elsewhere"),
    ("azureml.core.webservice", "web services beyond this machine are planned: use LocalWebservice"),
    ("azureml.core.image", "images were retired in v1 already: use Model.deploy"),
    ("azureml.core.compute.compute.ComputeTarget.create", AZURE_COMPUTE),
    ("azureml.core.compute.amlcompute", AZURE_COMPUTE),
    ("azureml.core.compute.computeinstance", AZURE_COMPUTE),
    ("azureml.core.compute.dsvm", AZURE_COMPUTE),
    ("azureml.core.compute.batch", "Azure Batch is planned as a target"),
    ("azureml.core.compute.databricks", "Databricks is planned as a target"),
    ("azureml.core.compute.adla", "Data Lake Analytics is planned as a target"),
    ("azureml.core.compute.datafactory", "copying data between stores is planned with pipelines"),
    ("azureml.core.compute.aks", "Kubernetes is planned as a target"),
    ("azureml.core.compute.kubernetescompute", "Kubernetes is planned as a target"),
    ("azureml.core.compute.kusto", "Kusto is not planned as a target"),
    ("azureml.core.compute.synapse", "Synapse is not planned as a target: attach the Spark cluster itself"),
    (
        "azureml.core.keyvault",
        "secrets of a workspace are planned; pass them to runs by files of the target until then",
    ),
    ("azureml.core.private_endpoint", NEVER),
    ("azureml.core.linked_service", NEVER),
    ("azureml.core.workspace.Workspace.get_default_keyvault", "secrets of a workspace are planned"),
    ("azureml.core.workspace.Workspace.diagnose_workspace", "use `outhaul doctor` instead"),
    ("azureml.core.workspace.Workspace.delete", "removing workspaces is planned"),
    ("azureml.core.workspace", NEVER),
    ("azureml.core.run.Run.get_secret", "secrets of a workspace are planned"),
    ("azureml.core.run", "it is planned"),
    (
        "azureml.core.dataset",
        "the old dataset definitions were retired in v1 already: use Dataset.Tabular or Dataset.File",
    ),
    ("azureml.core.datastore", "stores other than the workspace's own are planned: blob containers first"),
    ("azureml.data", "datasets are planned in more forms than files and delimited text"),
    ("azureml.core.environment", "building images is planned"),
    ("azureml.core.compute", "it was retired in v1 already: use ComputeTarget.attach"),
)


def of(name: str) -> str:
    """The sentence for a qualified name such as `azureml.core.model.Model.register`."""
    for prefix, sentence in PLANS:
        if name == prefix or name.startswith(prefix + "."):
            return sentence
    return "it is planned"
