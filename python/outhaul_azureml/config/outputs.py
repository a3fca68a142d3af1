"""The rarer sections of a run configuration: caches of data, and what becomes of outputs. Stored and loaded only."""

from outhaul_azureml.config.element import Element
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_here = known_as("azureml.core.runconfig")


@_here
class DatacacheConfiguration(Element):
    """A cache of a dataset."""

    _fields = tuple(
        (name, None)
        for name in (
            "dataset_id",
            "datacache_store",
            "datacache_id",
            "mode",
            "path_on_compute",
            "replica",
            "failure_fallback",
        )
    )

    def __init__(
        self,
        dataset_id: "Any" = None,
        datacache_store: "Any" = None,
        datacache_id: "Any" = None,
        mode: str = "mount",
        path_on_compute: "Any" = None,
        replica: "Any" = None,
        failure_fallback: bool = False,
    ) -> None:
        super().__init__()
        self.datacache_id = datacache_id
        self.datacache_store = datacache_store
        self.dataset_id = dataset_id
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.replica = replica
        self.failure_fallback = failure_fallback
        self._initialized = True


@_here
class DatasetRegistrationOptions(Element):
    """How an output is read as a dataset."""

    _fields = (("additional_transformation", None),)

    def __init__(self, additional_transformations: "Any" = None) -> None:
        super().__init__()
        self.additional_transformation = additional_transformations
        self._initialized = True


@_here
class RegistrationOptions(Element):
    """The dataset that an output is registered as."""

    _fields = (
        ("name", None),
        ("description", None),
        ("tags", None),
        ("dataset_registration_options", DatasetRegistrationOptions),
    )

    def __init__(
        self,
        name: "Any" = None,
        description: "Any" = None,
        tags: "Any" = None,
        dataset_registration_options: "Any" = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.description = description
        self.tags = tags
        self.dataset_registration_options = dataset_registration_options
        self._initialized = True


@_here
class GlobsOptions(Element):
    """Patterns of file names."""

    _fields = (("patterns", None),)

    def __init__(self, patterns: "Any" = None) -> None:
        super().__init__()
        self.patterns = patterns
        self._initialized = True


@_here
class UploadOptions(Element):
    """How an output is uploaded."""

    _fields = (("overwrite", None), ("source_globs", GlobsOptions))

    def __init__(self, overwrite: bool = False, source_globs: "Any" = None) -> None:
        super().__init__()
        self.overwrite = overwrite
        self.source_globs = source_globs
        self._initialized = True


@_here
class MountOptions(Element):
    """How an output is mounted."""

    _fields = (("disable_metadata_cache", None),)

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        super().__init__()
        self.disable_metadata_cache = disable_metadata_cache
        self._initialized = True


@_here
class OutputOptions(Element):
    """All that is said about an output."""

    _fields = (
        ("path_on_compute", None),
        ("registration_options", RegistrationOptions),
        ("upload_options", UploadOptions),
        ("mount_options", MountOptions),
    )

    def __init__(
        self,
        path_on_compute: "Any" = None,
        registration_options: "Any" = None,
        upload_options: "Any" = None,
        mount_options: "Any" = None,
    ) -> None:
        super().__init__()
        self.path_on_compute = path_on_compute
        self.registration_options = registration_options
        self.upload_options = upload_options
        self.mount_options = mount_options
        self._initialized = True
