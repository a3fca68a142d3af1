"""Promises about the package itself: old Pythons, no dependencies, light imports."""

import ast
import os
import subprocess
import sys
import unittest

from standard import is_standard
from support import PYTHON, Inside

PACKAGE = os.path.join(PYTHON, "outhaul")
HEAVY = ("json", "re", "typing", "logging", "pathlib", "uuid", "shutil", "threading", "__future__")
# What only some uses need: importing a workspace must not pay for it.
LATE = ("asyncio", "socket", "ssl", "subprocess", "threading", "http", "email", "urllib", "tempfile", "IPython", "logging")


def modules():
    for folder, _, names in sorted(os.walk(PACKAGE)):
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                yield os.path.relpath(os.path.join(folder, name), PACKAGE), ast.parse(text, name, feature_version=(3, 8))


def is_lazy(tree):
    """Whether annotations of the module are never evaluated."""
    return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)


class House(Inside):
    def test_is_typed(self):
        self.assertTrue(os.path.exists(os.path.join(PACKAGE, "py.typed")))

    def test_every_annotation_works_on_3_8(self):
        # Built-in generics and `|` fail on 3.8 when evaluated, so they may only stand in quotes.
        for name, tree in modules():
            for node in () if is_lazy(tree) else ast.walk(tree):
                for note in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                    for part in ast.walk(note) if note is not None else ():
                        self.assertNotIsInstance(part, (ast.BinOp, ast.Subscript), f"{name}:{node.lineno}")

    def test_imports_the_standard_library_only(self):
        for name, tree in modules():
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    found = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    self.assertEqual(node.level, 0)
                    found = [node.module]
                else:
                    continue
                for module in found:
                    top = module.split(".")[0]
                    own = top == "outhaul" or is_standard(top)
                    # A driver is started by Spark, which brings its package.
                    by_spark = name == "_spark_driver.py" and top == "pyspark"
                    self.assertTrue(own or by_spark, (name, module))

    def loaded(self, code):
        """The modules that a process has loaded after this code; -S keeps those of this machine's site out of it."""
        code += "\nimport sys\nprint(' '.join(sys.modules))"
        return subprocess.check_output(
            [sys.executable, "-S", "-c", code], env=dict(os.environ, PYTHONPATH=PYTHON), universal_newlines=True
        ).split()

    def test_the_package_itself_loads_nothing(self):
        bare = self.loaded("")
        self.assertEqual([name for name in self.loaded("import outhaul") if name not in bare], ["outhaul"])

    def test_a_workspace_loads_nothing_that_it_may_not_need(self):
        loaded = self.loaded("from outhaul import Workspace\nWorkspace(home='/nowhere').targets")
        self.assertIn("outhaul.workspace", loaded)
        self.assertEqual([name for name in LATE if name in loaded], [])

    def test_names_are_there_when_they_are_used(self):
        import outhaul

        for name in dir(outhaul):
            self.assertIsNotNone(getattr(outhaul, name), name)
        self.assertIs(outhaul.Run, __import__("outhaul.submitted").submitted.Run)
        with self.assertRaisesRegex(AttributeError, "no attribute 'Nothing'"):
            outhaul.Nothing
        with self.assertRaisesRegex(AttributeError, "no attribute 'Nothing'"):
            outhaul.target.Nothing

    def test_the_version_is_the_programs(self):
        import outhaul

        with open(os.path.join(os.path.dirname(PYTHON), "Cargo.toml"), encoding="utf-8") as file:
            self.assertIn(f'version = "{outhaul.__version__}"', file.read())

    def test_the_awaited_twin_has_the_same_methods(self):
        import inspect

        import outhaul.aio

        def public(kind):
            return {n: f for n, f in vars(kind).items() if not n.startswith("_") and inspect.isfunction(f)}

        for kind, twin in [
            (outhaul.Workspace, outhaul.aio.Workspace),
            (outhaul.Run, outhaul.aio.Run),
            (outhaul.Target, outhaul.aio.Target),
            (outhaul.targets.Attach, outhaul.aio.targets.Attach),
            (outhaul.targets.Targets, outhaul.aio.Targets),
            (outhaul.Model, outhaul.aio.Model),
            (outhaul.models.Models, outhaul.aio.Models),
            (outhaul.Service, outhaul.aio.Service),
            (outhaul.services.Services, outhaul.aio.Services),
            (outhaul.RunArray, outhaul.aio.RunArray),
            (outhaul.TrackedRun, outhaul.aio.TrackedRun),
        ]:
            ours, theirs = public(kind), public(twin)
            if kind is outhaul.TrackedRun:
                ours = {**public(outhaul.run.Run), **ours}
            theirs.pop("name", None)
            self.assertEqual(set(ours), set(theirs), kind)
            for name, function in ours.items():
                given, taken = (inspect.signature(one).parameters for one in (function, theirs[name]))
                if kind is outhaul.TrackedRun:
                    # Their annotations are texts of two times.
                    given, taken = ([(p.name, p.kind, p.default) for p in one.values()] for one in (given, taken))
                self.assertEqual(given, taken, (kind, name))

    def test_logging_a_number_loads_nothing_heavy(self):
        code = (
            "from outhaul.run import Run\nrun = Run.get_context()\nrun.log('x', 1.5, step=1)\n"
            "run.log_row('r', a=1)\nrun.tag('k', 'v')"
        )
        loaded = self.loaded(code)
        self.assertEqual([name for name in HEAVY if name in loaded], [])


if __name__ == "__main__":
    unittest.main()
