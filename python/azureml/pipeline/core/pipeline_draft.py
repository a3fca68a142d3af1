"""Pipelines: planned."""

from outhaul_azureml.planned import fill as _fill

_fill(__name__, globals())
