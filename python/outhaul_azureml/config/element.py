"""The base of all configuration objects: a guard against typos, and reading and writing them as plain data."""

import copy
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = tuple[tuple[str, Any], ...]


def camel(name: str) -> str:
    """`base_image` as `baseImage`."""
    first, *rest = name.strip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


class Element:
    """A section. `_fields` names what is stored of it: (attribute, class of its value or None for plain data).

    The class may be in a list, `[SparkPackage]`, or a dict, `{"": Data}`.
    """

    _fields = ()  # type: Fields
    _stored_as = {}  # type: dict[str, str]
    _initialized = False

    def __init__(self) -> None:
        self._initialized = False

    def __setattr__(self, name: str, value: "Any") -> None:
        if self._initialized and name not in self.__dict__ and not hasattr(type(self), name):
            raise AttributeError("{} has no attribute {}".format(type(self), name))
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        import json

        return json.dumps(to_plain(self), indent=4, default=str)

    def __deepcopy__(self, memo: "Any") -> "Any":
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        for name, value in self.__dict__.items():
            object.__setattr__(made, name, copy.deepcopy(value, memo))
        return made

    def validate(self) -> None:
        """Raise for values that make no sense; most sections take any."""


def stored_name(element: "Any", attribute: str) -> str:
    """The key under which an attribute is stored."""
    stored = element._stored_as.get(attribute)
    return stored if stored is not None else camel(attribute)


def to_plain(value: "Any") -> "Any":
    """An element, or a list or dict of them, as dicts, lists and plain values, with camelCase keys."""
    if isinstance(value, Element):
        return {stored_name(value, name): to_plain(getattr(value, name)) for name, _ in value._fields}
    if isinstance(value, (list, tuple)):
        return [to_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: to_plain(one) for key, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    as_dict = getattr(value, "as_dict", None)
    if callable(as_dict):
        return as_dict()
    return value


def from_plain(element: "Any", found: "dict[str, Any]") -> "Any":
    """Sets an element's attributes from stored data, whose keys may be camelCase or snake_case; gives it back."""
    flat = {_flat(key): value for key, value in found.items()}
    for name, kind in element._fields:
        key = _flat(stored_name(element, name))
        if key not in flat:
            continue
        setattr(element, name, _read(kind, flat[key], getattr(element, name, None)))
    return element


def _flat(key: str) -> str:
    return key.replace("_", "").lower()


def _read(kind: "Any", value: "Any", current: "Any") -> "Any":
    if kind is None or value is None:
        return value
    if isinstance(kind, list):
        return [_read(kind[0], one, None) for one in value]
    if isinstance(kind, dict):
        inner = next(iter(kind.values()))
        return {key: _read(inner, one, None) for key, one in value.items()}
    if hasattr(kind, "from_plain_value"):
        return kind.from_plain_value(value)
    return from_plain(current if isinstance(current, kind) else kind(), value)
