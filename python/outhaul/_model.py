"""What the API tells, as objects: runs, targets, files, metrics. Pure; shared by `outhaul` and `outhaul.aio`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Union

if TYPE_CHECKING:
    from datetime import datetime

ENDED = ("Completed", "Failed", "Canceled")
"""The states in which a run stays."""

Number = Union[int, float]


def moment(text: Optional[str]) -> Optional[datetime]:
    """A time of the API, in UTC."""
    if not text:
        return None
    from datetime import datetime, timezone

    whole, _, fraction = text.rstrip("Z").partition(".")
    parsed = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return parsed.replace(microsecond=int((fraction + "000000")[:6]), tzinfo=timezone.utc)


class Failure(NamedTuple):
    """Why a run failed: whose fault it is (`user`, `environment`, `target`, `system`), what happened, what to do."""

    failure_class: str
    message: str
    hint: Optional[str]


class Output(NamedTuple):
    """A file that a run left."""

    path: str
    size: int
    hash: str


class Check(NamedTuple):
    """One check of a compute target: `ok`, `warning` or `failed`, what was found, and what to do."""

    name: str
    status: str
    message: str
    fix: Optional[str]


class Experiment(NamedTuple):
    """An experiment."""

    name: str
    runs: int
    last_run_at: Optional[datetime]


class Event(NamedTuple):
    """One entry of a run's event log."""

    seq: int
    at: Optional[datetime]
    kind: str
    event: Dict[str, Any]


class RunView:
    """A run as the server described it last."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info: Dict[str, Any] = dict(info)

    def _known(self) -> Dict[str, Any]:
        """The description that properties read."""
        return self._info

    def _part(self, key: str) -> Any:
        """A part of the description that lists of runs leave out."""
        known = self._known()
        if key not in known:
            raise AttributeError(f"`{key}` is not told in a list of runs: `await run.refresh()` fetches it")
        return known[key]

    @property
    def id(self) -> str:
        """Its id, 16 characters."""
        return str(self._info["id"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._known()["name"])

    @property
    def experiment(self) -> str:
        """The experiment that it belongs to."""
        return str(self._info["experiment"])

    @property
    def target(self) -> str:
        """The compute target that it runs on."""
        return str(self._info["target"])

    @property
    def state(self) -> str:
        """`NotStarted`, `Queued`, `Provisioning`, `Preparing`, `Starting`, `Running`, `Finalizing`,
        `CancelRequested`, `Completed`, `Failed` or `Canceled`.
        """
        return str(self._known()["state"])

    @property
    def has_ended(self) -> bool:
        """Whether the run is `Completed`, `Failed` or `Canceled`."""
        return self.state in ENDED

    @property
    def tags(self) -> Dict[str, str]:
        """Its tags and properties."""
        return dict(self._known().get("tags") or {})

    @property
    def created_at(self) -> Optional[datetime]:
        """When it was submitted."""
        return moment(self._info.get("created_at"))

    @property
    def started_at(self) -> Optional[datetime]:
        """When its process was first seen; None before."""
        return moment(self._known().get("started_at"))

    @property
    def ended_at(self) -> Optional[datetime]:
        """When it ended; None before."""
        return moment(self._known().get("ended_at"))

    @property
    def seconds(self) -> Optional[float]:
        """How long its process ran, once it has ended."""
        ran = self._known().get("ran_ms")
        return None if ran is None else ran / 1000

    @property
    def exit_code(self) -> Optional[int]:
        """The script's exit code; None where it has none (yet)."""
        known = self._known()
        if "exit_code" in known:
            return _whole(known["exit_code"])
        ended = self._part("exit") or {}
        return _whole(ended.get("code"))

    @property
    def failure(self) -> Optional[Failure]:
        """Why it failed."""
        failure = self._part("failure")
        return Failure(failure["class"], failure["message"], failure.get("hint")) if failure else None

    @property
    def waiting_for(self) -> Optional[str]:
        """For what it waits now, in words; None when it does not wait."""
        waiting = self._part("waiting")
        return str(waiting["reason"]) if waiting else None

    @property
    def parent(self) -> Optional[str]:
        """The id of the run that this is a child of."""
        parent = self._part("parent")
        return None if parent is None else str(parent)

    @property
    def array_index(self) -> Optional[int]:
        """Its index in its array; None when it belongs to none."""
        element = (self._part("spec") or {}).get("array")
        return None if element is None else int(element["index"])

    @property
    def info(self) -> Dict[str, Any]:
        """Everything that the API tells about it: see docs/openapi.json, `Run`."""
        return dict(self._known())

    def __repr__(self) -> str:
        return f"<Run {self.id[:8]} {self._info['name']!r} {self._info['state']} on {self.target}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunView) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


def _whole(value: object) -> Optional[int]:
    return value if isinstance(value, int) else None


class ArrayView:
    """An array of runs as the server described it last."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info: Dict[str, Any] = dict(info)

    def _elements(self) -> List[Dict[str, Any]]:
        return list(self._info["runs"])

    def _ids(self) -> List[str]:
        return [str(element["run"]["id"]) for element in self._elements()]

    def _element(self, index: int) -> Dict[str, Any]:
        for element in self._elements():
            if element["index"] == index:
                return element
        raise IndexError(f"array `{self.id}` has no run with the index {index}: it has {self._info['array']}")

    @property
    def id(self) -> str:
        """Its id, which is that of its first run."""
        return str(self._info["id"])

    @property
    def indexes(self) -> List[int]:
        """Its indexes."""
        return [int(element["index"]) for element in self._elements()]

    @property
    def states(self) -> Dict[str, int]:
        """How many of its runs are in each state."""
        found: Dict[str, int] = {}
        for element in self._elements():
            state = str(element["run"]["state"])
            found[state] = found.get(state, 0) + 1
        return found

    @property
    def has_ended(self) -> bool:
        """Whether all its runs are `Completed`, `Failed` or `Canceled`."""
        return all(state in ENDED for state in self.states)

    @property
    def info(self) -> Dict[str, Any]:
        """Everything that the API tells about it: see docs/openapi.json, `RunArray`."""
        return dict(self._info)

    def __len__(self) -> int:
        return len(self._info["runs"])

    def __repr__(self) -> str:
        return f"<RunArray {self.id[:8]} {self._info['array']}>"


class TargetView:
    """A compute target as the server described it last."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info: Dict[str, Any] = dict(info)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._info["name"])

    @property
    def kind(self) -> str:
        """Its kind: `local`, `remote`, `slurm`, `hdinsight`."""
        return str(self._info["kind"])

    @property
    def provisioning_state(self) -> str:
        """`Creating`, `Succeeded`, `Failed` or `Deleting`."""
        return str(self._info["provisioning_state"])

    @property
    def address(self) -> Optional[str]:
        """Where it is: `user@address:port`; None for this machine."""
        address = self._info.get("address")
        return None if address is None else str(address)

    @property
    def slots(self) -> int:
        """How many runs it takes at once; 0 where it has a queue of its own."""
        return int(self._info["slots"])

    @property
    def running(self) -> int:
        """How many run now."""
        return int(self._info["running"])

    @property
    def queued(self) -> int:
        """How many wait for a slot."""
        return int(self._info["queued"])

    @property
    def facts(self) -> Dict[str, str]:
        """Facts about it."""
        return dict(self._info.get("facts") or {})

    @property
    def info(self) -> Dict[str, Any]:
        """Everything that the API tells about it: see docs/openapi.json, `Target`."""
        return dict(self._info)

    def __repr__(self) -> str:
        return f"<Target {self.name!r} {self.kind} {self.provisioning_state}>"


class ModelView:
    """A version of a model as the server described it last."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info: Dict[str, Any] = dict(info)

    def _take(self, info: Mapping[str, Any]) -> None:
        self._info = dict(info)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._info["name"])

    @property
    def version(self) -> int:
        """Its version, counted from 1."""
        return int(self._info["version"])

    @property
    def id(self) -> str:
        """Name and version: `churn:2`."""
        return f"{self.name}:{self.version}"

    @property
    def tags(self) -> Dict[str, str]:
        """Tags; `update` changes them."""
        return dict(self._info["tags"])

    @property
    def properties(self) -> Dict[str, str]:
        """Facts that are set once and stay."""
        return dict(self._info["properties"])

    @property
    def description(self) -> Optional[str]:
        """What it is, in words."""
        return _text(self._info.get("description"))

    @property
    def framework(self) -> Optional[str]:
        """The framework that it was made with."""
        return _text(self._info.get("framework"))

    @property
    def framework_version(self) -> Optional[str]:
        """That framework's version."""
        return _text(self._info.get("framework_version"))

    @property
    def run_id(self) -> Optional[str]:
        """The run that it comes from, where it comes from one."""
        return _text(self._info["origin"].get("run"))

    @property
    def experiment(self) -> Optional[str]:
        """The experiment of that run."""
        return _text(self._info["origin"].get("experiment"))

    @property
    def entry(self) -> str:
        """Name of the file or folder that was registered."""
        return str(self._info["files"]["entry"])

    @property
    def size(self) -> int:
        """The size of its files together, in bytes."""
        return int(self._info["files"]["bytes"])

    @property
    def created_at(self) -> Optional[datetime]:
        """When it was registered."""
        return moment(self._info["created_at"])

    @property
    def info(self) -> Dict[str, Any]:
        """Everything that the API tells about it: see docs/openapi.json, `Model`."""
        return dict(self._info)

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<Model {self.id}>"


def _text(value: object) -> Optional[str]:
    return None if value is None else str(value)


def checks_of(told: Iterable[Mapping[str, Any]]) -> List[Check]:
    """Checks as the API tells them."""
    return [Check(check["name"], check["status"], check["message"], check.get("fix")) for check in told]


class Series(NamedTuple):
    """One metric over steps: what was logged with `log`, in order; texts are left out."""

    steps: List[Number]
    values: List[float]
    times: List[float]


class Metrics(Mapping[str, Any]):
    """The metrics of a run by name, in the shapes of `Run.get_metrics` inside a run: one value as itself, several as a
    list, one row as a dict, more as a dict of lists.

    `series` gives a curve, `records` all that was logged, in order.
    """

    def __init__(self, records: List[Dict[str, Any]]) -> None:
        from outhaul._metrics import shapes

        self.records = records
        self._shapes: Dict[str, Any] = shapes(records)

    def __getitem__(self, name: str) -> Any:
        return self._shapes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __repr__(self) -> str:
        return f"Metrics({self._shapes!r})"

    def series(self, name: str) -> Series:
        """The curve of a metric: steps where the script gave them, else counted from 0."""
        found = Series([], [], [])
        for record in self.records:
            if record["name"] != name or record["kind"] not in ("scalar", "list"):
                continue
            logged = record["value"] if record["kind"] == "list" else [record["value"]]
            for value in logged:
                number = as_number(value)
                if number is not None:
                    step = record.get("step")
                    found.steps.append(len(found.values) if step is None else step)
                    found.values.append(number)
                    found.times.append(float(record.get("time") or 0.0))
        if name not in self._shapes:
            raise KeyError(name)
        return found

    def _repr_html_(self) -> str:
        from outhaul._display import metrics_html

        return metrics_html(self)


def as_number(value: object) -> Optional[float]:
    """A value of a metric as a number; None for a text."""
    if isinstance(value, (int, float)):
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(str(value))
    return None
