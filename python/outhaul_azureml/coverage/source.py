"""Scripts and notebooks as Python text, with the lines that people see. Pure but for reading the file."""

import json
import re

_MAGIC = re.compile(r"^(\s*)([%!?]|\w+\s*=\s*[%!])")


class SourceError(Exception):
    """A file that cannot be read as code; the text names it."""


def parts(path: str) -> "list[tuple[str, str]]":
    """The pieces of code of a file: one for a script, one for each code cell of a notebook."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError("cannot read `{}`: {}".format(path, error)) from None
    if not path.endswith(".ipynb"):
        return [("", text)]
    try:
        cells = json.loads(text)["cells"]
        found = []
        for number, cell in enumerate(cells, 1):
            if cell.get("cell_type") == "code":
                source = cell["source"]
                joined = source if isinstance(source, str) else "".join(source)
                found.append(("cell {}".format(number), without_magic(joined)))
        return found
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError("`{}` is not a notebook: {!r}".format(path, error)) from None


def without_magic(text: str) -> str:
    """A cell without what only notebooks understand; lines keep their numbers."""
    lines = text.split("\n")
    if lines and lines[0].startswith("%%"):
        head = lines[0].split()[0]
        if head not in ("%%time", "%%timeit", "%%capture"):
            return "\n" * (len(lines) - 1)
        lines[0] = ""
    return "\n".join("{}pass".format(_indent(line)) if _MAGIC.match(line) else line for line in lines)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
