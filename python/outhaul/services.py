"""The web services of a workspace: models behind an entry script, kept up until they are deleted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional, Sequence, Union

from outhaul._client.scoring import JSON
from outhaul._client.transport import iterate
from outhaul._model import ModelView
from outhaul._ops import given, services
from outhaul._service import ServiceKeys, ServiceView

if TYPE_CHECKING:
    import ssl

    from outhaul._client.client import Client
    from outhaul._logs import Logs

PathText = Union[str, "os.PathLike[str]"]


class Service(ServiceView):
    """A web service, as the server described it last; `refresh` asks again."""

    def __init__(self, client: Client, info: Mapping[str, Any]) -> None:
        super().__init__(info)
        self._client = client
        self._workspace = str(info["workspace"])

    def refresh(self) -> Service:
        """Asks the server for its description now."""
        self._take(self._client.block(services.service(self._client.core, self._workspace, self.name)))
        return self

    def wait(self, timeout: Optional[float] = None) -> Service:
        """Waits until what was asked for last answers. `ServiceFailedError`, with the Python traceback, when it does
        not come up; `TimeoutError` after so many seconds.
        """
        self._take(self._client.block(services.wait(self._client.core, self._workspace, self.name, timeout)))
        return self

    def score(
        self,
        data: Any,
        *,
        content_type: str = JSON,
        key: Optional[str] = None,
        context: Optional[ssl.SSLContext] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """Sends a request over its URL and gives the answer: JSON as what it says, anything else as bytes.

        Text and bytes are sent as they are, all else as JSON. Where it asks for a key, the server is asked for one
        unless it is given. `context` says which certificates are trusted for HTTPS. An answer that is an error is a
        `ScoringError`.
        """
        return self._client.block(
            services.score(self._client.core, self._workspace, self, data, content_type, key, context, timeout)
        )

    def logs(self, stream: Optional[str] = None, follow: bool = False) -> Logs:
        """The log of the instance that answers, else of the one that is to, else of the one that failed; as `Run.logs`,
        with `follow` until that instance has ended.
        """
        from outhaul._logs import Logs

        return Logs(lambda: iterate(services.log(self._client.core, self._workspace, self.name, stream, follow)))

    def reload(self, wait: bool = True) -> Service:
        """Takes up the source folder as it is now, without a gap."""
        self._take(self._client.block(services.reload(self._client.core, self._workspace, self.name, wait)))
        return self

    def update(
        self,
        *,
        entry: Optional[PathText] = None,
        models: Optional[Sequence[services.ModelLike]] = None,
        source: Optional[PathText] = None,
        environment: given.EnvironmentLike = None,
        port: Optional[int] = None,
        host: Optional[str] = None,
        workers: Optional[int] = None,
        queue: Optional[int] = None,
        timeout: Union[str, int, float, None] = None,
        max_body: Union[str, int, None] = None,
        cors: Optional[str] = None,
        auth_keys: Optional[bool] = None,
        tls_cert: Optional[PathText] = None,
        tls_key: Optional[PathText] = None,
        variables: Optional[Mapping[str, object]] = None,
        tags: Optional[Mapping[str, object]] = None,
        description: Optional[str] = None,
        wait: bool = True,
    ) -> Service:
        """Changes it without a gap, by the names of `Workspace.deploy`; what is not named stays. When what is asked for
        does not come up, what was there goes on, and `ServiceFailedError` has the traceback.
        """
        asked = services.wishes(
            entry=entry,
            models=models,
            source=source,
            environment=environment,
            port=port,
            host=host,
            workers=workers,
            queue=queue,
            timeout=timeout,
            max_body=max_body,
            cors=cors,
            auth_keys=auth_keys,
            tls_cert=tls_cert,
            tls_key=tls_key,
            variables=variables,
            tags=tags,
            description=description,
        )
        self._take(self._client.block(services.update(self._client.core, self._workspace, self.name, asked, wait)))
        return self

    def keys(self) -> ServiceKeys:
        """The keys that callers may give: `primary` and `secondary`."""
        return self._client.block(services.keys(self._client.core, self._workspace, self.name))

    def renew_key(self, which: str, wait: bool = True) -> ServiceKeys:
        """Makes one anew, `primary` or `secondary`, while the other works. With `wait` the new one counts when this
        returns.
        """
        return self._client.block(services.renew_key(self._client.core, self._workspace, self.name, which, wait))

    def delete(self, wait: bool = True) -> None:
        """Takes no more connections, answers what has arrived, and removes it."""
        self._client.block(services.delete(self._client.core, self._workspace, self.name, wait))


class Services:
    """The web services of a workspace: walk over them, by name, or take one by `["name"]`; `Workspace.deploy`
    makes another.
    """

    def __init__(self, client: Client, workspace: Optional[str]) -> None:
        self._client = client
        self._workspace = workspace

    def list(self, *, tag: Optional[str] = None, model: Union[str, ModelView, None] = None) -> List[Service]:
        """Services by name. `tag` is `name` or `name=value`, `model` one that they have: `name` or `name:version`."""
        told = self._client.block(services.services(self._client.core, self._workspace, tag, model))
        return [Service(self._client, info) for info in told]

    def get(self, name: str) -> Service:
        """The one of this name."""
        return Service(self._client, self._client.block(services.service(self._client.core, self._workspace, name)))

    def __getitem__(self, name: str) -> Service:
        return self.get(name)

    def __iter__(self) -> Iterator[Service]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def __repr__(self) -> str:
        return "<Services: `list(services)` shows them, `ws.deploy(name, entry=...)` makes another>"
