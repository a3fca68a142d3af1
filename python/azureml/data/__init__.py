"""Data."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "DataReference": "azureml.data.data_reference",
    "DataPath": "azureml.data.datapath",
    "FileDataset": "azureml.data.file_dataset",
    "TabularDataset": "azureml.data.tabular_dataset",
    "DataType": "azureml.data.dataset_factory",
    "OutputFileDatasetConfig": "azureml.data.output_dataset_config",
    "HDFSOutputDatasetConfig": "azureml.data.output_dataset_config",
    "LinkFileOutputDatasetConfig": "azureml.data.output_dataset_config",
    "LinkTabularOutputDatasetConfig": "azureml.data.output_dataset_config",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
