"""Estimators, which v1 had given up: use `ScriptRunConfig`."""

from outhaul_azureml.planned import fill as _fill

_fill(__name__, globals())
