"""Packs conda packages and writes the index of a channel. Reads a JSON list of packages from standard input.

Run by `conda_channel.rs` with the channel's folder as the only argument. Standard library only. The same input makes
the same bytes.
"""

import bz2
import hashlib
import io
import json
import os
import pathlib
import stat
import struct
import sys
import tarfile
import zipfile

# What an environment of a test does not need of Python's library.
LEFT_OUT = {"test", "tests", "idlelib", "idle_test", "tkinter", "turtledemo", "lib2to3", "pydoc_data", "__pycache__",
            "site-packages", "dist-packages"}
TIME = 1_700_000_000


def main():
    channel = pathlib.Path(sys.argv[1])
    indexes = {}
    for folder in ("noarch", "linux-64", "linux-aarch64"):
        path = channel / folder / "repodata.json"
        if path.exists():
            indexes[folder] = json.loads(path.read_text())
    for package in json.load(sys.stdin):
        subdir = package["subdir"]
        index = indexes.setdefault(subdir, {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {},
                                            "repodata_version": 1})
        name, data, record = pack(package)
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        (channel / subdir / name).write_bytes(data)
        record["md5"] = hashlib.md5(data).hexdigest()
        record["sha256"] = hashlib.sha256(data).hexdigest()
        record["size"] = len(data)
        index["packages.conda" if name.endswith(".conda") else "packages"][name] = record
    indexes.setdefault("noarch", {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {}})
    for subdir, index in indexes.items():
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        (channel / subdir / "repodata.json").write_text(json.dumps(index, indent=1, sort_keys=True))


def pack(package):
    files = [(file["path"], file["content"].encode("latin-1"), 0o755 if file["executable"] else 0o644, None,
              file["placeholder"]) for file in package["files"]]
    record = {key: package[key] for key in ("name", "version", "build", "subdir", "depends", "constrains")}
    record.update(build_number=0, timestamp=TIME * 1000)
    if package["python"]:
        files += python_files()
        packages = [path for path in sys.path if path.endswith("-packages")]
        if packages and all(path.endswith("dist-packages") for path in packages):
            record["python_site_packages_path"] = "lib/python3/dist-packages"
    if package["noarch"]:
        record["noarch"] = package["noarch"]
    paths = []
    for path, data, _, target, placeholder in files:
        entry = {"_path": path, "path_type": "softlink" if target else "hardlink"}
        if not target:
            entry.update(sha256=hashlib.sha256(data).hexdigest(), size_in_bytes=len(data))
        if placeholder:
            entry.update(prefix_placeholder=placeholder["prefix"], file_mode=placeholder["mode"])
        paths.append(entry)
    info = {"index.json": record, "paths.json": {"paths": paths, "paths_version": 1}, "about.json": {}}
    if package["noarch"] == "python":
        info["link.json"] = {"noarch": {"type": "python", "entry_points": package["entry_points"]},
                             "package_metadata_version": 1}
    info = [("info/" + name, json.dumps(value, sort_keys=True).encode(), 0o644, None, None)
            for name, value in info.items()]
    stem = "{name}-{version}-{build}".format(**package)
    if package["format"] == "tar.bz2":
        return stem + ".tar.bz2", bz2.compress(tar(files + info)), dict(record)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (("metadata.json", b'{"conda_pkg_format_version": 2}'),
                           ("pkg-" + stem + ".tar.zst", zstd(tar(files))),
                           ("info-" + stem + ".tar.zst", zstd(tar(info)))):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return stem + ".conda", whole.getvalue(), dict(record)


def tar(files):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for path, data, mode, target, _ in files:
            member = tarfile.TarInfo(path)
            member.mode, member.mtime = mode, TIME
            if target:
                member.type, member.linkname = tarfile.SYMTYPE, target
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return whole.getvalue()


def zstd(data, piece=128 * 1024):
    """A zstd frame of blocks that are not compressed: there is no zstd in the standard library before 3.14."""
    blocks = [data[at:at + piece] for at in range(0, len(data), piece)] or [b""]
    frame = [struct.pack("<IBQ", 0xFD2FB528, 0xE0, len(data))]
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        frame += [struct.pack("<I", len(block) << 3 | last)[:3], block]
    return b"".join(frame)


def python_files():
    """The Python that runs this, such that it works from any folder."""
    base = pathlib.Path(sys.base_prefix)
    name = "python%d.%d" % sys.version_info[:2]
    relocated = {}

    def add(path):
        data = path.read_bytes()
        # The path to the shared library is written over, which needs no tool.
        old, new = bytes(base / "lib") + b"\0", b"$ORIGIN/../lib\0"
        if data[:4] == b"\x7fELF" and len(new) <= len(old):
            data = data.replace(old, new.ljust(len(old), b"\0"))
        executable = path.stat().st_mode & stat.S_IXUSR
        relocated[str(path.relative_to(base))] = (data, 0o755 if executable else 0o644)

    add(base / "bin" / name)
    for library in sorted((base / "lib").glob("lib%s*.so.1.0" % name)):
        add(library)
    for folder, inner, names in os.walk(base / "lib" / name):
        inner[:] = sorted(entry for entry in inner if entry not in LEFT_OUT and not entry.startswith("config-"))
        for entry in sorted(names):
            path = pathlib.Path(folder) / entry
            # One that is not for everybody, as distributions have: an environment may be added to.
            if entry != "EXTERNALLY-MANAGED" and path.is_file():
                add(path)
    files = [(path, data, mode, None, None) for path, (data, mode) in relocated.items()]
    return files + [("bin/" + link, b"", 0o777, name, None) for link in ("python", "python3")]


main()
