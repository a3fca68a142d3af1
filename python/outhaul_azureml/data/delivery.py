"""How data reaches a run: arguments and variables in place of datasets and references."""

import hashlib
import json
import logging
import os

from outhaul_azureml.config.sections import DataReferenceConfiguration
from outhaul_azureml.data import dataset, paths, staging, stores
from outhaul_azureml.data.references import DataReference
from outhaul_azureml.data.tabular import TabularDataset
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_log = logging.getLogger("azureml.data")
_VARIABLE = "$AZUREML_DATAREFERENCE_"
_ELSEWHERE = "writing to the datastore from other machines and containers is planned; write to ./outputs"


class Inputs:
    """The inputs of one submission. A process on this machine reads them where they are; to other machines and into
    containers they travel with the code.
    """

    def __init__(self, workspace: "Any", run_config: "Any", local: bool) -> None:
        self._local = local
        self.travelling = {}  # type: dict[str, list[tuple[str, str]]]
        self._variables = {}  # type: dict[str, str]
        for name, one in (run_config.data_references or {}).items():
            if isinstance(one, DataReference):
                self._reference(one, name)
            elif isinstance(one, DataReferenceConfiguration):
                store = stores.get(workspace, one.data_store_name or "")
                self._reference(DataReference(store, name, one.path_on_data_store, one.mode, one.path_on_compute), name)
        for name, one in (run_config.data or {}).items():
            if isinstance(one, dataset.DatasetConsumptionConfig):
                self._dataset(one)
            else:
                raise not_yet("azureml.core.runconfig.Data", "give dataset.as_named_input(...) as an argument")
        if run_config.output_data:
            raise not_yet("azureml.core.runconfig.OutputData", "outputs to datastores are planned; write to ./outputs")

    def argument(self, value: "Any") -> "Any":
        """An argument as the script gets it."""
        if isinstance(value, dataset.DatasetConsumptionConfig):
            return self._dataset(value)
        if isinstance(value, DataReference):
            return self._reference(value, value.data_reference_name)
        if isinstance(value, dataset.AbstractDataset):
            raise UserErrorException(
                "A dataset cannot be an argument itself; use dataset.as_named_input(...), with as_mount() or "
                "as_download() for files"
            )
        if isinstance(value, str) and value.startswith(_VARIABLE):
            # A reference that was made a text: v1 puts the path in its place when the run starts.
            name = value[1:].split("/", 1)[0]
            if name in self._variables:
                return self._variables[name] + value[1 + len(name) :]
        if getattr(type(value), "__outhaul_planned__", False):
            raise not_yet("{}.{}".format(type(value).__module__, type(value).__name__))
        return value

    def variables(self) -> "dict[str, str]":
        """The variables by which the script's process finds them."""
        return self._variables

    def _reference(self, one: DataReference, name: str) -> str:
        self._told(one.path_on_compute)
        path = stores.inside(one.datastore._folder, one.path_on_datastore or "")
        if one.mode == "upload":
            if not self._local:
                raise not_yet("azureml.data.data_reference.DataReference.as_upload", _ELSEWHERE)
            os.makedirs(path, exist_ok=True)
        if not self._local:
            path = self._sent(name, [path])
        self._variables["AZUREML_DATAREFERENCE_" + name] = path
        return path

    def _told(self, path_on_compute: "str | None") -> None:
        if path_on_compute:
            _log.warning("path_on_compute %s has no effect: the script gets the path as argument", path_on_compute)

    def _dataset(self, one: "dataset.DatasetConsumptionConfig") -> str:
        self._told(one.path_on_compute)
        asked = one.dataset
        if isinstance(asked, TabularDataset):
            definition = asked._definition
            if not self._local:
                self._sent(one.name, definition["paths"])
                sent = "{}/{}".format(staging.FOLDER, one.name)
                definition = dict(definition, paths=[sent + "/" + name for name, _ in self.travelling[one.name]])
            self._variables["AZUREML_DATASET_" + one.name] = json.dumps(definition)
            return one.name
        path = _where(asked) if self._local else self._sent(one.name, asked._definition["paths"], asked._files())
        self._variables["AZUREML_DATAREFERENCE_" + one.name] = path
        return path

    def _sent(self, name: str, asked: "list[str]", files: "list[tuple[str, str]] | None" = None) -> str:
        """Notes files that travel, and gives the path at which the script finds them."""
        found = paths.files(asked) if files is None else files
        paths.check(asked, found)
        self.travelling[name] = found
        return staging.place(name, found, single=len(asked) == 1 and os.path.isfile(asked[0]))


def _where(asked: "dataset.FileDataset") -> str:
    """A path at which a dataset's files are: theirs, if they are one file or one folder; else a folder of links."""
    found = asked._definition["paths"]
    if len(found) == 1 and "names" not in asked._definition and os.path.exists(found[0]):
        return str(found[0])
    from outhaul._client.program import data_folder

    text = json.dumps(asked._definition, sort_keys=True)
    folder = os.path.join(
        data_folder(os.environ), "datastores", ".inputs", hashlib.sha256(text.encode()).hexdigest()[:32]
    )
    dataset.link(asked, folder)
    return folder
