"""Estimators, which v1 had given up: use `ScriptRunConfig`."""

from outhaul_azureml.unlisted import SKLearn

__all__ = ["SKLearn"]
