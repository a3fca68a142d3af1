"""Outhaul sends nothing to anybody; the switch is taken and passed over."""

from outhaul_azureml.widgets import set_diagnostics_collection

__all__ = ["set_diagnostics_collection"]
