"""A web service as the API tells it, and its keys. Pure; shared by `outhaul` and `outhaul.aio`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

from outhaul._model import moment

if TYPE_CHECKING:
    from datetime import datetime


class ServiceError(NamedTuple):
    """What went wrong last with a web service: what happened, the end of the instance's log with the Python traceback,
    and the run that it happened to, where it is known.
    """

    message: str
    log: str
    run_id: Optional[str]


class ServiceKeys:
    """The two keys of a web service. They are not shown by `print`."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self.primary = told["primary"]
        self.secondary = told["secondary"]

    def __iter__(self) -> Iterator[str]:
        return iter((self.primary, self.secondary))

    def __repr__(self) -> str:
        return "<ServiceKeys: `primary` and `secondary`>"


class ServiceView:
    """A web service as the server described it last."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info: Dict[str, Any] = dict(info)

    def _take(self, info: Mapping[str, Any]) -> None:
        self._info = dict(info)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._info["name"])

    @property
    def state(self) -> str:
        """`Transitioning`, `Healthy`, `Unhealthy`, `Failed` or `Deleting`."""
        return str(self._info["state"])

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:6789`; requests go to `/score` there."""
        return str(self._info["url"])

    @property
    def target(self) -> str:
        """The compute target that it runs on."""
        return str(self._info["target"])

    @property
    def models(self) -> List[str]:
        """Its models, `churn:2`; those that are not registered by their name alone."""
        told = self._info["spec"]["models"]
        return [f"{one['name']}:{one['version']}" if one["version"] else str(one["name"]) for one in told]

    @property
    def generation(self) -> int:
        """Counts deployment, updates and reloads, from 1."""
        return int(self._info["generation"])

    @property
    def is_changing(self) -> bool:
        """Whether what was asked for last is still being brought up, or what was there before still answers."""
        if self.state in ("Failed", "Deleting"):
            return False
        served = (self._info.get("current") or {}).get("generation")
        return served != self.generation or bool(self._info.get("leaving"))

    @property
    def error(self) -> Optional[ServiceError]:
        """What went wrong last; None when what was asked for last has come up."""
        error = self._info.get("error")
        return ServiceError(error["message"], error.get("log") or "", error.get("run")) if error else None

    @property
    def run_id(self) -> Optional[str]:
        """The run of the instance that answers, else of the one that is to, else of the one that failed."""
        told = self._info.get("current") or self._info.get("next") or self._info.get("error") or {}
        run = told.get("run")
        return None if run is None else str(run)

    @property
    def asks_for_key(self) -> bool:
        """Whether callers have to give a key."""
        return bool(self._info["spec"].get("keys"))

    @property
    def tags(self) -> Dict[str, str]:
        """Tags; `update` changes them."""
        return dict(self._info.get("tags") or {})

    @property
    def description(self) -> str:
        """What it is, in words."""
        return str(self._info.get("description") or "")

    @property
    def created_at(self) -> Optional[datetime]:
        """When it was deployed first."""
        return moment(self._info["created_at"])

    @property
    def updated_at(self) -> Optional[datetime]:
        """When it was last deployed, updated or reloaded."""
        return moment(self._info["updated_at"])

    @property
    def info(self) -> Dict[str, Any]:
        """Everything that the API tells about it: see docs/openapi.json, `WebService`."""
        return dict(self._info)

    def __repr__(self) -> str:
        return f"<Service {self.name!r} {self.state} at {self.url}>"
