"""`Run.get_context()` inside a run (records and files in the run's folder) and outside (printed)."""

import json
import os
import unittest

from azureml.core import Run
from azureml.core.run import _OfflineRun, _SubmittedRun
from azureml.exceptions import AzureMLException, RunEnvironmentException, UserErrorException
from outhaul import run as own
from outhaul_azureml.planned import NotYetException
from outhaul_azureml.run import inside

from v1.support import Case


class Offline(Case):
    def test_outside_a_run_calls_print(self):
        run = Run.get_context()
        self.assertIsInstance(run, _OfflineRun)
        self.assertRegex(run.id, "^OfflineRun_[0-9a-f]{8}-[0-9a-f]{4}-4")
        with self.printed() as out:
            run.log("acc", 0.5)
        self.assertEqual(out.getvalue(), "Attempted to log scalar metric acc:\n0.5\n")
        with self.printed() as out:
            run.log_list("l", [1])
            run.log_row("r", a=1)
            run.log_table("t", {"a": [1]})
            run.log_image("i", path="a.png")
            run.log_residuals("x", {})
            run.log_predictions("x", {})
            run.log_accuracy_table("x", {})
            run.log_confusion_matrix("x", {})
            run.upload_file("a", "b")
            run.upload_files(["a"], ["b"])
            run.upload_folder("a", "b")
            run.tag("a", 1)
            run.set_tags({"b": 2})
            run.add_properties({"c": 3})
            with run.child_run() as child:
                child.complete()
            run.fail()
            run.cancel()
            run.flush()
        self.assertEqual(len(out.getvalue().splitlines()), 22)
        with self.refused(RunEnvironmentException, "not started by a run"):
            Run.get_context(allow_offline=False)


class Inside(Case):
    def setUp(self):
        super().setUp()
        own._context.clear()
        inside._context.clear()
        self.addCleanup(own._context.clear)
        self.addCleanup(inside._context.clear)
        os.environ.update(
            OUTHAUL_RUN_ID="abc",
            OUTHAUL_RUN_NAME="brave",
            OUTHAUL_EXPERIMENT="exp",
            OUTHAUL_WORKSPACE="ws",
            OUTHAUL_RUN_DIR=self.folder,
            OUTHAUL_TAGS='{"a": "1"}',
            AZUREML_ARM_SUBSCRIPTION="s",
            AZUREML_DATAREFERENCE_mnist="/data/mnist",
        )
        self.run_ = Run.get_context()

    def records(self):
        path = os.path.join(self.folder, "metrics.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            found = [json.loads(line) for line in file if line.strip()]
        for one in found:
            one.pop("t")
        return found

    def test_what_it_is(self):
        run = self.run_
        self.assertIsInstance(run, _SubmittedRun)
        self.assertIs(Run.get_context(), run)
        self.assertEqual((run.id, run.name, run.parent, run.status), ("abc", "brave", None, "Running"))
        self.assertEqual((run.experiment.name, run.experiment.workspace.name), ("exp", "ws"))
        self.assertEqual(run.experiment.workspace.subscription_id, "s")
        with self.refused(UserErrorException, "Inside a run"):
            run.experiment.workspace.compute_targets
        with self.refused(UserErrorException, "Inside a run"):
            run.get_details()

    def test_metrics(self):
        run = self.run_
        run.log("a", 1)
        run.log("a", 2.5, step=3)
        run.log("none", None)
        run.log("odd", ValueError("x"))
        run.log_list("l", [1, 2])
        run.log_row("r", x=1, y="b")
        run.log_table("t", {"x": [1, 2], "y": [3, 4]})
        run.log_confusion_matrix("c", {"schema_type": "confusion_matrix", "data": {}})
        self.assertEqual(
            run.get_metrics(),
            {
                "a": [1, 2.5],
                "odd": "x",
                "l": [1, 2],
                "r": {"x": 1, "y": "b"},
                "t": {"x": [1, 2], "y": [3, 4]},
                "c": {"schema_type": "confusion_matrix", "data": {}},
            },
        )
        self.assertEqual(run.get_metrics("a"), {"a": [1, 2.5]})
        self.assertEqual(run.get_metrics("nothing"), {})
        self.assertIn({"kind": "scalar", "name": "a", "value": 2.5, "step": 3}, self.records())

    def test_what_is_refused(self):
        run = self.run_
        for call, kind, words in [
            (
                lambda: run.log("a", [1]),
                UserErrorException,
                "run.log does not support list type. Use run.log_list instead",
            ),
            (lambda: run.log("a", range(2)), UserErrorException, "run.log does not support range type"),
            (lambda: run.log("a", (x for x in [])), UserErrorException, "run.log does not support generator type"),
            (lambda: run.log("", 1), UserErrorException, "empty"),
            (lambda: run.log_row("r", a={}), AzureMLException, "dict"),
            (lambda: run.log_row("r"), UserErrorException, "column"),
            (lambda: run.log_table("t", {"a": [1], "b": [1, 2]}), AzureMLException, "one length"),
            (lambda: run.log_table("t", [1]), UserErrorException, "dict"),
            (lambda: run.log_list("l", 3), UserErrorException, "list"),
            (lambda: run.log_image("i"), UserErrorException, "one of them is required"),
            (lambda: run.log_image("i", plot=3), UserErrorException, "matplotlib"),
            (lambda: run.log_residuals("x", "no json"), UserErrorException, "not JSON"),
            (lambda: run.upload_file("../a", __file__), UserErrorException, ".."),
            (lambda: run.upload_file("a", "missing"), UserErrorException, "does not exist"),
            (lambda: run.upload_files(["a"], []), UserErrorException, "1 names for 0 paths"),
            (lambda: run.upload_file("a", __file__, "store"), NotYetException, "datastores"),
            (lambda: run.create_children(), UserErrorException, "count"),
            (lambda: run.create_children(101), UserErrorException, "100"),
            (lambda: run.set_tags([1]), UserErrorException, "dict"),
        ]:
            with self.refused(kind, words):
                call()
        self.assertEqual(self.records(), [])

    def test_files_and_images(self):
        run = self.run_
        picture = self.write("p.png", "png")

        class Figure:
            def savefig(self, path, format):
                with open(path, "w", encoding="utf-8") as file:
                    file.write("drawn")

        run.upload_file("outputs/a.txt", self.write("a.txt", "A"))
        run.upload_folder("f", os.path.dirname(self.write("d/b.txt", "B")))
        run.log_image("one", path=picture)
        run.log_image("two", plot=Figure())
        self.assertEqual(run.get_file_names(), ["f/b.txt", "one.png", "outputs/a.txt", "two.png"])
        with open(os.path.join(self.folder, "uploads", "two.png"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "drawn")

    def test_tags_properties_and_children(self):
        run = self.run_
        run.tag("k", 2)
        run.tag("bare")
        run.add_properties({"p": True})
        self.assertEqual((run.get_tags(), run.tags), ({"a": "1", "k": "2", "bare": ""},) * 2)
        self.assertEqual(run.properties, {"p": "True"})
        with run.child_run("fold") as child:
            child.log("x", 1)
        self.assertEqual((child.name, child.parent), ("fold", run))
        children = run.create_children(tag_key="alpha", tag_values=[1, 2])
        self.assertEqual([one.get_tags() for one in children], [{"alpha": "1"}, {"alpha": "2"}])
        children[0].fail("why", "code")
        children[1].complete()
        ends = [one for one in self.records() if one["kind"] == "child_end"]
        self.assertEqual([one["state"] for one in ends], ["Completed", "Failed", "Completed"])
        # The run of the script ends with the script.
        run.complete()
        run.fail("x")
        run.cancel()
        self.assertEqual(len([one for one in self.records() if one["kind"] == "child_end"]), 3)

    def test_named_inputs(self):
        self.assertEqual(self.run_.input_datasets["mnist"], "/data/mnist")
        with self.assertRaisesRegex(KeyError, "cifar"):
            self.run_.input_datasets["cifar"]
        definition = {"kind": "tabular", "format": "delimited", "paths": ["/a.csv"], "options": {}, "steps": []}
        os.environ["AZUREML_DATASET_rows"] = json.dumps(definition)
        self.assertEqual(self.run_.input_datasets["rows"]._definition, definition)


if __name__ == "__main__":
    unittest.main()
