"""Outhaul: run training scripts on the compute that you have.

    from outhaul import Workspace          # submit runs, follow them, attach targets
    from outhaul.run import Run            # inside a script: log metrics, keep files

Names of this package are imported when they are first used: inside a run everything imported here is paid for by
every run.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outhaul.arrays import RunArray as RunArray
    from outhaul.environment import Environment as Environment
    from outhaul.errors import OuthaulError as OuthaulError
    from outhaul.errors import RunFailedError as RunFailedError
    from outhaul.errors import ServiceFailedError as ServiceFailedError
    from outhaul.models import Model as Model
    from outhaul.services import Service as Service
    from outhaul.submitted import Run as Run
    from outhaul.targets import Target as Target
    from outhaul.tracked import TrackedRun as TrackedRun
    from outhaul.workspace import Workspace as Workspace

_PLACES = {
    "Environment": "environment",
    "Model": "models",
    "OuthaulError": "errors",
    "Run": "submitted",
    "RunArray": "arrays",
    "RunFailedError": "errors",
    "Service": "services",
    "ServiceFailedError": "errors",
    "Target": "targets",
    "TrackedRun": "tracked",
    "Workspace": "workspace",
}
_MODULES = ("aio", "errors", "target")


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None and name not in _MODULES:
        raise AttributeError(f"module 'outhaul' has no attribute '{name}'")
    from importlib import import_module

    module = import_module("outhaul." + (place or name))
    value = module if place is None else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted([*globals(), *_PLACES, *_MODULES])
