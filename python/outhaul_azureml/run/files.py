"""The files of a run, its logs among them: keeping, listing, fetching."""

import os

from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.run import details, wait
from outhaul_azureml.run.logging import _checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


def keep(run: "Any", name: str, source: "Any") -> None:
    """Keeps a file or an open stream under a name."""
    from outhaul import _files
    from outhaul._client.query import segments

    kept = _checked(_files.artifact_name, name)
    path = run._path("/outputs/" + segments(kept))
    if not hasattr(source, "read"):
        with open(_checked(_files.check_source, source), "rb") as file:
            run._server.put_file(path, file)
        return
    # A stream does not tell its length: its content goes into a file first.
    import tempfile

    with tempfile.TemporaryFile() as whole:
        while True:
            piece = source.read(1 << 20)
            if not piece:
                break
            whole.write(piece.encode("utf-8") if isinstance(piece, str) else piece)
        whole.seek(0)
        run._server.put_file(path, whole)


def names(run: "Any") -> "list[str]":
    """The names of all files, logs included."""
    found = run._server.get(run._path("/outputs"))
    return sorted(details.log_names(run._fetch()) + [one["path"] for one in found])


def log_bytes(run: "Any", name: str) -> bytes:
    """The bytes of a log."""
    if name == wait.BUILD_LOG:
        return b"".join(run._server.read(run._path("/logs"), {"stream": "environment"}))
    whole = []
    from outhaul._client.follow import LogPiece

    for item in run._server.client.follow(run.id, follow=False):
        if isinstance(item, LogPiece) and item.stream != "environment":
            whole.append(item.data)
    return b"".join(whole)


def fetch(run: "Any", name: str, path: "str | None") -> None:
    """Writes a file of the run to a path."""
    from outhaul._client.query import segments

    where = path or os.path.basename(name)
    if os.path.isdir(where) or where.endswith(("/", os.sep)):
        where = os.path.join(where, os.path.basename(name))
    known = names(run)
    if name not in known:
        raise UserErrorException(
            "File with path {} was not found,\navailable files include: {}.".format(name, ",".join(known))
        )
    logs = details.log_names(run._fetch())
    pieces = [log_bytes(run, name)] if name in logs else run._server.read(run._path("/outputs/" + segments(name)))
    _write(where, pieces)


def _write(where: str, pieces: "Iterable[bytes]") -> None:
    folder = os.path.dirname(where)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(where, "wb") as file:
        for piece in pieces:
            file.write(piece)


def fetch_all(run: "Any", prefix: "str | None", directory: "str | None", paths: "Any", append_prefix: bool) -> None:
    """Writes all files whose names begin with a prefix, below a folder or to the given paths."""
    start = prefix or ""
    wanted = [name for name in names(run) if not start or name == start or name.startswith(start.rstrip("/") + "/")]
    if not wanted:
        raise UserErrorException("No files of run {} begin with {}".format(run.id, start))
    if paths is not None:
        given = [paths] if isinstance(paths, str) else list(paths)
        if len(given) != len(wanted):
            raise UserErrorException("There are {} output_paths for {} files".format(len(given), len(wanted)))
        for name, path in zip(wanted, given):
            fetch(run, name, path)
        return
    for name in wanted:
        relative = name if append_prefix or not start else os.path.relpath(name, start.rstrip("/"))
        fetch(run, name, os.path.join(directory or ".", relative))


def all_logs(run: "Any", destination: "str | None") -> "list[str]":
    """Writes all logs below a folder and gives their paths."""
    folder = destination or os.path.join("assets", run.id)
    written = []
    for name in details.log_names(run._fetch()):
        where = os.path.join(folder, name)
        _write(where, [log_bytes(run, name)])
        written.append(where)
    return written


def restore(run: "Any", path: "str | None") -> str:
    """Writes the run's code into a folder and gives the folder."""
    found = run._server.get(run._path("/snapshot"))
    folder = os.path.join(path or ".", run.get_snapshot_id()) if path is None else path
    for one in found["files"]:
        where = os.path.join(folder, one["path"])
        if one.get("link") is not None:
            os.makedirs(os.path.dirname(where) or ".", exist_ok=True)
            os.symlink(one["link"], where)
            continue
        _write(where, run._server.read("/blobs/" + one["hash"]))
        if one["executable"]:
            os.chmod(where, 0o755)
    return folder
