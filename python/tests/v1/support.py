"""What these tests share: where the facts of v1 are, and a folder of their own."""

import contextlib
import io
import json
import os
import tempfile
import unittest

from azureml.exceptions import AzureMLException

from v1 import PYTHON

REPOSITORY = os.path.dirname(PYTHON)
SHARED = os.path.join(os.path.dirname(REPOSITORY), "shared")

_facts = {}


def facts():
    """The list of v1's calls, or None with a line that says so: it does not travel with the repository."""
    path = os.path.join(SHARED, "azureml-v1", "api.json")
    if not _facts:
        if not os.path.exists(path):
            print("not run against the facts of v1: `{}` is not here".format(path))
            return None
        with open(path, encoding="utf-8") as file:
            _facts.update(json.load(file))
    return _facts


def page():
    """The page that the project began from, or None with a line that says so."""
    folder = os.path.join(SHARED, "seed")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    texts = []
    for name in names:
        if name.endswith(".txt"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                texts.append(file.read())
    if not texts:
        print("not run against the page: `{}` is not here".format(folder))
        return None
    return "\n".join(texts)


class Case(unittest.TestCase):
    """A test in a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        saved = dict(os.environ)
        here = os.getcwd()
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(saved), os.chdir(here)))
        for name in [name for name in os.environ if name.startswith(("OUTHAUL_RUN", "AZUREML_"))]:
            del os.environ[name]

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @contextlib.contextmanager
    def refused(self, kind, text):
        """The block raises this exception, whose `.message` holds the text."""
        with self.assertRaises(kind) as caught:
            yield caught
        self.assertIsInstance(caught.exception, AzureMLException)
        self.assertIn(text, caught.exception.message)

    @contextlib.contextmanager
    def printed(self):
        """Collects what the block prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            yield out
