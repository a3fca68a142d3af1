"""The libraries and clusters of Databricks, as environments name them."""

from outhaul_azureml.config.element import Element
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_here = known_as("azureml.core.databricks")


@_here
class MavenLibrary(Element):
    """A library from Maven."""

    _fields = (("coordinates", None), ("repo", None), ("exclusions", None))

    def __init__(self, coordinates: "Any" = None, repo: "Any" = None, exclusions: "Any" = None) -> None:
        super().__init__()
        self.coordinates = coordinates
        self.repo = repo
        self.exclusions = exclusions
        self._initialized = True


@_here
class PyPiLibrary(Element):
    """A library from the Python index."""

    _fields = (("package", None), ("repo", None))

    def __init__(self, package: "Any" = None, repo: "Any" = None) -> None:
        super().__init__()
        self.package = package
        self.repo = repo
        self._initialized = True


@_here
class RCranLibrary(Element):
    """A library from CRAN."""

    _fields = (("package", None), ("repo", None))

    def __init__(self, package: "Any" = None, repo: "Any" = None) -> None:
        super().__init__()
        self.package = package
        self.repo = repo
        self._initialized = True


@_here
class JarLibrary(Element):
    """A library in a jar."""

    _fields = (("library", None),)

    def __init__(self, library: "Any" = None) -> None:
        super().__init__()
        self.library = library
        self._initialized = True


@_here
class EggLibrary(Element):
    """A library in an egg."""

    _fields = (("library", None),)

    def __init__(self, library: "Any" = None) -> None:
        super().__init__()
        self.library = library
        self._initialized = True


@_here
class DatabricksCluster(Element):
    """A cluster that is there, or what a new one shall be."""

    _fields = tuple(
        (name, None)
        for name in (
            "existing_cluster_id",
            "spark_version",
            "node_type",
            "instance_pool_id",
            "num_workers",
            "min_workers",
            "max_workers",
            "spark_env_variables",
            "spark_conf",
            "init_scripts",
            "cluster_log_dbfs_path",
            "permit_cluster_restart",
        )
    )

    def __init__(
        self,
        existing_cluster_id: "Any" = None,
        spark_version: "Any" = None,
        node_type: "Any" = None,
        instance_pool_id: "Any" = None,
        num_workers: "Any" = None,
        min_workers: "Any" = None,
        max_workers: "Any" = None,
        spark_env_variables: "Any" = None,
        spark_conf: "Any" = None,
        init_scripts: "Any" = None,
        cluster_log_dbfs_path: "Any" = None,
        permit_cluster_restart: "Any" = None,
    ) -> None:
        super().__init__()
        self.existing_cluster_id = existing_cluster_id
        self.spark_version = spark_version
        self.node_type = node_type
        self.instance_pool_id = instance_pool_id
        self.num_workers = num_workers
        self.min_workers = min_workers
        self.max_workers = max_workers
        self.spark_env_variables = spark_env_variables
        self.spark_conf = spark_conf
        self.init_scripts = init_scripts
        self.cluster_log_dbfs_path = cluster_log_dbfs_path
        self.permit_cluster_restart = permit_cluster_restart
        self._initialized = True

    def validate(self) -> None:
        """Raise unless exactly one kind of cluster is described."""
        new = self.num_workers is not None or (self.min_workers is not None and self.max_workers is not None)
        if self.existing_cluster_id is not None and new:
            raise UserErrorException("Give existing_cluster_id or the workers of a new cluster, not both.")
        if self.existing_cluster_id is None and not new:
            raise UserErrorException("Give existing_cluster_id, num_workers, or min_workers and max_workers.")


@_here
class DatabricksSection(Element):
    """What Databricks loads for a run."""

    _fields = (
        ("maven_libraries", [MavenLibrary]),
        ("pypi_libraries", [PyPiLibrary]),
        ("rcran_libraries", [RCranLibrary]),
        ("jar_libraries", [JarLibrary]),
        ("egg_libraries", [EggLibrary]),
    )

    def __init__(self, _skip_defaults: bool = False) -> None:
        super().__init__()
        self.maven_libraries = []  # type: list[MavenLibrary]
        self.pypi_libraries = []  # type: list[PyPiLibrary]
        self.rcran_libraries = []  # type: list[RCranLibrary]
        self.jar_libraries = []  # type: list[JarLibrary]
        self.egg_libraries = []  # type: list[EggLibrary]
        self._cluster = None  # type: DatabricksCluster | None
        self._initialized = True

    @property
    def cluster(self) -> "DatabricksCluster | None":
        """The cluster."""
        return self._cluster

    @cluster.setter
    def cluster(self, value: "DatabricksCluster | None") -> None:
        self._cluster = value
