"""Compute targets. Each class is loaded when it is asked for."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "AdlaCompute": "azureml.core.compute.adla",
    "AksCompute": "azureml.core.compute.aks",
    "AmlCompute": "azureml.core.compute.amlcompute",
    "BatchCompute": "azureml.core.compute.batch",
    "ComputeInstance": "azureml.core.compute.computeinstance",
    "ComputeTarget": "azureml.core.compute.compute",
    "DataFactoryCompute": "azureml.core.compute.datafactory",
    "DatabricksCompute": "azureml.core.compute.databricks",
    "DsvmCompute": "azureml.core.compute.dsvm",
    "HDInsightCompute": "azureml.core.compute.hdinsight",
    "KubernetesCompute": "azureml.core.compute.kubernetescompute",
    "KustoCompute": "azureml.core.compute.kusto",
    "RemoteCompute": "azureml.core.compute.remote",
    "SynapseCompute": "azureml.core.compute.synapse",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
