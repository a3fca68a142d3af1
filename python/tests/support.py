"""What the tests share: a made-up run in a temporary folder, and an empty context around each test."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PYTHON)

from outhaul import run as run_module
from outhaul.run import Run


class FakeScalar:
    """Like a numpy or torch scalar: one value behind `item()`."""

    def __init__(self, value):
        self._value = value

    def item(self):
        return self._value


class FakeArray:
    """Like a numpy array of several values."""

    def __init__(self, values):
        self._values = values

    def tolist(self):
        return self._values

    def item(self):
        if len(self._values) != 1:
            raise ValueError("only arrays of size 1")
        return self._values[0]


class Outside(unittest.TestCase):
    """A test outside a run."""

    def setUp(self):
        self._saved = dict(os.environ)
        for key in [key for key in os.environ if key.startswith("OUTHAUL_")]:
            del os.environ[key]
        run_module._context.clear()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)

    def tearDown(self):
        os.environ.clear()
        os.environ.update(self._saved)
        run_module._context.clear()

    def file(self, name, content=b"content"):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def printed(self, call, *args, **kwargs):
        """What a call prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.result = call(*args, **kwargs)
        return out.getvalue()


class Inside(Outside):
    """A test inside a run whose control folder is a temporary one."""

    def setUp(self):
        super().setUp()
        self.run_dir = os.path.join(self.folder, "control")
        os.mkdir(self.run_dir)
        self.metrics = os.path.join(self.run_dir, "metrics.jsonl")
        self.uploads = os.path.join(self.run_dir, "uploads")
        os.environ.update(
            OUTHAUL_RUN_ID="exp_1",
            OUTHAUL_RUN_NAME="brave-name",
            OUTHAUL_EXPERIMENT="exp",
            OUTHAUL_WORKSPACE="ws",
            OUTHAUL_TARGET="local",
            OUTHAUL_RUN_DIR=self.run_dir,
            OUTHAUL_METRICS_FILE=self.metrics,
            OUTHAUL_UPLOADS_DIR=self.uploads,
        )
        self.run_ = Run.get_context()

    def records(self):
        """Every record, each checked to be one whole line of strict JSON with a time; empty lines may stand between."""

        def refuse(word):
            raise AssertionError("not strict JSON: " + word)

        if not os.path.exists(self.metrics):
            return []
        with open(self.metrics, "rb") as file:
            data = file.read()
        self.assertTrue(not data or data.endswith(b"\n"))
        found = [json.loads(line, parse_constant=refuse) for line in data.split(b"\n") if line]
        for record in found:
            self.assertIsInstance(record.pop("t"), float)
        return found

    def last(self):
        return self.records()[-1]

    def uploaded(self, name):
        with open(os.path.join(self.uploads, name), "rb") as file:
            return file.read()

    def script(self, code, **env):
        """Run code in a Python process of this run."""
        return subprocess.run(
            [sys.executable, "-c", code],
            env=dict(os.environ, PYTHONPATH=PYTHON, **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            cwd=self.folder,
            timeout=60,
        )
