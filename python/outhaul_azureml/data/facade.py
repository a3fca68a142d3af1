"""`Dataset`: the name under which people make datasets. The old definitions of before 2020 are named as planned."""

from outhaul_azureml.data.dataset import AbstractDataset, FileDatasetFactory
from outhaul_azureml.data.tabular import TabularDatasetFactory
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AbstractDataset.Tabular = TabularDatasetFactory  # type: ignore[attr-defined]
AbstractDataset.File = FileDatasetFactory  # type: ignore[attr-defined]


@known_as("azureml.core.dataset")
class Dataset:
    """Makes datasets and finds registered ones."""

    Tabular = TabularDatasetFactory
    File = FileDatasetFactory

    class Scenario:
        """What a dataset is used for."""

        TRAINING = "training"
        VALIDATION = "validation"
        INFERENCING = "inferencing"

    get_by_name = staticmethod(AbstractDataset.get_by_name)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_all = staticmethod(AbstractDataset.get_all)

    def __init__(self, definition: "Any", workspace: "Any" = None, name: "Any" = None, id: "Any" = None) -> None:
        from outhaul_azureml.planned import not_yet

        raise not_yet("azureml.core.dataset.Dataset")
