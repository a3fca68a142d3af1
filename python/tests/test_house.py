"""Promises about the package itself: old Pythons, no dependencies, light imports."""

import ast
import os
import subprocess
import sys
import unittest

from support import PYTHON, Inside

PACKAGE = os.path.join(PYTHON, "outhaul")
HEAVY = ("json", "re", "typing", "logging", "pathlib", "uuid", "shutil", "threading", "__future__")


def modules():
    for name in sorted(os.listdir(PACKAGE)):
        if name.endswith(".py"):
            with open(os.path.join(PACKAGE, name), encoding="utf-8") as file:
                yield name, ast.parse(file.read(), filename=name, feature_version=(3, 8))


class House(Inside):
    def test_is_typed(self):
        self.assertTrue(os.path.exists(os.path.join(PACKAGE, "py.typed")))

    def test_every_annotation_works_on_3_8(self):
        # Built-in generics and `|` fail on 3.8 when evaluated, so they may only stand in quotes.
        for name, tree in modules():
            for node in ast.walk(tree):
                for note in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                    for part in ast.walk(note) if note is not None else ():
                        self.assertNotIsInstance(part, (ast.BinOp, ast.Subscript), f"{name}:{node.lineno}")

    @unittest.skipUnless(hasattr(sys, "stdlib_module_names"), "needs Python 3.10")
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
                    own = top == "outhaul" or top in sys.stdlib_module_names
                    # A driver is started by Spark, which brings its package.
                    by_spark = name == "_spark_driver.py" and top == "pyspark"
                    self.assertTrue(own or by_spark, (name, module))

    def test_logging_a_number_loads_nothing_heavy(self):
        # -S keeps what this machine's site-packages load out of the answer.
        code = (
            "import sys\nfrom outhaul.run import Run\nrun = Run.get_context()\nrun.log('x', 1.5, step=1)\n"
            "run.log_row('r', a=1)\nrun.tag('k', 'v')\nprint(' '.join(sys.modules))"
        )
        loaded = subprocess.check_output(
            [sys.executable, "-S", "-c", code], env=dict(os.environ, PYTHONPATH=PYTHON), universal_newlines=True
        ).split()
        self.assertEqual([name for name in HEAVY if name in loaded], [])


if __name__ == "__main__":
    unittest.main()
