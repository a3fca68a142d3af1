"""Scripts to be run."""

from outhaul_azureml.config.script_run_config import ScriptRunConfig
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "ScriptRunConfig",
]

_fill(__name__, globals())
