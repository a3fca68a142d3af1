"""The program `outhaul` and the data folder: where they are, and whether a running server must give way."""

from __future__ import annotations

import os
import sys
from typing import Iterator, List, Mapping, Optional, Tuple

from outhaul.errors import BadRequestError, ProgramNotFoundError

PROGRAM_VARIABLE = "OUTHAUL_BIN"


def data_folder(env: Mapping[str, str], macos: bool = sys.platform == "darwin") -> str:
    """The data folder, as the command finds it: `OUTHAUL_HOME`, else the platform's place. Nothing is made."""
    named = env.get("OUTHAUL_HOME")
    if named:
        return os.path.abspath(named)
    home = env.get("HOME")
    data = env.get("XDG_DATA_HOME", "")
    if macos and home:
        return os.path.abspath(os.path.join(home, "Library/Application Support/outhaul"))
    if not macos and os.path.isabs(data):
        return os.path.abspath(os.path.join(data, "outhaul"))
    if not macos and home:
        return os.path.abspath(os.path.join(home, ".local/share/outhaul"))
    raise BadRequestError(
        "the data folder is not known: neither `OUTHAUL_HOME` nor `HOME` is set",
        "set `OUTHAUL_HOME` to a folder of yours, or give `home=`",
    )


def find_program(given: Optional[str] = None) -> str:
    """The program: the one given, else `OUTHAUL_BIN`, else the one installed with this package, else on the PATH."""
    for named, what in ((given, "the program"), (os.environ.get(PROGRAM_VARIABLE), f"`{PROGRAM_VARIABLE}`")):
        if named:
            if _is_program(named):
                return os.path.abspath(named)
            raise ProgramNotFoundError(
                f"{what} is `{named}`, which is not a program that can be started",
                "give the path of the program `outhaul`",
            )
    for path in _beside():
        if _is_program(path):
            return path
    import shutil

    found = shutil.which("outhaul")
    if found is None:
        raise ProgramNotFoundError(
            "the program `outhaul` was not found: it is neither beside this package nor on the PATH",
            f"`pip install outhaul` brings it, or set `{PROGRAM_VARIABLE}` to its path",
        )
    return os.path.abspath(found)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _beside() -> Iterator[str]:
    """Where a wheel puts programs: the scripts folder of this Python, of the user, or of `pip install --target`."""
    import sysconfig

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    yield os.path.join(os.path.dirname(package), "bin", "outhaul")
    schemes: List[Optional[str]] = [None, "posix_user", "osx_framework_user"]
    for scheme in schemes:
        try:
            folder = sysconfig.get_path("scripts") if scheme is None else sysconfig.get_path("scripts", scheme)
        except KeyError:
            continue
        if folder:
            yield os.path.join(folder, "outhaul")


def build_of(program: str) -> Optional[str]:
    """What a server started from this file calls its build, less the version: it changes when the file is replaced."""
    try:
        stat = os.stat(program)
    except OSError:
        return None
    seconds, nanos = divmod(stat.st_mtime_ns, 1_000_000_000)
    path = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 or byte in b"-_.~/" else f"%{byte:02X}"
        for byte in os.fsencode(program)
    )
    return f"{stat.st_ino:x}-{seconds:x}.{nanos:x}-{stat.st_size:x}@{path}"


def gives_way(ours: Optional[str], version: str, running: str) -> bool:
    """Whether a server of the build `running` gives way to our program: its file was replaced since, or ours has a
    newer version. The same rule as the command's.
    """
    front, _, path = running.partition("@")
    their_version, plus, their_file = front.partition("+")
    if ours is None or not plus or not path:
        return False
    our_file, _, our_path = ours.partition("@")
    if our_path == path:
        return our_file != their_file or version != their_version
    mine, theirs = _numbers(version), _numbers(their_version)
    return mine is not None and theirs is not None and mine > theirs


def _numbers(version: str) -> Optional[Tuple[int, ...]]:
    parts = version.split("-")[0].split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else None
