"""Models; web services are planned."""

from outhaul_azureml.model.model import Model
from outhaul_azureml.model.paths import MODELS_DIR
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "MODELS_DIR",
    "Model",
]

_fill(__name__, globals())
