"""The run itself: what it knows, its children, and the same calls outside a run."""

import io
import os
import pickle
import unittest

from support import Inside, Outside

from outhaul.run import Run, RunError


class Context(Inside):
    def test_what_it_knows(self):
        run = self.run_
        self.assertIs(Run.get_context(allow_offline=False), run)
        self.assertEqual(
            (run.id, run.name, run.experiment, run.workspace, run.target), ("exp_1", "brave-name", "exp", "ws", "local")
        )
        self.assertTrue(run.is_online)
        self.assertFalse(run.offline)
        self.assertIsNone(run.parent)

    def test_given_tags(self):
        from outhaul import run as module

        for text, tags in [('{"a": "b", "n": 1}', {"a": "b", "n": "1"}), ("nonsense", {}), ("[1]", {})]:
            module._context.clear()
            os.environ["OUTHAUL_TAGS"] = text
            self.assertEqual(Run.get_context().get_tags(), tags)

    def test_the_main_run_is_not_ended_from_inside(self):
        with self.run_ as run:
            run.complete()
            run.fail("x")
            run.cancel()
            run.flush()
        self.assertEqual(self.records(), [])

    def test_missing_paths_have_defaults(self):
        from outhaul import run as module

        del os.environ["OUTHAUL_METRICS_FILE"], os.environ["OUTHAUL_UPLOADS_DIR"]
        module._context.clear()
        run = Run.get_context()
        run.log("x", 1)
        run.upload_file("f", self.file("f"))
        self.assertEqual(len(self.records()), 2)
        self.assertEqual(self.uploaded("f"), b"content")

    def test_sent_to_a_worker(self):
        child = self.run_.child_run("c")
        child.tag("k", "v")
        self.assertIs(pickle.loads(pickle.dumps(self.run_)), self.run_)
        copy = pickle.loads(pickle.dumps(child))
        copy.log("x", 1)
        self.assertEqual((copy.id, copy.parent, copy.get_tags()), (child.id, self.run_, {"k": "v"}))
        self.assertEqual(self.last()["run"], child.id)


class Children(Inside):
    def test_records(self):
        with self.run_.child_run("fold") as child:
            child.log("mse", 1)
            child.tag("k", "v")
            child.upload_file("m", self.file("m"))
            with child.child_run(run_id="grand.1") as grand:
                grand.log("mse", 2)
        self.assertEqual(
            self.records(),
            [
                {"kind": "child", "id": child.id, "name": "fold"},
                {"kind": "scalar", "run": child.id, "name": "mse", "value": 1},
                {"kind": "tag", "run": child.id, "name": "k", "value": "v"},
                {"kind": "upload", "run": child.id, "name": "m", "size": 7},
                {"kind": "child", "run": child.id, "id": "grand.1"},
                {"kind": "scalar", "run": "grand.1", "name": "mse", "value": 2},
                {"kind": "child_end", "run": "grand.1", "state": "Completed"},
                {"kind": "child_end", "run": child.id, "state": "Completed"},
            ],
        )
        self.assertRegex(child.id, "^[0-9a-hjkmnp-tv-z]{16}$")
        self.assertEqual(self.uploaded(f".children/{child.id}/m"), b"content")
        self.assertIs(grand.parent, child)
        self.assertEqual((child.name, grand.name, grand.target), ("fold", "grand.1", "local"))
        self.assertEqual(self.run_.get_tags(), {})
        self.assertEqual(self.run_.get_metrics(), {})
        self.assertEqual(child.get_metrics(), {"mse": 1})
        self.assertEqual((child.get_file_names(), self.run_.get_file_names()), (["m"], []))
        self.assertEqual(
            self.run_.get_metrics(recursive=True), {"exp_1": {}, child.id: {"mse": 1}, "grand.1": {"mse": 2}}
        )
        self.assertEqual(child.get_metrics(recursive=True), {child.id: {"mse": 1}, "grand.1": {"mse": 2}})

    def test_ends(self):
        for error, state, text in [
            (ValueError("bad alpha"), "Failed", "ValueError: bad alpha"),
            (SystemExit(3), "Failed", "SystemExit: 3"),
            (SystemExit(0), "Completed", None),
            (KeyboardInterrupt(), "Canceled", None),
        ]:
            with self.subTest(error=error):
                with self.assertRaises(type(error)):
                    with self.run_.child_run():
                        raise error
                self.assertEqual((self.last()["state"], self.last().get("error")), (state, text))

    def test_the_first_end_counts(self):
        with self.run_.child_run() as child:
            child.fail("x" * 20000)
        child.complete()
        ends = [r for r in self.records() if r["kind"] == "child_end"]
        self.assertEqual([r["state"] for r in ends], ["Failed"])
        self.assertEqual(len(ends[0]["error"]), 10000)
        other = self.run_.child_run()
        other.cancel()
        self.assertEqual(self.last(), {"kind": "child_end", "run": other.id, "state": "Canceled"})

    def test_create_children(self):
        self.assertEqual(len({child.id for child in self.run_.create_children(count=3)}), 3)
        tagged = self.run_.create_children(tag_key="alpha", tag_values=[0.1, 0.2])
        self.assertEqual([child.get_tags() for child in tagged], [{"alpha": "0.1"}, {"alpha": "0.2"}])
        for bad in ({}, {"tag_key": "a"}, {"count": 1, "tag_key": "a", "tag_values": [1]}, {"tag_values": [1]}):
            with self.subTest(arguments=bad), self.assertRaises(RunError):
                self.run_.create_children(**bad)

    def test_bad_ids(self):
        for bad in ("../x", "a/b", ".x", "", "a b", "é", "x" * 201, "---"):
            with self.subTest(id=bad), self.assertRaises(RunError):
                self.run_.child_run(run_id=bad)
        self.assertEqual(self.records(), [])


class ByHand(Outside):
    def setUp(self):
        super().setUp()
        self.run_ = Run.get_context()

    def test_context(self):
        self.assertIs(Run.get_context(), self.run_)
        self.assertTrue(self.run_.offline)
        self.assertFalse(self.run_.is_online)
        self.assertRegex(self.run_.id, "^OfflineRun_")
        with self.assertRaisesRegex(RunError, "not part of a run"):
            Run.get_context(allow_offline=False)

    def test_every_call_prints_one_line(self):
        run = self.run_
        path = self.file("m.png", b"12345")
        for line, call, arguments, named in [
            ("mse = 3295.7 (step 3)", run.log, ("mse", 3295.7), {"step": 3}),
            ("x = nan", run.log, ("x", float("nan")), {}),
            ("l = [1, 2]", run.log_list, ("l", [1, 2]), {}),
            ("r = {'a': 1}", run.log_row, ("r",), {"a": 1}),
            ("t = {'a': [1]}", run.log_table, ("t", {"a": [1]}), {}),
            ("c = {'a': 1}", run.log_confusion_matrix, ("c", '{"a": 1}'), {}),
            ("e = {'a': 1}", run.log_residuals, ("e", {"a": 1}), {}),
            ("p = {'a': 1}", run.log_predictions, ("p", {"a": 1}), {}),
            ("a = {'a': 1}", run.log_accuracy_table, ("a", {"a": 1}), {}),
            ("i = image `i.png`", run.log_image, ("i", path), {}),
            ("tag k = v", run.tag, ("k", "v"), {}),
            ("tag s = 1", run.set_tags, ({"s": 1},), {}),
            ("property k = v", run.add_properties, ({"k": "v"},), {}),
            ("would upload `m` (5 bytes)", run.upload_file, ("m", path), {}),
            ("would upload `d/m.png` (5 bytes)", run.upload_folder, ("d", self.folder), {}),
            ("would upload `s` (a stream)", run.upload_file, ("s", io.BytesIO(b"x")), {}),
            ("child run `c` started", run.child_run, ("c",), {}),
        ]:
            with self.subTest(line=line):
                self.assertEqual(self.printed(call, *arguments, **named), f"outhaul: {line}\n")
        self.assertEqual(self.printed(run.complete) + self.printed(run.flush), "")
        self.assertEqual(run.get_metrics("mse"), {"mse": 3295.7})
        self.assertEqual(run.get_metrics()["i"], "i.png")
        self.assertEqual(run.get_tags(), {"k": "v", "s": "1"})
        self.assertEqual(run.get_file_names(), ["d/m.png", "i.png", "m", "s"])
        self.assertEqual(os.listdir(self.folder), ["m.png"])

    def test_children(self):
        def fold():
            with self.run_.child_run("fold") as child:
                child.log("mse", 1)
            return child

        text = self.printed(fold)
        self.assertEqual(
            text, "outhaul: child run `fold` started\nouthaul: [fold] mse = 1\nouthaul: [fold] completed\n"
        )
        self.assertEqual(self.result.get_metrics(), {"mse": 1})
        self.assertEqual(self.run_.get_metrics(), {})

    def test_errors_are_those_of_a_run(self):
        with self.assertRaises(TypeError):
            self.run_.log("x", [1])
        with self.assertRaisesRegex(RunError, "does not exist"):
            self.run_.upload_file("m", "nowhere")
        with self.assertRaisesRegex(RunError, "relative name"):
            self.run_.upload_file("../m", self.file("m"))
        with self.assertRaisesRegex(RunError, "upload_file"):
            self.run_.log("x", "x" * (1 << 20))

    def test_long_values_are_cut(self):
        self.assertLess(len(self.printed(self.run_.log, "x", "y" * 5000)), 300)


if __name__ == "__main__":
    unittest.main()
