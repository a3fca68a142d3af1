"""The sections of a run configuration: what the job is, how it is distributed, what data it gets."""

from outhaul_azureml.config.element import Element
from outhaul_azureml.errors import RunConfigurationException, UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_here = known_as("azureml.core.runconfig")

DEFAULT_SHM_SIZE = "2g"
SUPPORTED_DATAREF_MODES = ["mount", "download", "upload"]
SUPPORTED_DELIVERY_MECHANISM = ["direct", "mount", "download", "upload"]
SUPPORTED_PYTORCH_BACKENDS = ["nccl", "gloo"]


@_here
class HdiConfiguration(Element):
    """How `spark-submit` deploys on HDInsight: `cluster` or `client`."""

    _fields = (("yarn_deploy_mode", None),)

    def __init__(self) -> None:
        super().__init__()
        self.yarn_deploy_mode = "cluster"
        self._initialized = True


@_here
class TensorflowConfiguration(Element):
    """A distributed TensorFlow job."""

    _fields = (("worker_count", None), ("parameter_server_count", None))

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        super().__init__()
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count
        self._initialized = True


@_here
class MpiConfiguration(Element):
    """A distributed MPI job."""

    _fields = (("process_count_per_node", None), ("node_count", None))

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        super().__init__()
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count
        self._initialized = True


@_here
class PyTorchConfiguration(Element):
    """A distributed PyTorch job."""

    _fields = (("communication_backend", None), ("process_count", None), ("node_count", None))

    def __init__(
        self, communication_backend: str = "Nccl", process_count: "int | None" = None, node_count: int = 1
    ) -> None:
        super().__init__()
        if communication_backend.lower() not in SUPPORTED_PYTORCH_BACKENDS:
            raise UserErrorException(
                "communication_backend {} is not supported; use one of {}".format(
                    communication_backend, ", ".join(SUPPORTED_PYTORCH_BACKENDS)
                )
            )
        self.process_count = process_count
        self.node_count = node_count
        self.communication_backend = communication_backend.lower()
        self._initialized = True


@_here
class ApplicationEndpointConfiguration(Element):
    """An endpoint that a job offers while it runs."""

    _fields = (("type", None), ("port", None), ("properties", None))

    def __init__(self, type: "str | None" = None, port: "int | None" = None, properties: "Any" = None) -> None:
        super().__init__()
        self.type = type
        self.port = port
        self.properties = properties
        self._initialized = True


@_here
class ParallelTaskConfiguration(Element):
    """A job of parallel tasks."""

    _fields = (("max_retries_per_worker", None), ("worker_count_per_node", None), ("terminal_exit_codes", None))

    def __init__(self) -> None:
        super().__init__()
        self.max_retries_per_worker = 0
        self.worker_count_per_node = 1
        self.terminal_exit_codes = None
        self._initialized = True


@_here
class AmlComputeConfiguration(Element):
    """A cluster of Azure's that v1 made for one run; kept so that stored configurations load."""

    _fields = (
        ("vm_size", None),
        ("vm_priority", None),
        ("_retain_cluster", None),
        ("_name", None),
        ("_cluster_max_node_count", None),
    )

    def __init__(self) -> None:
        super().__init__()
        self.vm_size = None
        self.vm_priority = None
        self._retain_cluster = False
        self._name = None
        self._cluster_max_node_count = None
        self._initialized = True


@_here
class KubernetesComputeConfiguration(Element):
    """Which kind of instance a job gets on Kubernetes."""

    _fields = (("instance_type", None),)

    def __init__(self) -> None:
        super().__init__()
        self.instance_type = None
        self._initialized = True


@_here
class SparkConfiguration(Element):
    """Spark's own settings for a job."""

    _fields = (("configuration", None),)

    def __init__(self) -> None:
        super().__init__()
        self.configuration = {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}
        self._initialized = True


@_here
class HistoryConfiguration(Element):
    """What is kept of a run. Outhaul keeps code, logs and outputs of every run."""

    _fields = (("output_collection", None), ("snapshot_project", None), ("directories_to_watch", None))

    def __init__(self) -> None:
        super().__init__()
        self.output_collection = True
        self.snapshot_project = True
        self.directories_to_watch = ["logs"]
        self._initialized = True


@_here
class DataReferenceConfiguration(Element):
    """Where a data reference's files come from and where they go."""

    _fields = (
        ("data_store_name", None),
        ("mode", None),
        ("overwrite", None),
        ("path_on_data_store", None),
        ("path_on_compute", None),
    )

    def __init__(
        self,
        datastore_name: "str | None" = None,
        mode: str = "mount",
        path_on_datastore: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: bool = False,
    ) -> None:
        super().__init__()
        if mode.lower() not in SUPPORTED_DATAREF_MODES:
            raise UserErrorException(
                "mode {} is not supported; use one of {}".format(mode, ", ".join(SUPPORTED_DATAREF_MODES))
            )
        self.data_store_name = datastore_name
        self.path_on_data_store = path_on_datastore
        self.path_on_compute = path_on_compute
        self.mode = mode.lower()
        self.overwrite = overwrite
        self._initialized = True


@_here
class DockerConfiguration(Element):
    """Whether and how a run is in a container."""

    _fields = (("use_docker", None), ("shared_volumes", None), ("arguments", None), ("shm_size", None))

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: "list[str]" = [],
        shm_size: str = DEFAULT_SHM_SIZE,
    ) -> None:
        super().__init__()
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments or [])
        self.shm_size = shm_size
        self._initialized = True


@_here
class DataPath(Element):
    """A path on a datastore."""

    _fields = (("datastore_name", None), ("relative_path", None))

    def __init__(self, datastore_name: "str | None" = None, relative_path: "str | None" = None) -> None:
        super().__init__()
        self.datastore_name = datastore_name
        self.relative_path = relative_path
        self._initialized = True


@_here
class Dataset(Element):
    """Which dataset an input is. Not the class that people make datasets with."""

    _fields = (("id", None), ("name", None), ("version", None))
    _stored_as = {"id": "datasetId", "name": "datasetName", "version": "datasetVersion"}

    def __init__(
        self, dataset_id: "str | None" = None, dataset_name: "str | None" = None, dataset_version: "str | None" = None
    ) -> None:
        super().__init__()
        self.id = dataset_id
        self.name = dataset_name
        self.version = dataset_version
        self._initialized = True


@_here
class Uri(Element):
    """An address of data."""

    _fields = (("path", None), ("is_file", None))

    def __init__(self, path: "str | None" = None, is_file: bool = False) -> None:
        super().__init__()
        self.path = path
        self.is_file = is_file
        self._initialized = True


@_here
class DataLocation(Element):
    """Where data is: a dataset, a path on a datastore, or an address."""

    _fields = (("dataset", Dataset), ("data_path", DataPath), ("uri", Uri))

    def __init__(
        self, dataset: "Dataset | None" = None, data_path: "DataPath | None" = None, uri: "Uri | None" = None
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.data_path = data_path
        self.uri = uri
        self._initialized = True


@_here
class Data(Element):
    """An input of a run."""

    _fields = (
        ("data_location", DataLocation),
        ("create_output_directories", None),
        ("mechanism", None),
        ("environment_variable_name", None),
        ("path_on_compute", None),
        ("overwrite", None),
        ("options", None),
    )

    def __init__(
        self,
        data_location: "DataLocation | None" = None,
        create_output_directories: "bool | None" = None,
        mechanism: str = "direct",
        environment_variable_name: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: bool = False,
        options: "Any" = None,
    ) -> None:
        super().__init__()
        if mechanism.lower() not in SUPPORTED_DELIVERY_MECHANISM:
            raise UserErrorException(
                "mechanism {} is not supported; use one of {}".format(
                    mechanism, ", ".join(SUPPORTED_DELIVERY_MECHANISM)
                )
            )
        self.data_location = data_location
        self.create_output_directories = create_output_directories
        self.mechanism = mechanism.lower()
        self.environment_variable_name = environment_variable_name
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.options = options
        self._initialized = True

    @staticmethod
    def create(data: "Any") -> "Data":
        """The input for a dataset as it was given to be consumed."""
        if isinstance(data, Data):
            return data
        made = getattr(data, "_as_data", None)
        if made is None:
            raise RunConfigurationException(
                "{} cannot be an input; use Dataset.File.from_files(...).as_named_input(...)".format(
                    type(data).__name__
                )
            )
        return made()  # type: ignore[no-any-return]


@_here
class OutputData(Element):
    """An output of a run that goes to a datastore."""

    _fields = (("output_location", DataLocation), ("mechanism", None), ("additional_options", None))

    def __init__(
        self, output_location: "DataLocation | None" = None, mechanism: str = "mount", additional_options: "Any" = None
    ) -> None:
        super().__init__()
        self.output_location = output_location
        self.mechanism = mechanism
        self.additional_options = additional_options
        self._initialized = True
