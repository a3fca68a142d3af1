"""Runs that a Python process plays, against the real program: metrics, tags, files, children, ends."""

import contextlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import unittest

import support
from served import PROGRAM, Served

import outhaul
from outhaul import errors
from outhaul.run import RunError
from outhaul._ops.runs import experiment_of


class Tracked(Served):
    def test_what_is_said_is_there(self):
        path = os.path.join(self.work, "model.pkl")
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 4000)
        with self.ws.start_run("ridge", name="by-hand", tags={"a": 1}, properties={"data": "v1"}) as run:
            seen = run.watch()
            self.assertEqual((seen.state, seen.name, seen.experiment), ("Running", "by-hand", "ridge"))
            for step in range(5):
                run.log("mse", 5.0 - step, step=step)
            run.log_metrics({"x": 1, "y": float("inf")}, step=3)
            run.log_row("fit", alpha=0.1, mse=3)
            run.log_table("tab", {"p": [1, 2]})
            run.log_list("l", [1, 2])
            run.log_confusion_matrix("cm", {"a": 1})
            run.tag("model", "ridge")
            run.set_tags({"gone": "soon"})
            run.remove_tag("gone")
            run.add_properties({"rows": 7})
            run.upload_file("models/model.pkl", path)
            run.upload_file("note.txt", io.BytesIO(b"a note"))
            run.log_image("plot", path=self.picture())
            run.log_image("plot", path=self.picture())
            metrics = run.get_metrics()
            self.assertEqual(metrics["mse"], [5.0, 4.0, 3.0, 2.0, 1.0])
            self.assertEqual((metrics["x"], metrics["y"], metrics["fit"]), (1, float("inf"), {"alpha": 0.1, "mse": 3}))
            self.assertEqual(metrics["plot"], ["plot.png", "plot-2.png"])
            self.assertEqual(run.get_metrics("x"), {"x": 1})
            self.assertEqual(run.get_file_names(), ["models/model.pkl", "note.txt", "plot-2.png", "plot.png"])
        self.assertEqual(seen.state, "Completed")
        self.assertEqual(seen.metrics().series("mse").steps, [0, 1, 2, 3, 4])
        self.assertEqual((seen.tags["a"], seen.tags["model"], "gone" in seen.tags), ("1", "ridge", False))
        self.assertEqual(seen.read("models/model.pkl"), bytes(range(256)) * 4000)
        self.assertEqual(seen.read("note.txt"), b"a note")
        self.assertIn("mse", run._repr_html_())
        self.assertEqual(run.dropped_records, 0)
        # What has ended has ended; the first end counts.
        run.fail("late")
        with self.assertRaises(errors.ConflictError):
            run.log("mse", 1)
        self.assertEqual(seen.refresh().state, "Completed")

    def picture(self):
        path = os.path.join(self.work, "p.png")
        with open(path, "wb") as file:
            file.write(b"png")
        return path

    def test_ends(self):
        for error, state, says in [
            (ValueError("bad alpha"), "Failed", "ValueError: bad alpha"),
            (KeyboardInterrupt(), "Canceled", None),
            (SystemExit(0), "Completed", None),
        ]:
            with self.subTest(state=state):
                with self.assertRaises(type(error)):
                    with self.ws.start_run("ends") as run:
                        raise error
                seen = run.watch()
                self.assertEqual(seen.state, state)
                if says:
                    self.assertIn(says, seen.failure.message)

    def test_children(self):
        with self.ws.start_run("folds") as run:
            for fold in range(2):
                with run.child_run(f"fold-{fold}") as child:
                    child.log("mse", fold)
                    child.tag("fold", fold)
                    child.upload_file("m", io.BytesIO(b"x"))
            left = run.child_run("left")
            below = run.get_metrics(recursive=True)
        children = run.watch().children()
        self.assertEqual(sorted(child.name for child in children), ["fold-0", "fold-1", "left"])
        self.assertEqual({child.experiment for child in children}, {"folds"})
        self.assertEqual(left.watch().state, "Completed")
        self.assertEqual(sorted(str(m) for m in below.values()), ["{'mse': 0}", "{'mse': 1}", "{}", "{}"])
        self.assertIs(left.parent, run)
        self.assertEqual(len(run.create_children(count=0)), 0)

    def test_a_canceled_one_hears_of_it(self):
        run = self.ws.start_run("cancel")
        self.ws.get_run(run.id).cancel()
        with self.assertRaises(errors.ConflictError):
            run.log("x", 1)

    def test_wrong_calls_change_nothing(self):
        run = self.ws.start_run("wrong")
        for call, kind in [
            (lambda: run.log("x", [1]), TypeError),
            (lambda: run.log("", 1), RunError),
            (lambda: run.upload_file("../m", self.picture()), RunError),
            (lambda: run.upload_file("m", "nowhere"), RunError),
            (lambda: run.add_properties({"a": 1}) or run.add_properties({"a": 2}), errors.ConflictError),
            (lambda: self.ws.start_run("a b"), errors.BadRequestError),
        ]:
            with self.assertRaises(kind):
                call()
        self.assertEqual((run.get_metrics(), run.get_file_names()), ({}, []))
        run.complete()

    def test_the_server_may_die(self):
        with self.ws.start_run("dies") as run:
            run.log("x", 1)
            os.kill(self.ws._client.request("GET", "/server")["pid"], signal.SIGKILL)
            run.log("x", 2)
            os.kill(self.ws._client.request("GET", "/server")["pid"], signal.SIGKILL)
            run.upload_file("f", io.BytesIO(b"content"))
        self.assertEqual((run.get_metrics()["x"], run.watch().read("f"), run.dropped_records), ([1, 2], b"content", 0))

    def test_a_server_that_cannot_be_had_ends_no_training(self):
        ws = outhaul.Workspace(home=self.another_home("lost"), program=PROGRAM)
        run = ws.start_run("lost")
        pid = ws._client.request("GET", "/server")["pid"]
        ws._client.request("POST", "/server/stop")
        ws._client.core.starts = False
        ws._client.close()
        # Until it has ended it may still take what it is told.
        support.wait_for_end(pid)
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            run.log("x", 1)
            run.log("x", 2)
        self.assertEqual(run.dropped_records, 2)
        self.assertEqual(told.getvalue().count("was lost"), 1)

    def test_sent_to_a_worker(self):
        with self.ws.start_run("worker") as run:
            code = "import pickle, sys\nrun = pickle.load(sys.stdin.buffer)\nrun.log('x', 7)"
            subprocess.run([sys.executable, "-c", code], input=pickle.dumps(run), env={"PYTHONPATH": support.PYTHON}, check=True)
            self.assertEqual(run.get_metrics(), {"x": 7})

    def test_experiments_are_named_after_the_folder(self):
        for folder, name in [("/a/my project", "my-project"), ("/a/.x-", "x"), ("/", "default"), ("/a/ä", "default"), ("/a/b.c_1", "b.c_1")]:
            self.assertEqual(experiment_of(folder), name)
        self.assertTrue(json.dumps(experiment_of("/x" * 400)))


if __name__ == "__main__":
    unittest.main()
