"""Datastores. The workspace has its own, a folder in the data folder; others are planned."""

import os
import shutil

from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAMES = ("workspaceblobstore", "workspacefilestore")
"""The datastores that every workspace of v1 has."""


@known_as("azureml.data.abstract_datastore")
class AbstractDatastore:
    """What all datastores have."""

    def __init__(self, workspace: "Any", name: str, datastore_type: str) -> None:
        self.workspace = workspace
        self.name = name
        self.datastore_type = datastore_type

    def __repr__(self) -> str:
        return "{}(name={!r}, datastore_type={!r})".format(type(self).__name__, self.name, self.datastore_type)

    def set_as_default(self) -> None:
        """Make it the workspace's default."""
        set_default(self.workspace, self.name)

    def unregister(self) -> None:
        """The workspace's own datastores stay."""
        raise UserErrorException(
            "The datastore {} belongs to the workspace and cannot be unregistered".format(self.name)
        )


@known_as("azureml.data.azure_storage_datastore")
class AbstractAzureStorageDatastore(AbstractDatastore):
    """A datastore of files."""

    def __init__(
        self,
        workspace: "Any",
        name: str,
        datastore_type: str,
        container_name: "Any",
        account_name: "Any",
        sas_token: "Any" = None,
        account_key: "Any" = None,
        protocol: "Any" = None,
        endpoint: "Any" = None,
    ) -> None:
        super().__init__(workspace, name, datastore_type)
        self.container_name = container_name
        self.account_name = account_name
        self.sas_token = sas_token
        self.account_key = account_key
        self.credential_type = None
        self.protocol = protocol
        self.endpoint = endpoint

    @property
    def is_sas(self) -> bool:
        """Whether a token opens it."""
        return self.sas_token is not None

    @property
    def _folder(self) -> str:
        """The folder in which its files are."""
        return os.path.join(home(self.workspace), self.name)

    # References

    def path(self, path: "str | None" = None, data_reference_name: "str | None" = None) -> "Any":
        """A reference to a path on it."""
        from outhaul_azureml.data.references import DataReference

        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> "Any":
        """A reference to all of it, mounted."""
        return self.path().as_mount()

    def as_download(self, path_on_compute: "str | None" = None) -> "Any":
        """A reference to all of it, downloaded."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: "str | None" = None) -> "Any":
        """A reference that is uploaded to."""
        return self.path().as_upload(path_on_compute)

    # Files

    def upload(
        self, src_dir: str, target_path: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> "Any":
        """Copy a folder's files to it, and give a reference to where they are."""
        if not os.path.isdir(src_dir):
            raise UserErrorException("src_dir {} is not a folder".format(src_dir))
        files = [os.path.join(where, name) for where, _, names in os.walk(src_dir) for name in names]
        return self.upload_files(sorted(files), src_dir, target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: "list[str]",
        relative_root: "str | None" = None,
        target_path: "str | None" = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> "Any":
        """Copy files to it, and give a reference to where they are."""
        missing = [path for path in files if not os.path.isfile(path)]
        if missing:
            raise UserErrorException("There is no file {}".format(missing[0]))
        names = [os.path.relpath(path, relative_root) if relative_root else os.path.basename(path) for path in files]
        targets = [inside(self._folder, os.path.join(target_path or "", name)) for name in names]
        say = _teller(show_progress)
        say("Uploading an estimated of {} files".format(len(files)))
        done = 0
        for path, target in zip(files, targets):
            if os.path.exists(target) and not overwrite:
                say("Target already exists. Skipping upload for {}".format(_shown(self._folder, target)))
                continue
            say("Uploading {}".format(path))
            _copy(path, target)
            done += 1
            say("Uploaded {}, {} files out of an estimated total of {}".format(path, done, len(files)))
        say("Uploaded {} files".format(done))
        return self.path(target_path)

    def download(
        self, target_path: str, prefix: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """Copy its files below a prefix into a folder; gives their number."""
        say = _teller(show_progress)
        done = 0
        for where, _, names in os.walk(inside(self._folder, prefix or "")):
            for name in sorted(names):
                source = os.path.join(where, name)
                target = os.path.join(target_path, _shown(self._folder, source))
                if os.path.exists(target) and not overwrite:
                    say("{} already exists. Skipping download".format(target))
                    continue
                _copy(source, target)
                done += 1
                say("Downloaded {}".format(target))
        single = inside(self._folder, prefix or "")
        if os.path.isfile(single):
            _copy(single, os.path.join(target_path, _shown(self._folder, single)))
            done += 1
        return done


@known_as("azureml.data.azure_storage_datastore")
class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """The workspace's own datastore has this class, as in v1; its files are in a folder of the data folder."""

    def __init__(
        self,
        workspace: "Any",
        name: str,
        container_name: "Any",
        account_name: "Any",
        sas_token: "Any" = None,
        account_key: "Any" = None,
        protocol: "Any" = None,
        endpoint: "Any" = None,
        request_session: "Any" = None,
        workspace_msi_has_access: bool = False,
        subscription_id: "Any" = None,
        resource_group: "Any" = None,
        service_data_access_auth_identity: "Any" = None,
    ) -> None:
        super().__init__(
            workspace, name, "AzureBlob", container_name, account_name, sas_token, account_key, protocol, endpoint
        )
        self.blob_service = None
        self.workspace_msi_has_access = workspace_msi_has_access
        self.service_data_access_auth_identity = service_data_access_auth_identity
        self.subscription_id = subscription_id
        self.resource_group = resource_group


@known_as("azureml.data.azure_storage_datastore")
class AzureFileDatastore(AbstractAzureStorageDatastore):
    """The workspace's second datastore."""

    def __init__(
        self,
        workspace: "Any",
        name: str,
        container_name: "Any",
        account_name: "Any",
        sas_token: "Any" = None,
        account_key: "Any" = None,
        protocol: "Any" = None,
        endpoint: "Any" = "core.windows.net",
        request_session: "Any" = None,
    ) -> None:
        super().__init__(
            workspace, name, "AzureFile", container_name, account_name, sas_token, account_key, protocol, endpoint
        )
        self.file_service = None


@known_as("azureml.core.datastore")
class Datastore:
    """Looks a datastore up: `Datastore(workspace, name)` gives one of the classes above."""

    def __new__(cls, workspace: "Any", name: "str | None" = None) -> "Any":
        return default(workspace) if name is None else get(workspace, name)

    def __init__(self, workspace: "Any", name: "str | None" = None) -> None:
        pass

    @staticmethod
    def get(workspace: "Any", datastore_name: str) -> "Any":
        """The datastore of that name."""
        return get(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: "Any") -> "Any":
        """The workspace's default datastore."""
        return default(workspace)

    def set_as_default(self) -> None:
        """Make it the workspace's default."""

    def unregister(self) -> None:
        """The workspace's own datastores stay."""


def home(workspace: "Any") -> str:
    """The folder that holds the datastores of a workspace."""
    return os.path.join(workspace._server.home, "datastores", workspace.name)


def get(workspace: "Any", name: str) -> "Any":
    """A datastore by its name."""
    if name not in NAMES:
        raise UserErrorException(
            "Could not find datastore {} in workspace {}; there are {}".format(name, workspace.name, ", ".join(NAMES))
        )
    kind = AzureBlobDatastore if name == NAMES[0] else AzureFileDatastore
    made = kind(workspace, name, None, None)
    os.makedirs(made._folder, exist_ok=True)
    return made


def listed(workspace: "Any") -> "dict[str, Any]":
    """All datastores by name."""
    return {name: get(workspace, name) for name in NAMES}


def default(workspace: "Any") -> "Any":
    """The default datastore."""
    return get(workspace, _chosen(workspace))


def set_default(workspace: "Any", name: str) -> None:
    """Chooses the default datastore."""
    get(workspace, name)
    with open(os.path.join(home(workspace), ".default"), "w", encoding="utf-8") as file:
        file.write(name)


def _chosen(workspace: "Any") -> str:
    try:
        with open(os.path.join(home(workspace), ".default"), encoding="utf-8") as file:
            return file.read().strip() or NAMES[0]
    except OSError:
        return NAMES[0]


def inside(folder: str, relative: str) -> str:
    """A path below a folder; one that leads out of it is refused."""
    path = os.path.normpath(os.path.join(folder, relative.lstrip("/")))
    if path != folder and not path.startswith(folder + os.sep):
        raise UserErrorException("The path {} leads out of the datastore".format(relative))
    return path


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    # Beside its place first: a copy that is cut short must not be taken for the file.
    fresh = "{}.{}.new".format(target, os.getpid())
    shutil.copyfile(source, fresh)
    os.replace(fresh, target)


def _shown(folder: str, path: str) -> str:
    return os.path.relpath(path, folder)


def _teller(show: bool) -> "Any":
    return print if show else (lambda text: None)
