"""v1's diagnostic log."""

from outhaul_azureml.widgets import diagnostic_log

__all__ = ["diagnostic_log"]
