"""An array for asyncio; see `outhaul.arrays`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional

from outhaul._model import ArrayView
from outhaul._ops import runs
from outhaul.aio.submitted import Run

if TYPE_CHECKING:
    from outhaul._client.client import AsyncClient


class RunArray(ArrayView):
    """An array as it was when it was asked for; `refresh` asks again. Walk over it for its runs, `array[7]` is the run
    with the index 7.
    """

    def __init__(self, client: AsyncClient, info: Mapping[str, Any]) -> None:
        super().__init__(info)
        self._client = client

    @property
    def runs(self) -> List[Run]:
        """Its runs, by index."""
        return [Run(self._client, element["run"]) for element in self._elements()]

    async def refresh(self) -> RunArray:
        """Asks the server for its description now."""
        self._info = await runs.array(self._client.core, self.id)
        return self

    async def wait(self, timeout: Optional[float] = None, raise_on_failure: bool = True) -> RunArray:
        """Waits until all its runs have ended. `RunFailedError`, of the first by index, when one did not end well;
        `TimeoutError` after so many seconds.
        """
        ended = await runs.wait_for_array(self._client.core, self._ids(), timeout)
        await self.refresh()
        if raise_on_failure:
            for info in ended:
                runs.check_ended_well(info)
        return self

    async def cancel(self) -> int:
        """Asks for the end of all its runs; says how many had not ended."""
        return await runs.cancel_array(self._client.core, self.id)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __getitem__(self, index: int) -> Run:
        return Run(self._client, self._element(index)["run"])
