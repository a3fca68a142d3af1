"""Our modules against the list of v1's calls: names, parameters, defaults. The share that is covered is printed."""

import importlib
import inspect
import unittest

from v1.support import facts

from outhaul_azureml import planned, table
from outhaul_azureml.table import make


def raw(owner, name):
    """A member as it stands in the class, found through its bases."""
    for base in owner.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def signature_of(member):
    target = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
    return inspect.signature(target)


def parameters(signature):
    return [one for one in signature.parameters.values()]


class Differences:
    """What was compared, and what was not as it should be."""

    def __init__(self):
        self.wrong = []
        self.works = 0
        self.planned = 0

    def count(self, is_planned):
        if is_planned:
            self.planned += 1
        else:
            self.works += 1

    def compare(self, qualified, text, member, whole=False):
        if member is None:
            self.wrong.append("{} is missing".format(qualified))
            return
        self.count(whole or planned.is_planned(member))
        wanted = planned.signature(text)
        try:
            ours = signature_of(member)
        except (TypeError, ValueError) as error:
            self.wrong.append("{} has no signature: {}".format(qualified, error))
            return
        kinds = {"static": staticmethod, "class": classmethod}
        asked = kinds.get(text.split()[0]) if not text.startswith("(") else None
        if asked and not isinstance(member, asked):
            self.wrong.append("{} is no {}".format(qualified, asked.__name__))
        if asked is None and isinstance(member, (staticmethod, classmethod)):
            self.wrong.append("{} is bound otherwise than in v1".format(qualified))
        for one, other in zip(parameters(wanted), parameters(ours)):
            if one.name != other.name or one.kind != other.kind:
                if one.name in ("self", "cls") and other.name in ("self", "cls"):
                    continue
                self.wrong.append("{}: {} where v1 has {}".format(qualified, other, one))
                return
            if isinstance(one.default, planned.Expression):
                if other.default is inspect.Parameter.empty:
                    self.wrong.append("{}: {} has no default".format(qualified, one.name))
            elif one.default != other.default or type(one.default) is not type(other.default):
                self.wrong.append("{}: {} where v1 has {}".format(qualified, other, one))
        if len(parameters(wanted)) != len(parameters(ours)):
            self.wrong.append("{}: {} where v1 has {}".format(qualified, ours, wanted))


class Signatures(unittest.TestCase):
    def test_the_table_is_made_of_the_facts(self):
        found = facts()
        if found is None:
            self.skipTest("the facts of v1 are not here")
        with open(table.__file__.replace("__init__.py", "v1.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), make.text(found), "run `python -m outhaul_azureml.table.make` anew")

    def test_every_call_is_there_with_its_parameters_and_defaults(self):
        shares = {}
        wrong = []
        for module_name, entry in table.modules().items():
            found = shares.setdefault(entry["area"], Differences())
            module = importlib.import_module(module_name)
            for name, text in entry["functions"].items():
                found.compare("{}.{}".format(module_name, name), text, getattr(module, name, None))
            for name, one in entry["classes"].items():
                self.compare_class(found, module, "{}.{}".format(module_name, name), name, one)
        for area, found in shares.items():
            wrong.extend(found.wrong)
        self.tell(shares)
        self.maxDiff = None
        self.assertEqual(wrong, [])

    def compare_class(self, found, module, qualified, name, entry):
        cls = getattr(module, name, None)
        if cls is None:
            found.wrong.append("{} is missing".format(qualified))
            return
        # Of a class that cannot be made, what it inherits does not work either.
        whole = "__outhaul_planned__" in vars(cls)
        for method, text in entry["methods"].items():
            member = raw(cls, method)
            if method == "__init__" and member is object.__init__:
                member = None if text != "(self)" else cls.__init__
                if member is not None:
                    found.works += 1
                    continue
            found.compare("{}.{}".format(qualified, method), text, member, whole)
        for attribute in entry.get("properties", []):
            member = raw(cls, attribute)
            if member is None:
                found.wrong.append("{}.{} is missing".format(qualified, attribute))
            else:
                found.count(whole or planned.is_planned(member))
        for inner in entry.get("nested", {}):
            if not hasattr(cls, inner):
                found.wrong.append("{}.{} is missing".format(qualified, inner))

    def tell(self, shares):
        """How much works, by area."""
        print()
        total = [0, 0]
        for area, found in shares.items():
            known = found.works + found.planned
            total = [total[0] + found.works, total[1] + known]
            print("v1 calls, {:26} {:4} of {:4} work".format(area + ":", found.works, known))
        print("v1 calls, {:26} {:4} of {:4} work ({:.0%})".format("all:", total[0], total[1], total[0] / total[1]))

    def test_public_names_can_be_imported(self):
        found = facts()
        if found is None:
            self.skipTest("the facts of v1 are not here")
        for name, names in found["resolved_values"].items():
            if name.endswith(".__all__"):
                module = importlib.import_module(name[: -len(".__all__")])
                for one in names:
                    self.assertIsNotNone(getattr(module, one), (name, one))

    def test_values_are_those_of_v1(self):
        found = facts()
        if found is None:
            self.skipTest("the facts of v1 are not here")
        compared = 0
        for name, value in found["resolved_values"].items():
            place, _, last = name.rpartition(".")
            if not place.startswith("azureml.core.") or last == "__all__" or place.endswith("Model"):
                continue
            self.assertEqual(getattr(importlib.import_module(place), last), value, name)
            compared += 1
        self.assertGreaterEqual(compared, 10)

    def test_exceptions_derive_as_in_v1(self):
        found = facts()
        if found is None:
            self.skipTest("the facts of v1 are not here")
        module = importlib.import_module("azureml.exceptions")
        for name, line in found["resolved_values"]["exception_mro"].items():
            ours = [one.__name__ for one in getattr(module, name).__mro__ if one is not object]
            self.assertEqual(ours, line)


if __name__ == "__main__":
    unittest.main()
