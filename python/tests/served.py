"""What tests with the real program share: a data folder of their own, whose server ends with them.

The program is the one that `OUTHAUL_TEST_BIN` names, which `cargo xtask test` sets; else the `outhaul` of the PATH.
Without one these tests fail: they are never left out.
"""

import os
import shutil
import subprocess
import tempfile
import unittest

import support  # noqa: F401  (finds the package)

from outhaul import Workspace

PROGRAM = os.environ.get("OUTHAUL_TEST_BIN") or shutil.which("outhaul")

METRICS = """
from outhaul.run import Run
run = Run.get_context()
for step in range(5):
    run.log("mse", 5.0 - step, step=step)
run.tag("model", "ridge")
with open("outputs/model.txt", "w") as file:
    file.write("a model")
with run.child_run("fold") as child:
    child.log("x", 1)
print("trained")
"""


class Served(unittest.TestCase):
    """Tests in a data folder of their own."""

    @classmethod
    def setUpClass(cls):
        if PROGRAM is None:
            raise AssertionError("no program to test with: set OUTHAUL_TEST_BIN, or put `outhaul` on the PATH")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = os.path.realpath(folder.name)
        cls.home = os.path.join(cls.folder, "home")
        cls.work = os.path.join(cls.folder, "work")
        os.mkdir(cls.work)
        cls.addClassCleanup(cls.outhaul, "server", "stop")
        cls.ws = Workspace(home=cls.home, program=PROGRAM)

    @classmethod
    def outhaul(cls, *words, home=None):
        """Runs the command, which must succeed."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("OUTHAUL_")}
        env["OUTHAUL_HOME"] = home or cls.home
        return subprocess.run([PROGRAM, *words, "--quiet"], env=env, check=True, stdout=subprocess.PIPE).stdout

    def another_home(self, name):
        """A data folder for this test alone, whose server ends with it."""
        home = os.path.join(self.folder, name)
        self.addCleanup(self.outhaul, "server", "stop", home=home)
        return home

    @classmethod
    def script(cls, name, text):
        """A script in a folder of its own, so that its snapshot holds nothing else."""
        folder = os.path.join(cls.work, name.replace(".py", ""))
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
