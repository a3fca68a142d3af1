"""Whether a thing of v1 works here: a class, a call, an attribute. By looking at our modules and the table."""

import importlib
import inspect

from outhaul_azureml import plan, planned, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORKS, NOT_YET, UNKNOWN = "works", "not yet", "unknown"


class Verdict:
    """What is said of a use."""

    def __init__(self, status: str, why: str = "") -> None:
        self.status = status
        self.why = why


def load(qualified: str) -> "Any":
    """The thing with this full name in our modules; `None` if there is none."""
    parts = qualified.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))  # type: Any
        except ImportError:
            continue
        for name in parts[count:]:
            found = getattr(found, name, None)
            if found is None:
                return None
        return found
    return None


def full_name(thing: "Any") -> str:
    """The full name of a class of v1."""
    return "{}.{}".format(thing.__module__, thing.__name__)


def of_class(cls: type) -> Verdict:
    """A class that is made or used."""
    name = full_name(cls)
    if getattr(cls, "__outhaul_planned__", False):
        return Verdict(NOT_YET, plan.of(name))
    if getattr(cls, "_kind_planned", False):
        return Verdict(NOT_YET, plan.of(name) + "; it can be described, not attached")
    return Verdict(WORKS)


def of_member(cls: type, name: str) -> Verdict:
    """A method or attribute of a class."""
    qualified = "{}.{}".format(full_name(cls), name)
    whole = of_class(cls)
    if whole.status != WORKS:
        return whole
    member = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    if member is not None:
        if planned.is_planned(member):
            return Verdict(NOT_YET, plan.of(getattr(member, "call", qualified) or qualified))
        return Verdict(WORKS)
    entry = table.owner(cls.__name__, cls.__module__)
    if name in entry.get("attributes", []) or name.startswith("_"):
        return Verdict(WORKS)
    return Verdict(UNKNOWN, "v1 has no such call of {}".format(cls.__name__))


def of_function(thing: "Any") -> Verdict:
    """A function of a module."""
    if planned.is_planned(thing):
        return Verdict(NOT_YET, plan.of(getattr(thing, "call", "")))
    return Verdict(WORKS)


def of_name(qualified: str) -> Verdict:
    """A module, or a name in one, that could not be found."""
    return Verdict(UNKNOWN, "{} is none of the modules that are followed".format(qualified))


def strange_parameters(thing: "Any", given: "list[str]") -> "list[str]":
    """Those of the given parameters that a call does not have."""
    target = thing.__func__ if isinstance(thing, (staticmethod, classmethod)) else thing
    if inspect.isclass(target):
        target = target.__init__
    try:
        known = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return []
    if any(one.kind is one.VAR_KEYWORD for one in known.values()):
        return []
    return [name for name in given if name not in known]
