"""The compute targets of before 2019."""

from outhaul_azureml.planned import fill as _fill

_fill(__name__, globals())
