"""The view of a run in a notebook."""

from outhaul_azureml.widgets import RunDetails

__all__ = ["RunDetails"]
