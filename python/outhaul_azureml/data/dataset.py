"""Datasets: what all have (`AbstractDataset`), datasets of files, and how both are given to a run."""

import os
import random
import shutil
import tempfile

from outhaul_azureml.data import paths
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@known_as("azureml.data.dataset_consumption_config")
class DatasetConsumptionConfig:
    """A dataset as an input of a run: under a name, mounted, downloaded, or as it is (`direct`)."""

    def __init__(self, name: str, dataset: "Any", mode: str = "direct", path_on_compute: "str | None" = None) -> None:
        self._name = name
        self.dataset = dataset
        self.mode = mode
        self.path_on_compute = path_on_compute

    @property
    def name(self) -> str:
        """The input's name."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    @property
    def arg_val(self) -> str:
        """What stands for it among arguments until the run is submitted."""
        return str(self)

    def as_mount(self, path_on_compute: "str | None" = None) -> "DatasetConsumptionConfig":
        """Its files at a path."""
        return DatasetConsumptionConfig(self._name, self.dataset, "mount", path_on_compute)

    def as_download(self, path_on_compute: "str | None" = None) -> "DatasetConsumptionConfig":
        """Copies of its files at a path."""
        return DatasetConsumptionConfig(self._name, self.dataset, "download", path_on_compute)

    def __str__(self) -> str:
        return "DatasetConsumptionConfig:{}".format(self._name)


@known_as("azureml.data.abstract_dataset")
class AbstractDataset:
    """What all datasets have. A dataset never changes: what looks like a change makes another."""

    def __init__(self) -> None:
        self._definition = {}  # type: dict[str, Any]
        self._registration = {}  # type: dict[str, Any]
        self._workspace = None  # type: Any

    def __repr__(self) -> str:
        return "{}(name={!r}, version={!r})".format(type(self).__name__, self.name, self.version)

    @property
    def id(self) -> "str | None":
        """Its id, once it is registered."""
        return self._registration.get("id")

    @property
    def name(self) -> "str | None":
        """Its name, once it is registered."""
        return self._registration.get("name")

    @property
    def version(self) -> "int | None":
        """Its version, once it is registered."""
        return self._registration.get("version")

    @property
    def description(self) -> "str | None":
        """Its description."""
        return self._registration.get("description")

    @property
    def tags(self) -> "dict[str, str]":
        """Its tags."""
        return dict(self._registration.get("tags") or {})

    @property
    def partition_keys(self) -> "list[str]":
        """Partitions are not read."""
        return []

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """An input of a run under this name."""
        if not name.isidentifier():
            raise UserErrorException(
                "Invalid name {!r}: it has letters, digits and _, and does not begin with a digit".format(name)
            )
        return DatasetConsumptionConfig(name, self)

    # Registered datasets

    @staticmethod
    def get_by_name(workspace: "Any", name: str, version: "Any" = "latest", **kwargs: "Any") -> "Any":
        """A registered dataset."""
        from outhaul_azureml.data import registry

        return registry.get(workspace, name, version)

    @staticmethod
    def get_by_id(workspace: "Any", id: str, **kwargs: "Any") -> "Any":
        """A registered dataset by its id."""
        from outhaul_azureml.data import registry

        return registry.get_by_id(workspace, id)

    @staticmethod
    def get_all(workspace: "Any") -> "dict[str, Any]":
        """All registered datasets by name, in their newest versions."""
        from outhaul_azureml.data import registry

        return registry.listed(workspace)

    def register(
        self,
        workspace: "Any",
        name: str,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        create_new_version: bool = False,
    ) -> "Any":
        """Keep it in the workspace under a name."""
        from outhaul_azureml.data import registry

        return registry.register(workspace, self, name, description, tags, create_new_version)

    def update(self, description: "str | None" = None, tags: "dict[str, str] | None" = None) -> "Any":
        """Change the description and tags of a registered dataset."""
        from outhaul_azureml.data import registry

        change = {"description": description, "tags": tags}
        return registry.change(self, {key: value for key, value in change.items() if value is not None})

    def add_tags(self, tags: "dict[str, str] | None" = None) -> "Any":
        """Add tags to a registered dataset."""
        return self.update(tags=dict(self.tags, **(tags or {})))

    def remove_tags(self, tags: "list[str] | None" = None) -> "Any":
        """Remove tags of a registered dataset."""
        return self.update(tags={key: value for key, value in self.tags.items() if key not in (tags or [])})

    def unregister_all_versions(self) -> None:
        """Forget it under its name."""
        from outhaul_azureml.data import registry

        registry.remove(self)

    def _with(self, **changes: "Any") -> "Any":
        made = type(self)()
        made._definition = dict(self._definition, **changes)
        return made


@known_as("azureml.data.file_dataset")
class FileDataset(AbstractDataset):
    """Files."""

    def _files(self) -> "list[tuple[str, str]]":
        found = paths.files(self._definition["paths"])
        chosen = self._definition.get("names")
        return found if chosen is None else [one for one in found if one[0] in set(chosen)]

    def to_path(self) -> "list[str]":
        """The names of its files, each with a slash before it."""
        return ["/" + name.replace(os.sep, "/") for name, _ in self._files()]

    def download(
        self, target_path: "str | None" = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> "list[str]":
        """Copy its files into a folder and give their paths."""
        folder = target_path or tempfile.mkdtemp()
        written = []
        for name, source in self._files():
            target = os.path.join(folder, name)
            if os.path.exists(target) and not overwrite:
                raise UserErrorException("{} is there already; give overwrite=True".format(target))
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            if paths.is_web(source):
                from urllib.request import urlretrieve

                urlretrieve(source, target)
            else:
                shutil.copyfile(source, target)
            written.append(os.path.abspath(target))
        return written

    def mount(self, mount_point: "str | None" = None, **kwargs: "Any") -> "MountContext":
        """Its files at a folder, from `start()` to `stop()`; they are linked, not copied."""
        return MountContext(self, mount_point)

    def as_mount(self, path_on_compute: "str | None" = None) -> DatasetConsumptionConfig:
        """An input of a run: its files at a path."""
        return DatasetConsumptionConfig(_input_name(self), self, "mount", path_on_compute)

    def as_download(self, path_on_compute: "str | None" = None) -> DatasetConsumptionConfig:
        """An input of a run: copies of its files at a path."""
        return DatasetConsumptionConfig(_input_name(self), self, "download", path_on_compute)

    # Others made of it

    def _of(self, chosen: "list[str]") -> "FileDataset":
        return self._with(names=chosen)  # type: ignore[no-any-return]

    def skip(self, count: int) -> "FileDataset":
        """Without its first files."""
        return self._of([name for name, _ in self._files()][count:])

    def take(self, count: int) -> "FileDataset":
        """Its first files."""
        return self._of([name for name, _ in self._files()][:count])

    def take_sample(self, probability: float, seed: "int | None" = None) -> "FileDataset":
        """Each file with a probability."""
        chance = random.Random(seed)
        return self._of([name for name, _ in self._files() if chance.random() < probability])

    def random_split(self, percentage: float, seed: "int | None" = None) -> "tuple[FileDataset, FileDataset]":
        """Two parts, the first with about this share of the files."""
        chance = random.Random(seed)
        names = [name for name, _ in self._files()]
        first = {name for name in names if chance.random() < percentage}
        return self._of([name for name in names if name in first]), self._of([n for n in names if n not in first])


def _input_name(dataset: AbstractDataset) -> str:
    import hashlib
    import json

    name = dataset.name
    if name and name.isidentifier():
        return name
    text = json.dumps(dataset._definition, sort_keys=True)
    return "input_" + hashlib.sha256(text.encode()).hexdigest()[:8]


class MountContext:
    """A dataset's files at a folder."""

    def __init__(self, dataset: FileDataset, mount_point: "str | None") -> None:
        self._dataset = dataset
        self._own = mount_point is None
        self.mount_point = mount_point or tempfile.mkdtemp()

    def start(self) -> None:
        """Put the files there."""
        link(self._dataset, self.mount_point)

    def stop(self) -> None:
        """Take them away."""
        for name, _ in self._dataset._files():
            path = os.path.join(self.mount_point, name)
            if os.path.islink(path):
                os.unlink(path)
        if self._own:
            shutil.rmtree(self.mount_point, ignore_errors=True)

    def __enter__(self) -> "MountContext":
        self.start()
        return self

    def __exit__(self, *_: "Any") -> None:
        self.stop()


def link(dataset: FileDataset, folder: str) -> None:
    """Links a dataset's files into a folder; what is in the web is fetched."""
    for name, source in dataset._files():
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            continue
        if paths.is_web(source):
            from urllib.request import urlretrieve

            urlretrieve(source, target)
        else:
            os.symlink(source, target)


@known_as("azureml.data.dataset_factory")
class FileDatasetFactory:
    """Makes datasets of files: `Dataset.File`."""

    @staticmethod
    def from_files(
        path: "Any", validate: bool = True, partition_format: "str | None" = None, is_file: bool = False
    ) -> FileDataset:
        """The files at a path: a folder, a file, a pattern, (datastore, path), an address, or a list of those."""
        if partition_format is not None:
            from outhaul_azureml.planned import not_yet

            raise not_yet("azureml.data.dataset_factory.FileDatasetFactory.from_files(partition_format=...)")
        made = FileDataset()
        made._definition = {"kind": "file", "paths": paths.real(path)}
        if validate:
            paths.check(made._definition["paths"], made._files())
        return made

    @staticmethod
    def upload_directory(
        src_dir: str, target: "Any", pattern: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Copy a folder to a datastore and make a dataset of it there."""
        import fnmatch

        store, relative = target if isinstance(target, tuple) else (target._datastore, target.path_on_datastore)
        found = [os.path.join(where, name) for where, _, names in os.walk(src_dir) for name in names]
        if pattern:
            found = [one for one in found if fnmatch.fnmatch(os.path.relpath(one, src_dir), pattern)]
        store.upload_files(sorted(found), src_dir, relative, overwrite, show_progress)
        return FileDatasetFactory.from_files((store, relative))
