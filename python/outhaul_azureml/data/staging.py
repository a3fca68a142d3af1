"""Data that travels with a run's code: for runs on other machines and in containers, which do not see our files.

The code and the data are put side by side in a folder that lives until the run is submitted; the snapshot is taken of it.
Contents are kept once, and a machine that has them is not sent them again.
"""

import contextlib
import os
import shutil
import tempfile

from outhaul_azureml.data import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

FOLDER = ".outhaul-inputs"
"""The folder beside the code, by name."""

_LEFT_OUT = shutil.ignore_patterns(".git", ".hg", ".svn", "__pycache__")
_NOTHING_IGNORED = "!**\n"
"""What the user's ignore files leave out of the code does not count for data."""


def place(name: str, files: "list[tuple[str, str]]", single: bool) -> str:
    """Where data will be, relative to the folder in which the script runs."""
    folder = "{}/{}".format(FOLDER, name)
    return "{}/{}".format(folder, files[0][0]) if single else folder


@contextlib.contextmanager
def folder(source: str, inputs: "dict[str, list[tuple[str, str]]]") -> "Iterator[str]":
    """A folder with the code of `source` and the inputs, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="outhaul-inputs-") as made:
        code = os.path.join(made, os.path.basename(os.path.normpath(source)) or "code")
        shutil.copytree(source, code, symlinks=True, ignore=_LEFT_OUT, copy_function=_same)
        data = os.path.join(code, FOLDER)
        os.makedirs(data, exist_ok=True)
        with open(os.path.join(data, ".amlignore"), "w", encoding="utf-8") as file:
            file.write(_NOTHING_IGNORED)
        for name, files in inputs.items():
            for relative, path in files:
                target = os.path.join(data, name, relative)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                if paths.is_web(path):
                    from urllib.request import urlretrieve

                    urlretrieve(path, target)
                else:
                    _same(path, target)
        yield code


def _same(source: str, target: str, **_: "Any") -> str:
    # Only read from, and gone in a moment: a second name is enough where both are on one disk.
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)
    return target
