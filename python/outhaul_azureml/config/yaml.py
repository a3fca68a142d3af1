"""The part of YAML that conda files and run configurations are written in: blocks, lists, plain and quoted texts.

Our own, because the package depends on nothing but Python. Anchors, tags and several documents are refused by name.
"""

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?$")
_WORDS = {"": None, "null": None, "~": None, "true": True, "false": False}
_PLAIN = re.compile(r"[A-Za-z0-9_./$<(][^:#\n]*$")


class YamlError(ValueError):
    """A text that is not YAML, or a part of YAML that is not read; the text names the line."""


class _Line:
    def __init__(self, number: int, indent: int, text: str) -> None:
        self.number = number
        self.indent = indent
        self.text = text


def load(text: str) -> "Any":
    """The value of a document; `None` for an empty one."""
    lines = []
    source = text.split("\n")
    for number, raw in enumerate(source, 1):
        bare = _without_comment(raw.rstrip())
        stripped = bare.strip()
        if not stripped or stripped == "---" or stripped == "...":
            continue
        indent = len(bare) - len(bare.lstrip(" "))
        if bare[indent] == "\t":
            raise YamlError("line {}: a tab cannot indent; use spaces".format(number))
        lines.append(_Line(number, indent, stripped))
    reader = _Reader(lines, source)
    value = reader.block(0) if lines else None
    if reader.place < len(lines):
        raise YamlError("line {}: it is indented less than what it belongs to".format(lines[reader.place].number))
    return value


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: "list[_Line]", source: "list[str]") -> None:
        self.lines = lines
        self.source = source
        self.place = 0

    def block(self, least: int) -> "Any":
        """A value that stands on lines of its own."""
        first = self.lines[self.place]
        if first.indent < least:
            return None
        if first.text == "-" or first.text.startswith("- "):
            return self.sequence(first.indent)
        if _key(first.text) is not None:
            return self.mapping(first.indent)
        self.place += 1
        text = first.text
        while text[0] in "[{" and not _balanced(text) and self.place < len(self.lines):
            text += " " + self.lines[self.place].text
            self.place += 1
        return scalar(text, first.number)

    def sequence(self, indent: int) -> "list[Any]":
        """A list of lines with dashes."""
        found = []  # type: list[Any]
        while self.place < len(self.lines):
            line = self.lines[self.place]
            if line.indent != indent or not (line.text == "-" or line.text.startswith("- ")):
                if line.indent > indent:
                    raise YamlError("line {}: it is indented more than the list it stands in".format(line.number))
                break
            rest = line.text[1:].lstrip()
            if not rest:
                self.place += 1
                deeper = self.place < len(self.lines) and self.lines[self.place].indent > indent
                found.append(self.block(indent + 1) if deeper else None)
                continue
            # What follows the dash is a block of its own, indented by where it begins.
            line.indent = indent + len(line.text) - len(rest)
            line.text = rest
            found.append(self.block(line.indent))
        return found

    def mapping(self, indent: int) -> "dict[str, Any]":
        """Keys and their values."""
        found = {}  # type: dict[str, Any]
        while self.place < len(self.lines):
            line = self.lines[self.place]
            if line.indent != indent:
                if line.indent > indent:
                    raise YamlError("line {}: it is indented more than the keys beside it".format(line.number))
                break
            parts = _key(line.text)
            if parts is None:
                break
            key, rest = parts
            if key in found:
                raise YamlError("line {}: the key `{}` is there twice".format(line.number, key))
            self.place += 1
            found[key] = self.value(rest, line, indent)
        return found

    def value(self, rest: str, line: _Line, indent: int) -> "Any":
        """What stands behind a key, or below it."""
        if rest in ("|", "|-", "|+", ">", ">-"):
            return self.text(rest, line, indent)
        if rest:
            while rest[0] in "[{" and not _balanced(rest) and self.place < len(self.lines):
                rest += " " + self.lines[self.place].text
                self.place += 1
            while rest[0] not in "[{\"'" and self.place < len(self.lines) and self.lines[self.place].indent > indent:
                following = self.lines[self.place]
                if _key(following.text) is not None:
                    raise YamlError("line {}: a value that has keys cannot be text, too".format(following.number))
                rest += " " + following.text
                self.place += 1
            return scalar(rest, line.number)
        if self.place >= len(self.lines):
            return None
        following = self.lines[self.place]
        # A list may stand under its key without being indented.
        if following.indent == indent and (following.text == "-" or following.text.startswith("- ")):
            return self.sequence(indent)
        return self.block(indent + 1) if following.indent > indent else None

    def text(self, style: str, line: _Line, indent: int) -> str:
        """A text of several lines behind `|` or `>`."""
        kept = []  # type: list[str]
        number = line.number
        margin = None  # type: int | None
        while number < len(self.source):
            raw = self.source[number]
            deep = len(raw) - len(raw.lstrip(" "))
            if raw.strip() and deep <= indent:
                break
            if raw.strip() and margin is None:
                margin = deep
            kept.append(raw[margin or 0 :])
            number += 1
        while self.place < len(self.lines) and self.lines[self.place].number <= number:
            self.place += 1
        while kept and not kept[-1].strip():
            kept.pop()
        joined = "\n".join(kept) if style[0] == "|" else " ".join(one.strip() for one in kept)
        return joined if style.endswith("-") else joined + "\n"


def scalar(text: str, number: int = 0) -> "Any":
    """A single value: quoted, a flow list or dict, a number, a truth value, or text."""
    value, rest = _flow(text, number, top=True)
    if rest.strip():
        raise YamlError("line {}: cannot read `{}`".format(number, text))
    return value


def _flow(text: str, number: int, top: bool = False) -> "tuple[Any, str]":
    text = text.lstrip()
    if not text:
        return None, ""
    mark = text[0]
    if mark in "&*!":
        raise YamlError("line {}: anchors and tags (`{}`) are not read".format(number, text.split()[0]))
    if mark == '"':
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            raise YamlError("line {}: the quoted text {} is not whole".format(number, text)) from None
        return value, text[end:]
    if mark == "'":
        end = 1
        while True:
            end = text.find("'", end)
            if end < 0:
                raise YamlError("line {}: the quoted text {} is not whole".format(number, text))
            if text[end : end + 2] != "''":
                return text[1:end].replace("''", "'"), text[end + 1 :]
            end += 2
    if mark in "[{":
        return _collection(text, number)
    end = len(text)
    if not top:
        for place, sign in enumerate(text):
            if sign in ",]}" or (sign == ":" and text[place + 1 : place + 2] in ("", " ")):
                end = place
                break
    return _word(text[:end].strip()), text[end:]


def _collection(text: str, number: int) -> "tuple[Any, str]":
    close = "]" if text[0] == "[" else "}"
    items = []  # type: list[Any]
    pairs = {}  # type: dict[str, Any]
    rest = text[1:].lstrip()
    while True:
        if not rest:
            raise YamlError("line {}: `{}` is not closed".format(number, text))
        if rest[0] == close:
            return (items if close == "]" else pairs), rest[1:]
        if rest[0] == ",":
            rest = rest[1:].lstrip()
            continue
        if rest[0] in "]}":
            raise YamlError("line {}: `{}` is closed by `{}`".format(number, text, rest[0]))
        value, rest = _flow(rest, number)
        rest = rest.lstrip()
        if close == "}" or rest[:1] == ":":
            if rest[:1] != ":":
                raise YamlError("line {}: a key in `{}` has no value".format(number, text))
            inner, rest = _flow(rest[1:], number)
            rest = rest.lstrip()
            if close == "}":
                pairs[str(value)] = inner
                continue
            value = {str(value): inner}
        items.append(value)


def _word(text: str) -> "Any":
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text) and any(sign in text for sign in ".eE"):
        return float(text)
    return text


def _key(text: str) -> "tuple[str, str] | None":
    if text[0] in "[{":
        return None
    if text[0] in "\"'":
        try:
            key, rest = _flow(text, 0)
        except YamlError:
            return None
        rest = rest.lstrip()
        return (str(key), rest[1:].strip()) if rest[:1] == ":" and rest[1:2] in ("", " ") else None
    place = text.find(":")
    while place >= 0:
        if place + 1 == len(text) or text[place + 1] in " \t":
            return text[:place].strip(), text[place + 1 :].strip()
        place = text.find(":", place + 1)
    return None


def _without_comment(text: str) -> str:
    quote = ""
    for place, sign in enumerate(text):
        if quote:
            if sign == quote:
                quote = ""
        elif sign in "\"'" and (place == 0 or text[place - 1] in " \t[{,:-"):
            quote = sign
        elif sign == "#" and (place == 0 or text[place - 1] in " \t"):
            return text[:place].rstrip()
    return text


def _balanced(text: str) -> bool:
    depth = 0
    quote = ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        else:
            depth += (sign in "[{") - (sign in "]}")
    return depth <= 0


def dump(value: "Any") -> str:
    """A value as YAML, keys in their order."""
    lines = []  # type: list[str]
    _write(value, 0, lines)
    return "\n".join(lines) + "\n"


def _write(value: "Any", indent: int, lines: "list[str]") -> None:
    pad = " " * indent
    if isinstance(value, dict) and value:
        for key, one in value.items():
            if isinstance(one, (dict, list)) and one:
                lines.append("{}{}:".format(pad, _text(str(key))))
                _write(one, indent if isinstance(one, list) else indent + 2, lines)
            else:
                lines.append("{}{}: {}".format(pad, _text(str(key)), _single(one)).rstrip())
    elif isinstance(value, list) and value:
        for one in value:
            if isinstance(one, (dict, list)) and one:
                inner = []  # type: list[str]
                _write(one, indent + 2, inner)
                inner[0] = pad + "- " + inner[0][indent + 2 :]
                lines.extend(inner)
            else:
                lines.append("{}- {}".format(pad, _single(one)))
    else:
        lines.append(pad + _single(value))


def _single(value: "Any") -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    return _text(str(value))


def _text(value: str) -> str:
    plain = (
        bool(_PLAIN.match(value)) and value == value.strip() and _word(value) == value and not value.startswith("- ")
    )
    return value if plain else json.dumps(value)
