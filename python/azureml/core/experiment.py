"""Experiments."""

from outhaul_azureml.run.experiment import Experiment, ViewType
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "Experiment",
    "ViewType",
]

_fill(__name__, globals())
