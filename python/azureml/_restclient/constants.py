"""Words of the service; the states of runs among them."""

from outhaul_azureml.run.status import RunStatus
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "RunStatus",
]

_fill(__name__, globals())
