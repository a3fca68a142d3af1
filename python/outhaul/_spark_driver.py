"""Plays a run as the driver of a Spark application that YARN has started on a machine of its choice.

Started by YARN in an empty folder, in which `outhaul/` holds the run's code, its variables and our package. The script
runs in a copy of its code; what it leaves is handed to the cluster's file system, from where the run's own host fetches it.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

STAGE = ".outhaul-runs"
KEPT = ("stdout", "stderr", "exit", "metrics.jsonl", "uploads")


def main(key: str, script: str, arguments: "list[str]") -> int:
    bundle = os.path.abspath("outhaul")
    run_dir = os.path.abspath("outhaul-run")
    os.mkdir(run_dir)
    code_dir = os.path.join(run_dir, "code")
    shutil.copytree(os.path.join(bundle, "code"), code_dir, symlinks=True)
    with open(os.path.join(bundle, "variables.json"), encoding="utf-8") as file:
        variables = dict(os.environ, **json.load(file))
    paths = [bundle, variables.get("PYTHONPATH", "")]
    variables.update(
        OUTHAUL_RUN_DIR=run_dir,
        OUTHAUL_METRICS_FILE=os.path.join(run_dir, "metrics.jsonl"),
        OUTHAUL_UPLOADS_DIR=os.path.join(run_dir, "uploads"),
        PYTHONPATH=os.pathsep.join(path for path in paths if path),
    )
    python = os.path.abspath(sys.executable)
    code = play([python, script] + arguments, code_dir, variables, run_dir)
    with open(os.path.join(run_dir, "exit"), "w", encoding="utf-8") as file:
        file.write("%d\n" % code)
    hand_over(pack(run_dir), key)
    return code


def play(argv: "list[str]", folder: str, variables: "dict[str, str]", run_dir: str) -> int:
    """Runs the script; what it prints goes into files and into the cluster's own logs. The exit code as a shell has it."""
    process = subprocess.Popen(argv, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    threads = [
        threading.Thread(target=copy, args=(source, os.path.join(run_dir, name), own))
        for source, name, own in (
            (process.stdout, "stdout", sys.stdout.buffer),
            (process.stderr, "stderr", sys.stderr.buffer),
        )
    ]
    for thread in threads:
        thread.start()
    code = process.wait()
    for thread in threads:
        thread.join()
    return code if code >= 0 else 128 - code


def copy(source: "BinaryIO", path: str, own: "BinaryIO") -> None:
    with open(path, "wb") as file:
        for piece in iter(lambda: os.read(source.fileno(), 65536), b""):
            file.write(piece)
            file.flush()
            own.write(piece)
            own.flush()


def pack(run_dir: str) -> str:
    path = os.path.join(run_dir, "left.tar.gz")
    with tarfile.open(path, "w:gz") as archive:
        for name in KEPT:
            if os.path.exists(os.path.join(run_dir, name)):
                archive.add(os.path.join(run_dir, name), name)
        for name in ("outputs", "logs"):
            folder = os.path.join(run_dir, "code", name)
            if os.path.isdir(folder):
                archive.add(folder, name)
    return path


def hand_over(path: str, key: str) -> None:
    """Puts the file into the cluster's file system, by the Java process that started us."""
    from pyspark.java_gateway import launch_gateway  # type: ignore[import-not-found]

    gateway = launch_gateway()
    java = gateway.jvm
    Path = java.org.apache.hadoop.fs.Path
    system = java.org.apache.hadoop.fs.FileSystem.get(java.org.apache.hadoop.conf.Configuration())
    folder = Path(Path(system.getHomeDirectory(), STAGE), key)
    # Under another name first: whoever looks must not see half of it.
    system.copyFromLocalFile(False, True, Path("file://" + path), Path(folder, "left.new"))
    target = Path(folder, "left.tar.gz")
    system.delete(target, False)
    if not system.rename(Path(folder, "left.new"), target):
        raise RuntimeError("the cluster's file system does not take `%s`" % target.toString())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
