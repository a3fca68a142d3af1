"""Pictures of runs for notebooks, metrics by name, logs as lines, and what keeps a shown run up to date."""

import asyncio
import datetime
import sys
import types
import unittest
import unittest.mock
import xml.dom.minidom

import support  # noqa: F401  (finds the package)

from outhaul import _display, _notebook
from outhaul._client.follow import End, Heartbeat, LogPiece, StateChange
from outhaul._logs import AsyncLogs, Lines, Logs
from outhaul._model import Metrics, RunView, moment

INFO = {
    "id": "k3v9x2m4q7t0b8wz",
    "name": "<train>",
    "state": "Running",
    "target": "local",
    "experiment": "e&e",
    "ran_ms": None,
    "waiting": None,
    "failure": None,
    "tags": {},
}


def scalar(name, value, step=None):
    record = {"name": name, "kind": "scalar", "value": value, "time": 1.0}
    return record if step is None else dict(record, step=step)


def piece(data):
    return LogPiece("stdout", 0, len(data), data)


class Pictures(unittest.TestCase):
    def parsed(self, html):
        """The page as XML, which fails when a tag is left open or a text is not escaped."""
        return xml.dom.minidom.parseString(f"<x>{html.replace('&middot;', '.')}</x>")

    def test_a_run(self):
        metrics = Metrics([scalar("mse", 3.0), scalar("mse", 1.5), scalar("best", 7), scalar("note", "a<b")])
        html = _display.page(RunView(INFO), ["one", "</pre><script>x</script>"], metrics)
        document = self.parsed(html)
        self.assertEqual(document.getElementsByTagName("script"), [])
        self.assertEqual(len(document.getElementsByTagName("svg")), 1)
        text = "".join(node.data for node in walk(document) if node.nodeType == node.TEXT_NODE)
        for said in ("<train>", "Running", "e&e", "k3v9x2m4", "</pre><script>", "mse = 1.5", "best = 7", "note: a<b"):
            self.assertIn(said, text)

    def test_why_it_waits_or_failed(self):
        waits = dict(INFO, state="Queued", waiting={"reason": "2 of 2 slots <are> in use"})
        failed = dict(INFO, state="Failed", ran_ms=1500, failure={"class": "user", "message": "exit 3", "hint": "look"})
        lost = dict(INFO, contact_lost={"since": "x"})
        for info, said in [(waits, "slots &lt;are&gt;"), (failed, "exit 3 (look)"), (failed, "1.5 s"), (lost, "out of reach")]:
            html = _display.page(RunView(info), [], Metrics([]))
            self.parsed(html)
            self.assertIn(said, html)

    def test_curves_lie_on_their_canvas(self):
        inf, nan = float("inf"), float("nan")
        for values in (
            [1, 2, 3],
            [5, 5, 5],
            [0.1],
            [inf, 1, nan, 2, -inf],
            [nan, inf],
            [1e308, -1e308, 0],
            [1e-320, 0],
            list(range(5000)),
        ):
            found = _display.points(range(len(values)), values)
            self.assertEqual(bool(found), any(abs(value) < inf for value in values))
            self.assertLessEqual(len(found), 402)
            for x, y in found:
                self.assertTrue(0 <= x <= 260 and 0 <= y <= 110, (values[:5], x, y))
            self.parsed(_display.curve("m", list(range(len(values))), values))
        rising = _display.points([0, 1, 2], [1, 2, 3])
        self.assertTrue(rising[0][0] < rising[1][0] < rising[2][0] and rising[0][1] > rising[1][1] > rising[2][1])
        self.assertEqual(_display.points(range(5000), range(5000))[-1][0], 254.0)

    def test_many_curves_are_counted(self):
        metrics = Metrics([scalar(f"m{n}", v) for n in range(20) for v in (1, 2)])
        html = metrics._repr_html_()
        self.assertEqual(html.count("<svg"), 12)
        self.assertIn("and 8 more", html)
        self.assertEqual(Metrics([])._repr_html_(), "no metrics")


def walk(node):
    yield node
    for child in node.childNodes:
        yield from walk(child)


class MetricsByName(unittest.TestCase):
    def test_shapes_are_those_inside_a_run(self):
        metrics = Metrics(
            [
                scalar("mse", 1.0),
                scalar("mse", "NaN"),
                scalar("one", 5),
                {"name": "l", "kind": "list", "value": [1, "Infinity"]},
                {"name": "row", "kind": "row", "value": {"a": 1, "b": 2}},
                {"name": "tab", "kind": "table", "value": {"x": [1, 2]}},
                {"name": "pic", "kind": "image", "value": "pic.png"},
                {"name": "cm", "kind": "confusion_matrix", "value": {"a": 1}},
            ]
        )
        self.assertEqual(str(metrics["mse"]), "[1.0, nan]")
        self.assertEqual(
            {name: metrics[name] for name in list(metrics)[1:]},
            {"one": 5, "l": [1, float("inf")], "row": {"a": 1, "b": 2}, "tab": {"x": [1, 2]}, "pic": "pic.png", "cm": {"a": 1}},
        )
        self.assertEqual(len(metrics), 7)

    def test_series(self):
        metrics = Metrics([scalar("m", 1.0, 10), scalar("m", 2.0, 20), scalar("t", "x"), scalar("n", 1), scalar("n", 2)])
        self.assertEqual((metrics.series("m").steps, metrics.series("m").values), ([10, 20], [1.0, 2.0]))
        self.assertEqual(metrics.series("n").steps, [0, 1])
        self.assertEqual(metrics.series("t").values, [])
        with self.assertRaises(KeyError):
            metrics.series("absent")

    def test_times(self):
        utc = datetime.timezone.utc
        self.assertEqual(moment("2026-11-27T13:46:42.180516189Z"), datetime.datetime(2026, 11, 27, 13, 46, 42, 180516, utc))
        self.assertEqual(moment("2026-11-27T13:46:42Z"), datetime.datetime(2026, 11, 27, 13, 46, 42, 0, utc))
        self.assertIsNone(moment(None))

    def test_lists_tell_less(self):
        view = RunView({"id": "k3v9x2m4q7t0b8wz", "name": "n", "state": "Failed", "target": "t", "exit_code": 3})
        self.assertEqual((view.exit_code, view.has_ended), (3, True))
        with self.assertRaisesRegex(AttributeError, "await run.refresh"):
            view.failure


class LogLines(unittest.TestCase):
    def test_lines_in_any_pieces(self):
        data = "eins\nzwei ä\r\n\nlast".encode() + b"\xff"
        for size in range(1, len(data) + 1):
            pieces = [piece(data[at : at + size]) for at in range(0, len(data), size)]
            logs = Logs(lambda: iter(pieces + [End(None)]))
            self.assertEqual(list(logs), ["eins", "zwei ä", "", "last\ufffd"], size)
            self.assertEqual("".join(logs.chunks()), data.decode("utf-8", "replace"))
            self.assertEqual((logs.bytes(), str(logs)), (data, data.decode("utf-8", "replace")))

            async def walked():
                async def items():
                    for one in pieces:
                        yield one

                logs = AsyncLogs(items)
                return [line async for line in logs], await logs.bytes()

            self.assertEqual(asyncio.run(walked()), (["eins", "zwei ä", "", "last\ufffd"], data))
        self.assertEqual(Lines().push(b"", final=True), [])
        self.assertEqual(list(Logs(lambda: iter([piece(b"a\n")]))), ["a"])


class Notebook(unittest.TestCase):
    def test_pictures_are_drawn_on_changes_and_now_and_then(self):
        now = [0.0]

        def items():
            yield piece(b"a\n")
            yield piece(b"b\n")
            now[0] = 0.5
            yield piece(b"c\n")
            yield StateChange({})
            now[0] = 1.6
            yield piece(b"d\nrest")
            yield Heartbeat()
            yield End({})

        drawn = list(_notebook.pictures(items(), lambda: now[0]))
        self.assertEqual(
            drawn, [["a"], ["a", "b", "c"], ["a", "b", "c", "d"], ["a", "b", "c", "d"], ["a", "b", "c", "d", "rest"]]
        )

    def test_only_a_kernel_shows_html(self):
        plain = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace())
        kernel = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=object()))
        for module, expected in [(plain, False), (kernel, True), (types.SimpleNamespace(get_ipython=lambda: None), False)]:
            with unittest.mock.patch.dict(sys.modules, IPython=module):
                self.assertEqual(_notebook.in_notebook(), expected)
        with unittest.mock.patch.dict(sys.modules):
            sys.modules.pop("IPython", None)
            self.assertFalse(_notebook.in_notebook())


if __name__ == "__main__":
    unittest.main()
