"""Models, and what they are deployed with."""

from outhaul_azureml.model.model import Model
from outhaul_azureml.model.paths import MODELS_DIR
from outhaul_azureml.planned import fill as _fill
from outhaul_azureml.service.inference import InferenceConfig

__all__ = [
    "InferenceConfig",
    "MODELS_DIR",
    "Model",
]

_fill(__name__, globals())
