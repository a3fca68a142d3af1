"""References to paths on a datastore: `DataReference`, `DataPath`."""

import re

from outhaul_azureml.config.sections import DataReferenceConfiguration
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MODES = ("mount", "download", "upload")


@known_as("azureml.data.data_reference")
class DataReference:
    """A path on a datastore, given to a run as an argument. As text it is the variable that will hold the path."""

    def __init__(
        self,
        datastore: "Any",
        data_reference_name: "str | None" = None,
        path_on_datastore: "str | None" = None,
        mode: str = "mount",
        path_on_compute: "str | None" = None,
        overwrite: bool = False,
    ) -> None:
        if mode not in _MODES:
            raise UserErrorException("mode {} is not supported; use one of {}".format(mode, ", ".join(_MODES)))
        self.datastore = datastore
        self.data_reference_name = data_reference_name or _name(datastore.name, path_on_datastore)
        self.path_on_datastore = path_on_datastore
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def __str__(self) -> str:
        return "$AZUREML_DATAREFERENCE_{}".format(self.data_reference_name)

    __repr__ = __str__

    def path(self, path: "str | None" = None, data_reference_name: "str | None" = None) -> "DataReference":
        """A path below this one."""
        joined = "/".join(part.strip("/") for part in (self.path_on_datastore, path) if part)
        return DataReference(
            self.datastore, data_reference_name, joined or None, self.mode, self.path_on_compute, self.overwrite
        )

    def as_mount(self) -> "DataReference":
        """The same, mounted."""
        return self._as("mount", None, False)

    def as_download(self, path_on_compute: "str | None" = None, overwrite: bool = False) -> "DataReference":
        """The same, downloaded."""
        return self._as("download", path_on_compute, overwrite)

    def as_upload(self, path_on_compute: "str | None" = None, overwrite: bool = False) -> "DataReference":
        """The same, uploaded to."""
        return self._as("upload", path_on_compute, overwrite)

    def _as(self, mode: str, path_on_compute: "str | None", overwrite: bool) -> "DataReference":
        return DataReference(
            self.datastore, self.data_reference_name, self.path_on_datastore, mode, path_on_compute, overwrite
        )

    def to_config(self) -> DataReferenceConfiguration:
        """As a section of a run configuration."""
        return DataReferenceConfiguration(
            self.datastore.name, self.mode, self.path_on_datastore, self.path_on_compute, self.overwrite
        )

    @staticmethod
    def create(
        data_reference_name: "str | None" = None, datapath: "Any" = None, datapath_compute_binding: "Any" = None
    ) -> "DataReference":
        """Out of a data path and how it is given."""
        binding = datapath_compute_binding or DataPathComputeBinding()
        return DataReference(
            datapath._datastore,
            data_reference_name,
            datapath.path_on_datastore,
            binding.mode,
            binding.path_on_compute,
            binding.overwrite,
        )


def _name(store: str, path: "str | None") -> str:
    import hashlib

    if not path:
        return store
    return re.sub(r"\W", "_", store) + "_" + hashlib.sha256(path.encode()).hexdigest()[:8]


@known_as("azureml.data.datapath")
class DataPath:
    """A path on a datastore."""

    def __init__(
        self, datastore: "Any" = None, path_on_datastore: "str | None" = None, name: "str | None" = None
    ) -> None:
        self._datastore = datastore
        self._path_on_datastore = path_on_datastore
        self._name = name

    @property
    def datastore_name(self) -> "str | None":
        """The datastore's name."""
        return getattr(self._datastore, "name", None)

    @property
    def path_on_datastore(self) -> "str | None":
        """The path."""
        return self._path_on_datastore

    def create_data_reference(
        self, data_reference_name: "str | None" = None, datapath_compute_binding: "Any" = None
    ) -> DataReference:
        """A reference to it."""
        return DataReference.create(data_reference_name or self._name, self, datapath_compute_binding)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> "DataPath":
        """The path that a reference is to."""
        return DataPath(data_reference.datastore, data_reference.path_on_datastore, data_reference.data_reference_name)


@known_as("azureml.data.datapath")
class DataPathComputeBinding:
    """How a data path is given to a run."""

    def __init__(self, mode: str = "mount", path_on_compute: "str | None" = None, overwrite: bool = False) -> None:
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def create_data_reference(self, data_reference_name: "str | None" = None, datapath: "Any" = None) -> DataReference:
        """A reference given in this way."""
        return DataReference.create(data_reference_name, datapath, self)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> "DataPathComputeBinding":
        """How a reference is given."""
        return DataPathComputeBinding(data_reference.mode, data_reference.path_on_compute, data_reference.overwrite)
