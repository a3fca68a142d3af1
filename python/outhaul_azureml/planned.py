"""Calls of v1 that do not work here yet: they exist, with v1's parameters, and raise one error that says so.

`known_as` gives a class of ours its v1 name and fills in what it lacks; `fill` makes a whole module out of the table.
"""

import os
import sys

from outhaul_azureml import table
from outhaul_azureml.errors import AzureMLException, ComputeTargetException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import inspect
    from typing import Any, Callable, TypeVar

    Class = TypeVar("Class", bound=type)


_IN_RUN = bool(os.environ.get("OUTHAUL_RUN_ID"))


class NotYetException(AzureMLException, NotImplementedError):
    """A call of v1 that Outhaul does not have yet; the text names the call and the plan."""

    def __init__(self, exception_message: str, call: str = "", **kwargs: "Any") -> None:
        AzureMLException.__init__(self, exception_message, **kwargs)
        self.call = call


class NotYetComputeException(NotYetException, ComputeTargetException):
    """The same for compute targets, so that `except ComputeTargetException` catches it."""


def sentence(call: str, why: "str | None" = None) -> str:
    """The text of the error for a call."""
    from outhaul_azureml import plan

    return "{} does not work with Outhaul yet: {}".format(call, why or plan.of(call))


def not_yet(call: str, why: "str | None" = None) -> NotYetException:
    """The error for a call, given by its qualified name."""
    kind = NotYetComputeException if call.startswith("azureml.core.compute.") else NotYetException
    return kind(sentence(call, why), call=call)


class Planned:
    """A call that raises `NotYetException`. It shows v1's signature."""

    def __init__(self, call: str, text: str) -> None:
        self.call = call
        self.text = text
        self.__name__ = call.rsplit(".", 1)[-1]
        self.__qualname__ = self.__name__

    def __call__(self, *args: "Any", **kwargs: "Any") -> "Any":
        raise not_yet(self.call)

    def __get__(self, instance: "Any", owner: "Any" = None) -> "Any":
        return self if instance is None else Bound(self)

    @property
    def __signature__(self) -> "inspect.Signature":
        return signature(self.text)


class Bound:
    """A planned method of an object."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.__name__ = planned.__name__

    def __call__(self, *args: "Any", **kwargs: "Any") -> "Any":
        raise not_yet(self.planned.call)


class PlannedAttribute:
    """A property that raises when it is read."""

    def __init__(self, call: str) -> None:
        self.call = call

    def __get__(self, instance: "Any", owner: "Any" = None) -> "Any":
        if instance is None:
            return self
        raise not_yet(self.call)


def is_planned(thing: "Any") -> bool:
    """Whether a function, class or property of ours only raises `NotYetException`."""
    if isinstance(thing, (staticmethod, classmethod)):
        thing = thing.__func__
    return isinstance(thing, (Planned, Bound, PlannedAttribute)) or bool(getattr(thing, "__outhaul_planned__", False))


def planned(function: "Callable[..., Any]") -> "Callable[..., Any]":
    """Marks a function written out here that raises `NotYetException` whatever it is given."""
    function.__outhaul_planned__ = True  # type: ignore[attr-defined]
    return function


class Expression:
    """A default that v1 writes as an expression."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(text: str) -> "inspect.Signature":
    """The signature of a table's entry such as `static (name, value=None)`."""
    import ast
    import inspect

    brackets = text[text.index("(") :]
    arguments = ast.parse("def f{}: pass".format(brackets)).body[0].args  # type: ignore[attr-defined]
    kind = inspect.Parameter
    found = []

    def value(node: "Any") -> "Any":
        try:
            return ast.literal_eval(node)
        except ValueError:
            return Expression(_source(brackets, node))

    bare = len(arguments.args) - len(arguments.defaults)
    for place, one in enumerate(arguments.args):
        given = kind.empty if place < bare else value(arguments.defaults[place - bare])
        found.append(kind(one.arg, kind.POSITIONAL_OR_KEYWORD, default=given))
    if arguments.vararg:
        found.append(kind(arguments.vararg.arg, kind.VAR_POSITIONAL))
    for one, node in zip(arguments.kwonlyargs, arguments.kw_defaults):
        found.append(kind(one.arg, kind.KEYWORD_ONLY, default=kind.empty if node is None else value(node)))
    if arguments.kwarg:
        found.append(kind(arguments.kwarg.arg, kind.VAR_KEYWORD))
    return inspect.Signature(found)


def _source(brackets: str, node: "Any") -> str:
    start = node.col_offset - len("def f")
    return brackets[start : node.end_col_offset - len("def f")]


def known_as(module: str, name: "str | None" = None) -> "Callable[[Class], Class]":
    """A decorator: the class is v1's class of that module; what it lacks of it becomes a planned call."""

    def decorate(cls: "Class") -> "Class":
        cls.__module__ = module
        qualified = "{}.{}".format(module, cls.__name__)
        if _IN_RUN:
            _complete_later(cls, qualified, name or cls.__name__)
        else:
            _complete(cls, qualified, table.owner(name or cls.__name__, module))
        return cls

    return decorate


def _complete_later(cls: type, qualified: str, name: str) -> None:
    """Reads the table when something is missing, not before: every run pays for what is done at import."""
    _later[cls] = (qualified, cls.__module__, name)
    if not hasattr(cls, "__getattr__"):
        cls.__getattr__ = _found_late  # type: ignore[attr-defined]


_later = {}  # type: dict[type, tuple[str, str, str]]


def _found_late(self: "Any", missing: str) -> "Any":
    if not missing.startswith("__"):
        for cls in type(self).__mro__:
            if cls in _later:
                qualified, module, name = _later.pop(cls)
                _complete(cls, qualified, table.owner(name, module))
        if any(missing in vars(base) for base in type(self).__mro__):
            return object.__getattribute__(self, missing)
    raise AttributeError("{!r} object has no attribute {!r}".format(type(self).__name__, missing))


def _complete(cls: type, qualified: str, entry: "dict[str, Any]") -> None:
    for name, text in entry.get("methods", {}).items():
        if not _has(cls, name) and name not in ("__init__",):
            setattr(cls, name, _call("{}.{}".format(qualified, name), text))
    for name in entry.get("properties", []):
        if not _has(cls, name):
            setattr(cls, name, PlannedAttribute("{}.{}".format(qualified, name)))
    for name, value in entry.get("constants", {}).items():
        if not hasattr(cls, name) and not isinstance(value, dict):
            setattr(cls, name, value)


def _has(cls: type, name: str) -> bool:
    return any(name in vars(base) for base in cls.__mro__ if base is not object)


def _call(qualified: str, text: str) -> "Any":
    call = Planned(qualified, text)
    return staticmethod(call) if text.startswith("static") else classmethod(call) if text.startswith("class") else call


def fill(module: str, names: "dict[str, Any]") -> None:
    """Adds to a module's names what v1 has there and the module lacks; in a run when one of them is asked for."""
    if _IN_RUN and "__getattr__" not in names and names.get("__all__"):
        names["__getattr__"] = lambda name: _filled(module, names, name)
        return
    _fill_now(module, names)


def _filled(module: str, names: "dict[str, Any]", name: str) -> "Any":
    if not name.startswith("__"):
        _fill_now(module, names)
        if name in names:
            return names[name]
    raise AttributeError("module {!r} has no attribute {!r}".format(module, name))


def _fill_now(module: str, names: "dict[str, Any]") -> None:
    entry = table.module(module)
    for name, value in entry.get("constants", {}).items():
        if name not in names and name != "__all__" and not _is_expression(value):
            names[name] = value
    for name, text in entry.get("functions", {}).items():
        names.setdefault(name, Planned("{}.{}".format(module, name), text))
    for name, one in entry.get("classes", {}).items():
        if name not in names:
            names[name] = _planned_class(module, name, one, names)


def _is_expression(value: "Any") -> bool:
    return isinstance(value, dict) and list(value) == ["$expr"]


def _planned_class(module: str, name: str, entry: "dict[str, Any]", names: "dict[str, Any]") -> type:
    qualified = "{}.{}".format(module, name)
    bases = tuple(_base(one, names) for one in entry["bases"])
    bases = tuple(one for one in bases if one is not object) or (object,)
    if entry["bases"] == ["Enum"]:
        bases = (object,)
    if any(issubclass(one, BaseException) for one in bases):
        return _exception(module, name, bases, entry)
    body = {
        "__module__": module,
        "__doc__": sentence(qualified),
        "__outhaul_planned__": True,
    }  # type: dict[str, Any]
    if "__init__" in entry["methods"]:
        body["__init__"] = Planned(qualified, entry["methods"]["__init__"])
    elif not any(hasattr(one, "__outhaul_planned__") for one in bases):
        body["__init__"] = Planned(qualified, "(self)")
    for inner, one in entry.get("nested", {}).items():
        body[inner] = _planned_class(module, inner, dict(one, bases=["object"]), names)
    try:
        made = type(name, bases, body)
    except TypeError:  # bases of ours that do not go together
        made = type(name, (object,), body)
    for method, text in entry["methods"].items():
        # What it would inherit from a class that works does not work for it.
        if method != "__init__":
            setattr(made, method, _call("{}.{}".format(qualified, method), text))
    _complete(made, qualified, entry)
    return made


def _exception(module: str, name: str, bases: "tuple[type, ...]", entry: "dict[str, Any]") -> type:
    """An exception of v1 that nothing raises yet; `except` clauses may name it."""

    def init(self: "Any", exception_message: "Any", **kwargs: "Any") -> None:
        AzureMLException.__init__(self, exception_message, **kwargs)

    body = {"__module__": module, "__doc__": "As in v1.", "__init__": init}  # type: dict[str, Any]
    for one in entry.get("properties", []):
        body[one] = property(lambda self: type(self).__name__)
    return type(name, bases, body)


def _base(name: str, names: "dict[str, Any]") -> type:
    last = name.rsplit(".", 1)[-1]
    found = names.get(last)
    if isinstance(found, type):
        return found
    errors = sys.modules["outhaul_azureml.errors"]
    found = getattr(errors, last, None)
    return found if isinstance(found, type) else object
