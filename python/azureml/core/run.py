"""Runs."""

from outhaul_azureml.run.inside import InputDatasets, OutputDatasets, _SubmittedRun
from outhaul_azureml.run.model import Run, get_run
from outhaul_azureml.run.offline import _OfflineRun
from outhaul_azureml.run.status import POST_PROCESSING_STATES, RUNNING_STATES, RunStatus
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "InputDatasets",
    "OutputDatasets",
    "POST_PROCESSING_STATES",
    "RUNNING_STATES",
    "Run",
    "RunStatus",
    "_OfflineRun",
    "_SubmittedRun",
    "get_run",
]

_fill(__name__, globals())
