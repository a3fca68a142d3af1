"""A Docker engine for tests, as `outhaul-testkit` has it: one that answers, or, as root, one that is started.

The scripts that keep the engine and pack an image from this machine's own programs are the testkit's own.
"""

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time

_SCRIPTS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "crates/outhaul-testkit/src/dockerd"
)
_USUAL = "/var/run/docker.sock"
_PATIENCE = 60.0


class _Connection(http.client.HTTPConnection):
    """HTTP to a socket of the file system."""

    def __init__(self, path):
        super().__init__("engine", timeout=120)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """An engine that answers, with an image that has a Python."""

    def __init__(self, path, keeper=None):
        self.socket = path
        self.image = "outhaul-test-python:notebooks"
        self._keeper = keeper

    def ask(self, method, path, body=None):
        """The status of an answer, and its text."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def answers(self):
        """Whether there is an engine at all."""
        try:
            return self.ask("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def load(self):
        """Packs the image from this machine's programs and gives it to the engine."""
        with tempfile.TemporaryDirectory() as folder:
            tar = os.path.join(folder, "image.tar")
            subprocess.run(["sh", os.path.join(_SCRIPTS, "rootfs.sh"), "debian", tar], check=True, stderr=subprocess.DEVNULL)
            name, _, tag = self.image.partition(":")
            with open(tar, "rb") as file:
                status, text = self.ask("POST", "/images/create?fromSrc=-&repo={}&tag={}".format(name, tag), file)
        if status != 200:
            raise AssertionError("the engine does not take the image: " + text)

    def close(self):
        """Ends an engine that was started here."""
        if self._keeper is not None:
            self._keeper.stdin.close()
            self._keeper.wait()


def engine(case):
    """An engine for a test, or None with a line that says why there is none."""
    found, why = _find()
    if found is None:
        print("not run in a container: " + why)
        return None
    case.addCleanup(found.close)
    found.load()
    return found


def _find():
    usual = Engine(_USUAL)
    if usual.answers():
        return usual, None
    if os.geteuid() != 0:
        return None, "no engine answers at {}, and only root can start one".format(_USUAL)
    if shutil.which("dockerd") is None:
        return None, "no engine answers at {}, and there is no `dockerd`".format(_USUAL)
    why = "it says nothing"
    # Overlay where the file system can do it; copies of all files where it cannot.
    for more in ([], ["--storage-driver", "vfs"]):
        started, why = _start(more)
        if started is not None:
            return started, None
    return None, "`dockerd` does not start: " + why


def _start(more):
    folder = tempfile.mkdtemp(prefix="ohd-")
    quiet = subprocess.DEVNULL
    keep = ["sh", os.path.join(_SCRIPTS, "keep.sh"), folder]
    keeper = subprocess.Popen(keep + more, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True)
    started = Engine(os.path.join(folder, "docker.sock"), keeper)
    since = time.monotonic()
    while time.monotonic() - since < _PATIENCE:
        if started.answers():
            return started, None
        if os.path.exists(os.path.join(folder, "ended")):
            break
        time.sleep(0.02)
    try:
        with open(os.path.join(folder, "log"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    started.close()
    return None, lines[-1] if lines else "it says nothing"
