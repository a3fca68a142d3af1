"""The same package for asyncio: `from outhaul.aio import Workspace`; what asks the server is awaited.

    ws = Workspace()
    run = await ws.run("train.py", environment="environment.yml")
    async for line in run.logs(follow=True):
        print(line)
    print(await run.metrics())

One connection or process of the event loop for each request that is under way, and no threads (asyncio's own watcher
of child processes uses one while a run is submitted, on Pythons and systems without pidfd). Properties of a run are
those of the last answer; `await run.refresh()` asks again.
"""

from outhaul.aio.arrays import RunArray as RunArray
from outhaul.aio.models import Model as Model
from outhaul.aio.models import Models as Models
from outhaul.aio.services import Service as Service
from outhaul.aio.services import Services as Services
from outhaul.aio.submitted import Run as Run
from outhaul.aio.targets import Target as Target
from outhaul.aio.targets import Targets as Targets
from outhaul.aio.tracked import TrackedRun as TrackedRun
from outhaul.aio.workspace import Workspace as Workspace

__all__ = ["Model", "Models", "Run", "RunArray", "Service", "Services", "Target", "Targets", "TrackedRun", "Workspace"]
