"""Automated machine learning: not planned."""

from outhaul_azureml.unlisted import AutoMLConfig

__all__ = ["AutoMLConfig"]
