"""Metrics logged inside a run: the records written and the shapes read back."""

import math
import unittest
from decimal import Decimal
from enum import IntEnum

from support import FakeArray, FakeScalar, Inside

from outhaul.run import RunError


class Level(IntEnum):
    HIGH = 3


class Scalars(Inside):
    def test_record(self):
        self.run_.log("mse", 3.5, "error", step=2)
        self.assertEqual(
            self.records(), [{"kind": "scalar", "name": "mse", "value": 3.5, "step": 2, "description": "error"}]
        )

    def test_values(self):
        for given, kept in [
            (1, 1), (1.5, 1.5), (True, True), ("text", "text"), (0.1 + 0.2, 0.1 + 0.2), (1e300, 1e300),
            (FakeScalar(2.5), 2.5), (FakeScalar(True), True), (FakeArray([7]), 7), (Decimal("1.25"), 1.25),
            (Level.HIGH, 3), (2 ** 64 - 1, 2 ** 64 - 1), (2 ** 70, float(2 ** 70)), (-(2 ** 63), -(2 ** 63)),
            (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (FakeScalar(math.nan), "NaN"),
            ('a "b" \\ \n\t\x01 é 漢 \U0001f600', 'a "b" \\ \n\t\x01 é 漢 \U0001f600'), ("\ud800", "?"),
        ]:
            with self.subTest(given=given):
                self.run_.log("x", given)
                self.assertEqual(self.last()["value"], kept)
                self.assertIs(type(self.last()["value"]), type(kept))

    def test_refused_values_leave_nothing(self):
        for value in (None, [1], (1,), {"a": 1}, object(), 1j, FakeScalar(1j), FakeArray([1, 2]), b"x", range(2)):
            with self.subTest(value=value), self.assertRaises(TypeError) as caught:
                self.run_.log("loss", value)
            self.assertIn("metric `loss`", str(caught.exception))
            self.assertIn(type(value).__name__, str(caught.exception))
        with self.assertRaisesRegex(RunError, "too large"):
            self.run_.log("loss", 10 ** 400)
        self.assertEqual(self.records(), [])

    def test_names(self):
        with self.assertRaisesRegex(TypeError, "metric name must be text, not `int`"):
            self.run_.log(3, 1)
        with self.assertRaisesRegex(RunError, "empty"):
            self.run_.log("", 1)

    def test_steps(self):
        for given, kept in [(0, 0), (3.0, 3), (FakeScalar(4.0), 4), (Level.HIGH, 3)]:
            self.run_.log("x", 1, step=given)
            self.assertEqual(self.last()["step"], kept)
        for bad in (1.5, "1", True, math.inf, math.nan, [1]):
            with self.subTest(step=bad), self.assertRaisesRegex(TypeError, "metric `x`: the step"):
                self.run_.log("x", 1, step=bad)
        with self.assertRaisesRegex(RunError, "64 bits"):
            self.run_.log("x", 1, step=2 ** 63)

    def test_oversize(self):
        with self.assertRaisesRegex(RunError, "metric `big` takes .*upload_file"):
            self.run_.log("big", "x" * (1 << 20))
        with self.assertRaisesRegex(RunError, "tag `big`"):
            self.run_.tag("big", "x" * (1 << 20))
        self.assertIsInstance(RunError("x"), ValueError)
        self.assertEqual(self.run_.get_tags(), {})
        self.run_.log("fits", "x" * ((1 << 20) - 100))
        self.assertEqual([r["name"] for r in self.records()], ["fits"])


class Compound(Inside):
    def test_list(self):
        self.run_.log_list("l", [1, math.nan, "a", FakeScalar(2)])
        self.assertEqual(self.last(), {"kind": "list", "name": "l", "value": [1, "NaN", "a", 2]})
        for value in (FakeArray([1, 2]), (1, 2), range(1, 3), (i for i in (1, 2)), {1: 0, 2: 0}.values()):
            if not isinstance(value, type({}.values())):
                self.run_.log_list("l", value)
                self.assertEqual(self.last()["value"], [1, 2])
        for bad in (3, "abc", b"abc", {"a": 1}, [[1], [2]], [None], FakeArray([[1], [2]])):
            with self.subTest(value=bad), self.assertRaisesRegex(TypeError, "metric `l`"):
                self.run_.log_list("l", bad)

    def test_row(self):
        self.run_.log_row("fit", alpha=FakeScalar(0.5), ok=True)
        self.assertEqual(self.last(), {"kind": "row", "name": "fit", "value": {"alpha": 0.5, "ok": True}})
        self.run_.log_row("fit", "about", alpha=1)
        self.assertEqual(self.last()["description"], "about")
        with self.assertRaisesRegex(RunError, "at least one column"):
            self.run_.log_row("fit")
        with self.assertRaisesRegex(TypeError, "metric `fit`, column `bad`"):
            self.run_.log_row("fit", bad={})

    def test_table(self):
        self.run_.log_table("t", {"x": [1, 2], "y": FakeArray([3, math.inf]), 5: [0, 0]})
        self.assertEqual(
            self.last(), {"kind": "table", "name": "t", "value": {"x": [1, 2], "y": [3, "Infinity"], "5": [0, 0]}}
        )
        with self.assertRaisesRegex(RunError, "one length; `x` has 1, `y` has 2"):
            self.run_.log_table("t", {"x": [1], "y": [1, 2]})
        for bad in ([1], {"x": 1}, "text"):
            with self.subTest(value=bad), self.assertRaisesRegex(TypeError, "metric `t`"):
                self.run_.log_table("t", bad)

    def test_documents(self):
        for kind in ("confusion_matrix", "residuals", "predictions", "accuracy_table"):
            call = getattr(self.run_, "log_" + kind)
            call("d", {"data": {"m": FakeArray([[1, 2], [3, None]]), "n": (math.nan,)}})
            self.assertEqual(
                self.last(), {"kind": kind, "name": "d", "value": {"data": {"m": [[1, 2], [3, None]], "n": ["NaN"]}}}
            )
            call("d", '{"a": [1, NaN]}')
            self.assertEqual(self.last()["value"], {"a": [1, "NaN"]})
            with self.assertRaisesRegex(RunError, "metric `d`: the text is not JSON"):
                call("d", "{")
            for bad in ("[1]", 3, {"a": object()}):
                with self.assertRaisesRegex(TypeError, "metric `d`"):
                    call("d", bad)
        loop = {}
        loop["again"] = loop
        with self.assertRaisesRegex(RunError, "nested"):
            self.run_.log_residuals("d", loop)

    def test_tags_and_properties(self):
        self.run_.tag("a")
        self.run_.tag("b", 0.25)
        self.run_.set_tags({"c": True, "b": "x"})
        self.run_.add_properties({"p": FakeScalar(3)})
        self.assertEqual(self.run_.get_tags(), {"a": "", "b": "x", "c": "True"})
        self.assertEqual(self.run_.get_properties(), {"p": "3"})
        self.assertEqual(self.records()[0], {"kind": "tag", "name": "a", "value": ""})
        self.assertEqual(self.last(), {"kind": "property", "name": "p", "value": "3"})
        with self.assertRaisesRegex(TypeError, "tag `t`"):
            self.run_.tag("t", [1])
        with self.assertRaisesRegex(TypeError, "tags must be a dict"):
            self.run_.set_tags(["t"])


class ReadBack(Inside):
    def test_shapes(self):
        run = self.run_
        run.log("one", 1)
        run.log("many", 1)
        run.log("many", math.nan)
        run.log_list("list", [1, 2])
        run.log_list("list", [3])
        run.log_list("single", [4])
        run.log_row("row", a=1, b=2)
        run.log_row("rows", a=1)
        run.log_row("rows", a=2, b=3)
        run.log_table("table", {"x": [1], "y": [2]})
        run.log("mixed", 1)
        run.log_row("mixed", a=2)
        run.log_residuals("doc", {"a": 1})
        run.tag("not", "a metric")
        got = run.get_metrics()
        self.assertTrue(math.isnan(got["many"].pop()))
        self.assertEqual(
            got,
            {
                "one": 1, "many": [1], "list": [1, 2, 3], "single": 4, "row": {"a": 1, "b": 2},
                "rows": {"a": [1, 2], "b": [3]}, "table": {"x": [1], "y": [2]}, "mixed": [1, {"a": 2}], "doc": {"a": 1},
            },
        )
        self.assertEqual(run.get_metrics("one"), {"one": 1})
        self.assertEqual(run.get_metrics(name="unknown"), {})

    def test_nothing_logged(self):
        self.assertEqual(self.run_.get_metrics(), {})
        self.assertEqual(self.run_.get_file_names(), [])

    def test_fragments_are_skipped(self):
        with open(self.metrics, "wb") as file:
            file.write(b'\n{"t":1,"kind":"scalar","name":"lost","va')
        self.run_.log("kept", 1)
        self.assertEqual(self.run_.get_metrics(), {"kept": 1})


if __name__ == "__main__":
    unittest.main()
