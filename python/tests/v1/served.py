"""What tests with the real program share: a data folder of their own, and an SSH server on this machine.

The program is the one that `OUTHAUL_TEST_BIN` names, which `cargo xtask test` sets; else the `outhaul` of the PATH.
Without one these tests fail: they are never left out.
"""

import glob
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from v1.support import Case

from azureml.core import Workspace
from outhaul_azureml import server

PROGRAM = os.environ.get("OUTHAUL_TEST_BIN") or shutil.which("outhaul")
SSHD = "/usr/sbin/sshd"
_PATIENCE = 20.0


class Served(Case):
    """Tests in a data folder of their own, whose server ends with them."""

    @classmethod
    def setUpClass(cls):
        if PROGRAM is None:
            raise AssertionError("no program to test with: set OUTHAUL_TEST_BIN, or put `outhaul` on the PATH")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.place = os.path.realpath(folder.name)
        cls.home = os.path.join(cls.place, "home")
        cls.saved = {name: os.environ.get(name) for name in ("OUTHAUL_HOME", "OUTHAUL_BIN", "HOME")}
        os.environ.update(OUTHAUL_HOME=cls.home, OUTHAUL_BIN=PROGRAM, HOME=cls.place)
        cls.addClassCleanup(cls.restore)
        cls.addClassCleanup(cls.outhaul, "server", "stop")
        server._servers.clear()
        cls.ws = Workspace.create("mine", subscription_id="s", resource_group="g", show_output=False)

    def completed(self, run):
        """Waits for a run, which must end well; else its log and its error are shown."""
        details = run.wait_for_completion(raise_on_error=False)
        logs = "".join(run._log_text(name) for name in details["logFiles"])
        self.assertEqual(details["status"], "Completed", "{}\n{}".format(details.get("error"), logs))
        return details

    @classmethod
    def restore(cls):
        for name, value in cls.saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        server._servers.clear()

    @classmethod
    def outhaul(cls, *words):
        """Runs the command, which must succeed, and gives what it wrote."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("OUTHAUL_")}
        env["OUTHAUL_HOME"] = cls.home
        return subprocess.run(
            [PROGRAM, *words], env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True
        ).stdout


class Sshd:
    """An SSH server on a loopback port, with a user of its own where root runs the tests."""

    def __init__(self, lines=""):
        self._lines = lines
        self.folder = tempfile.mkdtemp(prefix="outhaul-sshd-")
        os.chmod(self.folder, 0o755)
        self.home = os.path.join(self.folder, "home")
        os.mkdir(self.home)
        self.username, self.password = self._user()
        for name in ("host", "client"):
            subprocess.check_call(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(self.folder, name)]
            )
        self.key = os.path.join(self.folder, "client")
        shutil.copyfile(self.key + ".pub", os.path.join(self.folder, "authorized_keys"))
        os.chmod(os.path.join(self.folder, "authorized_keys"), 0o644)
        self.process = None
        self.port = 0
        for _ in range(20):
            if self._launch():
                return
        raise AssertionError("the SSH server never listened: " + self.log())

    def _user(self):
        if os.geteuid() != 0:
            import getpass

            return getpass.getuser(), None
        name, password = "oh" + secrets.token_hex(5), secrets.token_hex(12)
        subprocess.check_call(["useradd", "--no-create-home", "--home-dir", self.home, "--shell", "/bin/sh", name])
        subprocess.run(["chpasswd"], input="{}:{}\n".format(name, password).encode(), check=True)
        shutil.chown(self.home, name)
        os.makedirs("/run/sshd", exist_ok=True)
        return name, password

    def _launch(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(self.folder, "sshd_config")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                "ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
                "UseDNS no\nPrintMotd no\nKbdInteractiveAuthentication no\nPasswordAuthentication yes\n"
                "AuthorizedKeysFile {folder}/authorized_keys\nAllowUsers {user}\nMaxStartups 200\n".format(
                    port=self.port, folder=self.folder, user=self.username
                )
                + self._lines
            )
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", config, "-E", os.path.join(self.folder, "log")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        since = time.monotonic()
        while time.monotonic() - since < _PATIENCE:
            if self.process.poll() is not None:
                return False
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as stream:
                    if stream.recv(4) == b"SSH-":
                        return True
            except OSError:
                time.sleep(0.005)
        return False

    @property
    def address(self):
        """Where it listens, as the address book has it."""
        return "127.0.0.1:{}".format(self.port)

    def log(self):
        """What it wrote."""
        try:
            with open(os.path.join(self.folder, "log"), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def close(self):
        """Ends it, and what its user left running."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        if self.password is not None:
            self._end_processes()
            since = time.monotonic()
            while subprocess.run(["userdel", self.username], stderr=subprocess.DEVNULL).returncode:
                if time.monotonic() - since > _PATIENCE:
                    break
                time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_processes(self):
        """Ends each process of the user that was made for this server."""
        uid = pwd.getpwnam(self.username).pw_uid
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat("/proc/" + name).st_uid == uid:
                    os.kill(int(name), signal.SIGKILL)
            except OSError:
                continue


def spark_programs():
    """The folder with the `spark-submit` that `cargo xtask test` installs for tests, or None with a line that says so."""
    for folder in sorted(glob.glob("/var/tmp/outhaul-test-spark/lib/python3*/site-packages/pyspark/bin")):
        if os.path.exists(os.path.join(folder, "spark-submit")) and shutil.which("java"):
            return folder
    print("not run on Spark: there is no Java, or `cargo xtask test` has not installed Spark")
    return None


def sshd(case, lines=""):
    """An SSH server for a test (or a class of tests), or a line that says why there is none."""
    if not os.path.exists(SSHD):
        print("not run against a machine over SSH: there is no sshd")
        raise unittest.SkipTest("there is no sshd")
    made = Sshd(lines)
    (case.addClassCleanup if isinstance(case, type) else case.addCleanup)(made.close)
    return made
