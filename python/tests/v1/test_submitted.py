"""Runs against the real program: submitted ones, those that are played, their files, waiting, refusals."""

import io
import json
import os
import sys
import unittest

from azureml.core import Environment, Experiment, Run, RunConfiguration, ScriptRunConfig
from azureml.core.environment import RSection
from azureml.core.runconfig import DockerConfiguration, MpiConfiguration
from azureml.core.script_run import ScriptRun
from azureml.exceptions import (
    ActivityFailedException,
    AzureMLException,
    ExperimentExecutionException,
    ServiceException,
    UserErrorException,
)
from azureml.widgets import RunDetails
from outhaul_azureml.planned import NotYetException
from outhaul_azureml.run import submit

from v1.served import Served

SCRIPT = """
import os, sys
from azureml.core import Run, Workspace, Dataset, Model
run = Run.get_context()
print("arguments", sys.argv[1:])
print("variable", os.environ.get("A"), os.environ["AZUREML_RUN_ID"] == run.id, run.experiment.name)
for step in range(3):
    run.log("mse", 3 - step, step=step)
run.log("best", 0.5)
run.log_list("ab", [1, 2])
run.log_list("ab", [3])
run.log_row("row", x=1, y="a")
run.log_row("rows", x=1)
run.log_row("rows", x=2)
run.log_table("table", {"a": [1, 2], "b": [3, 4]})
run.log("nan", float("nan"))
run.log_image("plot", path=__file__)
run.tag("kind", "ridge")
run.add_properties({"data": "v1"})
os.makedirs("outputs", exist_ok=True)
open("outputs/model.txt", "w").write("a model")
run.upload_file("more/a.txt", __file__)
with run.child_run("fold") as child:
    child.log("x", 1)
"""


class Submitted(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(cls.place, "project")
        os.makedirs(folder)
        with open(os.path.join(folder, "train.py"), "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        with open(os.path.join(folder, "bad.py"), "w", encoding="utf-8") as file:
            file.write("print('before')\nraise SystemExit(3)\n")
        with open(os.path.join(folder, "long.py"), "w", encoding="utf-8") as file:
            file.write("import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
        cls.project = folder
        cls.experiment = Experiment(cls.ws, "ridge")

    def config(self, script="train.py", **given):
        return ScriptRunConfig(self.project, script, **given)

    def test_a_run_from_submission_to_its_files(self):
        env = Environment("mine")
        env.environment_variables = {"A": "1"}
        run = self.experiment.submit(self.config(arguments=["--alpha", 0.4], environment=env), tags={"note": "x"})
        self.assertIsInstance(run, ScriptRun)
        with self.printed() as out:
            details = run.wait_for_completion(show_output=True)
        text = out.getvalue()
        view = "outhaul://mine/runs/" + run.id
        self.assertTrue(text.startswith("RunId: {}\nWeb View: {}\n".format(run.id, view)), text)
        title = "Streaming user_logs/std_log.txt"
        self.assertIn(
            "\n{}\n{}\n\narguments ['--alpha', '0.4']\nvariable 1 True ridge\n".format(title, "=" * len(title)), text
        )
        self.assertTrue(
            text.endswith("\nExecution Summary\n=================\nRunId: {}\nWeb View: {}\n\n".format(run.id, view)),
            text,
        )
        self.assertEqual((details["runId"], details["status"], details["target"]), (run.id, "Completed", "local"))
        self.assertTrue({"startTimeUtc", "endTimeUtc", "properties", "runDefinition", "logFiles"} <= set(details))
        self.assertNotIn("error", details)
        self.assertEqual(
            (details["runDefinition"]["script"], details["runDefinition"]["arguments"]),
            ("train.py", ["--alpha", "0.4"]),
        )
        self.assertEqual((run.get_status(), run.type, run.number), ("Completed", "azureml.scriptrun", run.number))
        self.assertEqual(run.get_detailed_status()["status"], "Completed")

        metrics = run.get_metrics()
        nan = metrics.pop("nan")
        self.assertNotEqual(nan, nan)
        self.assertEqual(
            metrics,
            {
                "mse": [3, 2, 1],
                "best": 0.5,
                "ab": [1, 2, 3],
                "row": {"x": 1, "y": "a"},
                "rows": {"x": [1, 2]},
                "table": {"a": [1, 2], "b": [3, 4]},
                "plot": "aml://artifactId/ExperimentRun/dcid.{}/plot.py".format(run.id),
            },
        )
        self.assertEqual(run.get_metrics("best"), {"best": 0.5})
        self.assertEqual(run.get_metrics("nothing"), {})
        children = list(run.get_children())
        self.assertEqual([child.get_metrics() for child in children], [{"x": 1}])
        self.assertEqual(children[0].parent.id, run.id)
        self.assertEqual(run.get_metrics(recursive=True)[children[0].id], {"x": 1})

        self.assertEqual(run.get_tags(), {"note": "x", "kind": "ridge"})
        self.assertEqual(run.properties["data"], "v1")
        run.tag("after", 7)
        run.remove_tags(["note"])
        self.assertEqual(run.tags, {"kind": "ridge", "after": "7"})

        names = run.get_file_names()
        self.assertEqual(
            names,
            [
                "azureml-logs/20_image_build_log.txt",
                "more/a.txt",
                "outputs/model.txt",
                "plot.py",
                "user_logs/std_log.txt",
            ],
        )
        os.chdir(self.folder)
        run.download_file("outputs/model.txt")
        run.download_file("outputs/model.txt", "there/m.txt")
        run.download_file("user_logs/std_log.txt", "log.txt")
        run.download_files("outputs", "all")
        run.download_files("outputs/", "bare", append_prefix=False)
        for path, text in [
            ("model.txt", "a model"),
            ("there/m.txt", "a model"),
            ("all/outputs/model.txt", "a model"),
            ("bare/model.txt", "a model"),
        ]:
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), text)
        with open("log.txt", encoding="utf-8") as file:
            self.assertTrue(file.read().startswith("arguments"))
        self.assertEqual(len(run.get_all_logs()), 2)
        self.assertIn("arguments", run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"])
        with self.refused(UserErrorException, "available files include: azureml-logs"):
            run.download_file("outputs/missing")
        with self.refused(UserErrorException, "begin with nothing"):
            run.download_files("nothing")
        code = run.restore_snapshot(path="code")
        self.assertEqual(sorted(os.listdir(code)), ["bad.py", "long.py", "train.py"])
        self.assertEqual(details["properties"]["ContentSnapshotId"], run.get_snapshot_id())

        self.assertEqual(self.ws.get_run(run.id).id, run.id)
        self.assertEqual([one.id for one in self.experiment.get_runs(tags={"kind": "ridge"})], [run.id])
        self.assertEqual(
            [one.id for one in self.experiment.get_runs(tags="after", properties={"data": "v1"})], [run.id]
        )
        self.assertEqual(list(self.experiment.get_runs(properties={"data": "v2"})), [])
        self.assertEqual(list(Run.list(self.experiment, type="sdk", tags="after")), [])
        self.assertIn(children[0].id, [one.id for one in self.experiment.get_runs(include_children=True)])
        self.assertIn("ridge", self.ws.experiments)
        self.assertEqual(run.get_environment().python.user_managed_dependencies, True)
        with self.printed() as out:
            RunDetails(run).show()
        self.assertIn("best: 0.5", out.getvalue())

    def test_a_failed_script(self):
        run = self.experiment.submit(self.config("bad.py"))
        with self.refused(ActivityFailedException, "Activity Failed:\n{") as caught:
            run.wait_for_completion()
        error = json.loads(caught.exception.message[len("Activity Failed:\n") :])
        self.assertEqual(error["error"]["code"], "UserError")
        self.assertIn("exit code 3", error["error"]["message"])
        details = run.wait_for_completion(raise_on_error=False)
        self.assertEqual((details["status"], details["error"]), ("Failed", error))
        with self.printed() as out:
            run.wait_for_completion(show_output=True, raise_on_error=False)
        self.assertIn("before", out.getvalue())
        self.assertIn("exit code 3", out.getvalue())

    def test_canceling(self):
        run = self.experiment.submit(self.config("long.py"))
        run.cancel()
        self.assertEqual(run.wait_for_completion()["status"], "Canceled")
        run.cancel()

    def test_a_command(self):
        for command in (["python3", "-c", "print('words')"], "echo words | cat"):
            config = ScriptRunConfig(self.project, command=command)
            run = self.experiment.submit(config)
            self.assertEqual(run.wait_for_completion()["status"], "Completed")
            self.assertEqual(run._log_text("user_logs/std_log.txt"), "words\n")

    def test_an_environment_is_built(self):
        own = Environment("packages")
        own.python.conda_dependencies.set_pip_requirements(["azureml-defaults"])
        own.python.conda_dependencies.set_python_version("3")
        for env in (own, Environment.get(self.ws, "AzureML-Minimal"), own.register(self.ws)):
            run = self.experiment.submit(self.config(environment=env))
            self.completed(run)
            self.assertEqual(run.get_metrics()["best"], 0.5)
            self.assertEqual(run._fetch()["spec"]["environment"]["interpreter"]["kind"], "managed")

    def test_the_python_at_hand(self):
        env = Environment("own")
        env.python.user_managed_dependencies = True
        for config in (self.config(environment=env), self.config()):
            run = self.experiment.submit(config)
            self.assertEqual(run.wait_for_completion()["status"], "Completed")
            spec = run._fetch()["spec"]["environment"]
            self.assertEqual(spec["interpreter"], {"kind": "user_managed", "python": sys.executable})

    def test_what_is_submitted(self):
        config = self.config(max_run_duration_seconds=90)
        config.run_config.environment_variables = {"B": 2}
        config.run_config.priority = 7
        with self.assertLogs("azureml.core.experiment", "WARNING"):
            submit.submission(self.experiment, config, "abc", {})
        asked = submit.submission(self.experiment, config, "abc", {"n": None})
        self.assertEqual(
            (asked.max_duration, asked.tags, asked.experiment, asked.workspace), (90, {"n": ""}, "ridge", "mine")
        )
        self.assertEqual(asked.variables["B"], "2")
        self.assertEqual(asked.variables["AZUREML_RUN_ID"], "abc")
        spark = RunConfiguration(framework="PySpark")
        spark.hdi.yarn_deploy_mode = "client"
        spark.target = "myhdi"
        asked = submit.submission(self.experiment, ScriptRunConfig(self.project, "train.py", run_config=spark), "x", {})
        self.assertEqual(
            list(asked.options),
            [
                "--framework=pyspark",
                "--spark-conf=spark.app.name=Azure ML Experiment",
                "--spark-conf=spark.yarn.maxAppAttempts=1",
                "--deploy-mode=client",
            ],
        )
        self.assertEqual((asked.target, asked.environment), ("myhdi", None))
        # `cluster` stands in every configuration of v1, chosen or not.
        spark.hdi.yarn_deploy_mode = "cluster"
        asked = submit.submission(self.experiment, ScriptRunConfig(self.project, "train.py", run_config=spark), "x", {})
        self.assertNotIn("--deploy-mode=cluster", asked.options)

    def test_refusals(self):
        settings = []
        for name, value in [("services", {"a": 1}), ("datacaches", [1]), ("credential_passthrough", True)]:
            settings.append(RunConfiguration())
            setattr(settings[-1], name, value)
        with_r = Environment("r")
        with_r.r = RSection()
        two = RunConfiguration()
        two.node_count = 2
        for config, kind, words in [
            (
                self.config("missing.py"),
                ExperimentExecutionException,
                "script path doesn't exist. The script should be inside the project folder",
            ),
            (ScriptRunConfig(self.folder + "/no", "a.py"), ExperimentExecutionException, "does not exist"),
            (ScriptRunConfig(self.project), ExperimentExecutionException, "Neither script nor command"),
            (self.config(compute_target="nowhere"), ExperimentExecutionException, "nowhere"),
            (self.config(distributed_job_config=MpiConfiguration(2)), NotYetException, "MPI"),
            (self.config(run_config=two), NotYetException, "several nodes"),
            (
                self.config(docker_runtime_config=DockerConfiguration(True, arguments=["--privileged"])),
                AzureMLException,
                "--privileged",
            ),
            (object(), AzureMLException, "ScriptRunConfig"),
            (self.config(resume_from="x"), NotYetException, "resume_from"),
            (self.config(run_config=settings[0]), NotYetException, "services"),
            (self.config(run_config=settings[1]), NotYetException, "datacaches"),
            (self.config(run_config=settings[2]), NotYetException, "credential_passthrough"),
            (self.config(environment=with_r), NotYetException, "environments for R"),
        ]:
            with self.refused(kind, words):
                self.experiment.submit(config)
        for run_id in ("nothing-like-it", "0000000000000000"):
            with self.refused(UserErrorException, "Run {} not found".format(run_id)):
                self.ws.get_run(run_id)
        self.assertEqual(list(Experiment(self.ws, "empty").get_runs()), [])


class Played(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.experiment = Experiment(cls.ws, "by-hand")

    def setUp(self):
        super().setUp()
        os.chdir(self.folder)

    def test_metrics_files_and_the_end(self):
        run = self.experiment.start_logging()
        self.assertTrue(os.path.isdir("outputs"))
        self.assertEqual((run.get_status(), run.type), ("Running", "sdk"))
        run.log("a", 1)
        run.log("a", float("inf"))
        run.log_row("r", x=float("nan"))
        run.log_list("l", [1, 2])
        run.log_table("t", {"x": [1, 2]})
        run.log_residuals("res", {"a": [1]})
        run.log_image("i", path=self.write("p.png", "one"))
        run.log_image("i", path=self.write("p.png", "two"))
        with open(self.write("x", "bytes"), "rb") as stream:
            run.upload_file("data/x.bin", stream)
        run.upload_file("data/text", io.StringIO("é"))
        run.upload_file("data/large", self.write("large", "x" * (3 << 20)))
        run.upload_folder("f", os.path.dirname(self.write("d/y", "Y")))
        run.flush()
        metrics = run.get_metrics()
        nan = metrics.pop("r")["x"]
        self.assertNotEqual(nan, nan)
        self.assertEqual(
            metrics,
            {
                "a": [1, float("inf")],
                "l": [1, 2],
                "t": {"x": [1, 2]},
                "res": {"a": [1]},
                "i": ["aml://artifactId/ExperimentRun/dcid.{}/i{}.png".format(run.id, n) for n in ("", "-2")],
            },
        )
        self.assertEqual(run.get_file_names(), ["data/large", "data/text", "data/x.bin", "f/y", "i-2.png", "i.png"])
        run.download_files("data", "kept")
        self.assertEqual([os.path.getsize("kept/data/" + name) for name in ("large", "text", "x.bin")], [3 << 20, 2, 5])
        run.download_file("i-2.png", "got.png")
        with open("got.png", encoding="utf-8") as file:
            self.assertEqual(file.read(), "two")
        run.complete()
        run.complete()
        self.assertEqual(self.ws.get_run(run.id).get_status(), "Completed")
        details = run.wait_for_completion()
        self.assertEqual((details["status"], details["target"], details["logFiles"]), ("Completed", "sdk", {}))

    def test_as_a_context_manager(self):
        with self.experiment.start_logging() as run:
            with open("outputs/model.txt", "w", encoding="utf-8") as file:
                file.write("m")
            run.log("a", 1)
        self.assertEqual(run.get_status(), "Completed")
        self.assertEqual(run.get_file_names(), ["outputs/model.txt"])
        with self.assertRaises(ZeroDivisionError), self.experiment.start_logging() as run:
            1 / 0
        self.assertEqual(run.get_status(), "Failed")
        self.assertIn("ZeroDivisionError", run.get_details()["error"]["error"]["message"])
        with self.assertRaises(SystemExit), self.experiment.start_logging() as run:
            raise SystemExit(0)
        self.assertEqual(run.get_status(), "Completed")

    def test_failing_canceling_tags_and_children(self):
        run = self.experiment.start_logging()
        run.tag("k", "v")
        run.set_tags({"n": 1})
        run.remove_tags("k")
        run.add_properties({"p": "1"})
        run.add_properties({"p": "1", "q": "3"})
        with self.assertRaises(ServiceException) as caught:
            run.add_properties({"p": "2"})
        self.assertEqual(caught.exception.status_code, 409)
        self.assertEqual((run.get_tags(), run.get_properties()), ({"n": "1"}, {"p": "1", "q": "3"}))
        child = run.child_run("fold")
        self.assertTrue(child.name.endswith("fold"))
        self.assertEqual(child.parent.id, run.id)
        child.log("x", 2)
        child.fail("why", "code")
        more = run.create_children(tag_key="alpha", tag_values=[0.1, 0.2])
        self.assertEqual([one.get_tags() for one in more], [{"alpha": "0.1"}, {"alpha": "0.2"}])
        for one in more:
            one.complete()
        self.assertEqual(len(list(run.get_children())), 3)
        self.assertEqual([one.id for one in run.get_children(tags={"alpha": 0.2})], [more[1].id])
        self.assertEqual([one.id for one in run.get_children(status="Failed")], [child.id])
        self.assertIn("code: why", child.get_details()["error"]["error"]["message"])
        run.cancel()
        self.assertEqual(self.ws.get_run(run.id).status, "Canceled")
        with self.assertRaises(ServiceException) as caught:
            self.ws.get_run(run.id).complete()
        self.assertEqual(caught.exception.status_code, 409)
        with self.refused(UserErrorException, "no snapshot"):
            run.get_snapshot_id()
        with self.refused(NotYetException, "submit_child"):
            run.submit_child(None)


if __name__ == "__main__":
    unittest.main()
