"""A real SSH server of the machine's own OpenSSH, at a free port of the loopback, for whoever runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time

PROGRAM = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


class Sshd:
    """Runs until it is closed. `key` may log in, `stranger` may not."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = os.path.realpath(self._folder.name)
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.user = getpass.getuser()
        self.key, self.stranger = self._keygen("client"), self._keygen("stranger")
        host_key = self._keygen("host")
        shutil.copyfile(self.key + ".pub", os.path.join(self.folder, "authorized_keys"))
        told = subprocess.check_output(["ssh-keygen", "-lf", host_key + ".pub"], universal_newlines=True)
        self.fingerprint = told.split()[1]
        self._process = None
        for _ in range(20):
            if self._launch(host_key):
                return
        raise AssertionError("the SSH server never listened")

    def _keygen(self, name):
        path = os.path.join(self.folder, name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path

    def _launch(self, host_key):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(self.folder, "sshd_config")
        with open(config, "w") as file:
            file.write(
                f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {host_key}\nPidFile none\nUsePAM no\n"
                f"StrictModes no\nUseDNS no\nPermitRootLogin yes\nKbdInteractiveAuthentication no\n"
                f"AuthorizedKeysFile {self.folder}/authorized_keys\n"
                # As a plain machine: what this user's profile puts on the PATH is slow to look through.
                "ForceCommand exec env PATH=/usr/local/bin:/usr/bin:/bin sh -c \"$SSH_ORIGINAL_COMMAND\"\n"
            )
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([PROGRAM, "-D", "-f", config], stdin=quiet, stdout=quiet, stderr=quiet)
        late = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < late:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return True
        self._stop()
        return False

    def _stop(self):
        self._process.kill()
        self._process.wait()

    def close(self):
        """Ends it."""
        self._stop()
        self._folder.cleanup()
