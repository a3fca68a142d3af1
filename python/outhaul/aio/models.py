"""The models of a workspace for asyncio; see `outhaul.models`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Union

from outhaul._model import ModelView, Output
from outhaul._ops import given, models

if TYPE_CHECKING:
    from outhaul._client.client import AsyncClient

PathText = Union[str, "os.PathLike[str]"]


class Model(ModelView):
    """A version of a model, as the server described it last; `await model.refresh()` asks again."""

    def __init__(self, client: AsyncClient, workspace: Optional[str], info: Mapping[str, Any]) -> None:
        super().__init__(info)
        self._client = client
        self._workspace = workspace

    async def refresh(self) -> Model:
        """Asks the server for its description now."""
        self._take((await models.model(self._client.core, self._workspace, self.id))["model"])
        return self

    async def files(self) -> List[Output]:
        """Its files."""
        told = await models.model(self._client.core, self._workspace, self.id)
        return [Output(file["path"], file["size"], file["hash"]) for file in told["contents"]]

    async def lineage(self) -> Optional[Dict[str, Any]]:
        """Where it comes from, where that is a run: the run, its experiment, its code and its environment's lock."""
        told = await models.model(self._client.core, self._workspace, self.id)
        return told.get("lineage")

    async def read(self, path: str) -> bytes:
        """The content of one of its files: `model.read("model.pkl")`."""
        return await models.read_model(self._client.core, self._workspace, self.id, path)

    async def download(self, folder: PathText = ".", force: bool = False) -> str:
        """Writes its files into a folder, each checked against its hash, and gives the path of the file or folder that
        was registered. What is there already is written over only with `force`.
        """
        return await models.download_model(self._client.core, self._workspace, self.id, folder, force)

    async def update(
        self,
        *,
        tags: Optional[Mapping[str, object]] = None,
        remove_tags: Sequence[str] = (),
        properties: Optional[Mapping[str, object]] = None,
        description: Optional[str] = None,
    ) -> Model:
        """Sets and removes tags, adds properties, and sets the description, all or none. A property is set once."""
        change = models.model_change(tags, remove_tags, properties, description)
        self._take(await models.change_model(self._client.core, self._workspace, self.id, change))
        return self

    async def delete(self) -> None:
        """Deletes this version; its number is not given again."""
        await models.delete_model(self._client.core, self._workspace, self.id)


class Models:
    """The models of a workspace: `list` and `get` them, or `register` another."""

    def __init__(self, client: AsyncClient, workspace: Optional[str]) -> None:
        self._client = client
        self._workspace = workspace

    async def register(
        self,
        name: str,
        path: PathText,
        *,
        run: given.RunLike = None,
        tags: Optional[Mapping[str, object]] = None,
        properties: Optional[Mapping[str, object]] = None,
        description: Optional[str] = None,
        framework: Optional[str] = None,
        framework_version: Optional[str] = None,
    ) -> Model:
        """Keeps a file or folder as the next version of a name: one of this machine, or with `run` one among the outputs
        of that run, of which nothing is copied.
        """
        asked = models.registration(name, path, run, tags, properties, description, framework, framework_version)
        told = await models.register_model(self._client.core, self._workspace, asked)
        return Model(self._client, self._workspace, told)

    async def list(
        self,
        *,
        name: Optional[str] = None,
        tag: Optional[str] = None,
        property: Optional[str] = None,
        run: given.RunLike = None,
        framework: Optional[str] = None,
        latest: bool = False,
    ) -> List[Model]:
        """Models, newest first. `tag` and `property` are `name` or `name=value`; with `latest` of each name only the
        newest of those that the rest leaves.
        """
        query = models.model_query(name, tag, property, run, framework, latest)
        told = await models.models(self._client.core, self._workspace, query)
        return [Model(self._client, self._workspace, info) for info in told]

    async def get(self, name: str, version: Optional[int] = None) -> Model:
        """The one of this name, `name:version` too; the newest version when none is given."""
        told = await models.model(self._client.core, self._workspace, models.model_id(name, version))
        return Model(self._client, self._workspace, told["model"])

    def __repr__(self) -> str:
        return "<Models: `await models.list()` shows them, `await models.register(name, path)` keeps another>"
