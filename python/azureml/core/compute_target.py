"""The compute targets of before 2019, and the exception that scripts import from here."""

from outhaul_azureml.errors import ComputeTargetException
from outhaul_azureml.planned import fill as _fill

__all__ = ["ComputeTargetException"]

_fill(__name__, globals())
