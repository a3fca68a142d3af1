"""Runs that were submitted."""

from outhaul_azureml.run.model import ScriptRun

__all__ = [
    "ScriptRun",
]
