"""Promises about the packages themselves: old Pythons, no dependencies, a tree that only names things."""

import ast
import os
import unittest

from standard import is_standard
from v1 import PYTHON

LAZY = ("pandas",)
"""Imported inside a function, when the user's own call needs it."""
LONGEST = 500


def modules(package):
    for folder, _, names in sorted(os.walk(os.path.join(PYTHON, package))):
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                yield os.path.relpath(path, PYTHON), text, ast.parse(text, path, feature_version=(3, 8))


def everything():
    for package in ("azureml", "outhaul_azureml"):
        yield from modules(package)


class House(unittest.TestCase):
    def test_every_annotation_works_on_3_8(self):
        for name, _, tree in everything():
            for node in ast.walk(tree):
                for note in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                    for part in ast.walk(note) if note is not None else ():
                        self.assertNotIsInstance(part, (ast.BinOp, ast.Subscript), "{}:{}".format(name, node))

    def test_imports_the_standard_library_only(self):
        for name, _, tree in everything():
            inside = {
                id(part) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for part in ast.walk(node)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    found = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    self.assertEqual(node.level, 0, name)
                    found = [node.module]
                else:
                    continue
                for module in found:
                    top = module.split(".")[0]
                    if top in LAZY:
                        self.assertIn(id(node), inside, name)
                        continue
                    self.assertTrue(
                        top in ("outhaul", "outhaul_azureml") or is_standard(top), (name, module)
                    )

    def test_every_file_says_what_it_is_and_is_no_longer_than_it_should(self):
        for name, text, tree in everything():
            self.assertTrue(ast.get_docstring(tree), name)
            self.assertLessEqual(text.count("\n"), LONGEST, name)

    def test_what_people_call_says_what_it_does(self):
        for name, _, tree in modules("outhaul_azureml"):
            for node in tree.body:
                members = node.body if isinstance(node, ast.ClassDef) else []
                for one in [node] + members:
                    named = isinstance(one, (ast.FunctionDef, ast.ClassDef)) and not one.name.startswith("_")
                    # The setter of a property says no more than the property.
                    setter = named and any(isinstance(d, ast.Attribute) for d in one.decorator_list)
                    if named and not setter:
                        self.assertTrue(ast.get_docstring(one), "{}: {}".format(name, one.name))

    def test_the_tree_of_v1s_names_holds_nothing_itself(self):
        for name, _, tree in modules("azureml"):
            for node in tree.body:
                self.assertNotIsInstance(node, (ast.FunctionDef, ast.ClassDef), name)


if __name__ == "__main__":
    unittest.main()
