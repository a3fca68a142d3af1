"""Files that a run keeps under a name: checking names, copying into the uploads folder. Loaded on first use."""

import os
import shutil

from outhaul._record import RunError, check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

CHILDREN = ".children"
"""Folder inside the uploads folder with one folder of files per child run."""

_numbers = {}  # type: dict[tuple[str, str], int]


def artifact_name(name: object) -> str:
    """The name with forward slashes and no empty parts; refuses what would leave the uploads folder."""
    text = check_name(name, "file name")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or "\0" in text:
        raise RunError(f"file name `{text}`: use a relative name without `..`, such as `outputs/model.pkl`")
    if not parts or text.endswith("/"):
        raise RunError(f"file name `{text}` names a folder; give the file a name or use upload_folder")
    if parts[0] == CHILDREN:
        raise RunError(f"file name `{text}`: names under `{CHILDREN}/` are reserved; choose another")
    return "/".join(parts)


def check_source(path: object) -> str:
    """The path of a file that can be read, as text."""
    text = os.fsdecode(path)  # type: ignore[arg-type]
    if os.path.isdir(text):
        raise RunError(f"`{text}` is a folder; use upload_folder")
    if not os.path.exists(text):
        raise RunError(f"`{text}` does not exist (the current folder is `{os.getcwd()}`)")
    return text


def files_below(path: object) -> "list[tuple[str, str]]":
    """Every file below a folder as (name relative to the folder, path), sorted."""
    top = os.fspath(path)  # type: ignore[call-overload]
    if not os.path.isdir(top):
        raise RunError(f"`{top}` is not a folder (the current folder is `{os.getcwd()}`)")
    found = []
    for folder, _, names in os.walk(top):
        for name in names:
            full = os.path.join(folder, name)
            found.append((os.path.relpath(full, top).replace(os.sep, "/"), full))
    return sorted(found)


def copier(source: object) -> "Callable[[str], object]":
    """A function that fills a new file with a path's or an open stream's content."""
    if not hasattr(source, "read"):
        path = check_source(source)
        return lambda temp: shutil.copyfile(path, temp)

    def fill(temp: str) -> None:
        with open(temp, "wb") as file:
            while True:
                chunk = source.read(1 << 20)
                if not chunk:
                    break
                file.write(chunk.encode("utf-8") if isinstance(chunk, str) else chunk)

    return fill


def store(
    uploads: str, child: "str | None", name: str, fill: "Callable[[str], object]", fresh: bool = False
) -> "tuple[str, int]":
    """Put a file under its name in one step and return (name, size in bytes).

    With `fresh` an existing file is kept and the new one is numbered: `loss.png`, `loss-2.png`.
    """
    folder = os.path.join(uploads, CHILDREN, child) if child else uploads
    # Beside the uploads, not among them: a copy cut short by a kill must not be collected as a file of the run.
    temp = os.path.join(uploads + ".tmp", f"{os.getpid()}-{os.urandom(6).hex()}")
    try:
        os.makedirs(os.path.dirname(temp), exist_ok=True)
        try:
            fill(temp)
            size = os.stat(temp).st_size
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            if fresh:
                name = _claim(folder, name)
            os.replace(temp, os.path.join(folder, name))
        finally:
            if os.path.lexists(temp):
                os.unlink(temp)
    except OSError as error:
        raise RunError(f"cannot keep file `{name}`: {error}") from error
    return name, size


def _claim(folder: str, name: str) -> str:
    # An empty file made exclusively holds the name against other processes until the content replaces it.
    base, extension = os.path.splitext(name)
    number = _numbers.get((folder, name), 1)
    while True:
        taken = name if number == 1 else f"{base}-{number}{extension}"
        number += 1
        _numbers[folder, name] = number
        try:
            os.close(os.open(os.path.join(folder, taken), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return taken
        except FileExistsError:
            continue


def image_name(name: str, path: "Any") -> str:
    """The file name of a logged image: the metric's name with the file's ending, `.png` for a plot."""
    ending = ".png" if path is None else os.path.splitext(os.fspath(path))[1]
    return artifact_name(name if name.lower().endswith(ending.lower()) else name + ending)
