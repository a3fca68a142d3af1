"""Run configurations."""

from outhaul_azureml.config.outputs import (
    DatacacheConfiguration,
    DatasetRegistrationOptions,
    GlobsOptions,
    MountOptions,
    OutputOptions,
    RegistrationOptions,
    UploadOptions,
)
from outhaul_azureml.config.runconfig import LOCAL_RUNCONFIG_NAME, RunConfiguration
from outhaul_azureml.config.sections import (
    SUPPORTED_DATAREF_MODES,
    SUPPORTED_DELIVERY_MECHANISM,
    SUPPORTED_PYTORCH_BACKENDS,
    AmlComputeConfiguration,
    ApplicationEndpointConfiguration,
    Data,
    DataLocation,
    DataPath,
    DataReferenceConfiguration,
    Dataset,
    DockerConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    MpiConfiguration,
    OutputData,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    SparkConfiguration,
    TensorflowConfiguration,
    Uri,
)
from outhaul_azureml.environment.model import EnvironmentDefinition
from outhaul_azureml.environment.sections import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE, ContainerRegistry
from outhaul_azureml.environment.sections import DEFAULT_CPU_IMAGE as MPI_CPU_IMAGE
from outhaul_azureml.environment.sections import DEFAULT_GPU_IMAGE as MPI_GPU_IMAGE
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "AmlComputeConfiguration",
    "ApplicationEndpointConfiguration",
    "ContainerRegistry",
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "Data",
    "DataLocation",
    "DataPath",
    "DataReferenceConfiguration",
    "DatacacheConfiguration",
    "Dataset",
    "DatasetRegistrationOptions",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "GlobsOptions",
    "HdiConfiguration",
    "HistoryConfiguration",
    "KubernetesComputeConfiguration",
    "LOCAL_RUNCONFIG_NAME",
    "MPI_CPU_IMAGE",
    "MPI_GPU_IMAGE",
    "MountOptions",
    "MpiConfiguration",
    "OutputData",
    "OutputOptions",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "RegistrationOptions",
    "RunConfiguration",
    "SUPPORTED_DATAREF_MODES",
    "SUPPORTED_DELIVERY_MECHANISM",
    "SUPPORTED_PYTORCH_BACKENDS",
    "SparkConfiguration",
    "TensorflowConfiguration",
    "UploadOptions",
    "Uri",
]

_fill(__name__, globals())
