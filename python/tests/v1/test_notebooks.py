"""The notebooks of the repository, each in a real Jupyter kernel: what their cells give is what they should."""

import json
import os
import shutil
import unittest

import engine
import notebooks
from azureml.core import Run
from outhaul_azureml.coverage import calls, source

from v1 import PYTHON
from v1.served import PROGRAM, Served, spark_programs, sshd
from v1.support import Case

# Ridge regression on the diabetes data: scikit-learn's own data, split with seed 0.
BEST = (0.4, 3295.7)


def login_variables(**more):
    """A line for sshd: what these tests know of certificates and package indexes, a login on the host knows, too."""
    found = {name: os.environ[name] for name in ("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "HTTPS_PROXY") if name in os.environ}
    found.update(more)
    return "SetEnv {}\n".format(" ".join("{}={}".format(*pair) for pair in found.items())) if found else ""


class Notebooks(Served):
    def setUp(self):
        super().setUp()
        notebooks.python(self)

    def run_notebook(self, name, **variables):
        """Executes a copy of a notebook, beside copies of the other examples, in this class's workspace."""
        examples = os.path.join(self.folder, "examples")
        shutil.copytree(notebooks.EXAMPLES, examples)
        config = {"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"}
        self.write("examples/notebooks/config.json", json.dumps(config))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTHAUL_", "MLFLOW_"))}
        env.update(
            OUTHAUL_HOME=self.home,
            OUTHAUL_BIN=PROGRAM,
            PYTHONPATH=PYTHON,
            MLFLOW_DISABLE_TELEMETRY="true",
            JUPYTER_PLATFORM_DIRS="1",
            **variables
        )
        self.notebook_folder = os.path.join(examples, "notebooks")
        return notebooks.execute(os.path.join(self.notebook_folder, name + ".ipynb"), env)

    def test_training_on_this_machine(self):
        book = self.run_notebook("train-on-local")
        printed = book.printed("user-managed-submit")
        self.assertIn("Streaming user_logs/std_log.txt", printed)
        self.assertIn("alpha is 0.40, and mse is 3295.7", printed)
        self.assertEqual(book.value("user-managed-result"), BEST + (20,))
        self.assertEqual(book.value("system-managed-submit"), "Completed")
        self.assertEqual(book.value("system-managed-result"), BEST + (20,))
        kept = ["outputs/ridge_{:.2f}.pkl".format(number * 0.05) for number in range(20)]
        self.assertEqual(book.value("files"), kept)
        self.assertTrue(150 < book.value("model") < 250, book.value("model"))
        kinds = [
            run._fetch()["spec"]["environment"]["interpreter"]["kind"]
            for run in self.ws.experiments["train-on-local"].get_runs()
        ]
        self.assertEqual(kinds, ["managed", "user_managed"])

    def test_training_in_a_container(self):
        found = engine.engine(self)
        if found is None:
            self.skipTest("no Docker engine")
        # The server of this class does not know the engine; the next one does.
        self.outhaul("server", "stop")
        book = self.run_notebook("train-in-a-container", DOCKER_HOST="unix://" + found.socket, TRAINING_IMAGE=found.image)
        self.assertEqual(book.value("result"), ({"slope": 3.0, "intercept": 1.0}, True, 200))
        self.assertIn("outputs/python.txt", book.value("files"))

    def test_training_on_a_machine_over_ssh(self):
        host = sshd(self, login_variables())
        book = self.run_notebook(
            "train-on-a-host",
            VM_ADDRESS="127.0.0.1",
            VM_PORT=str(host.port),
            VM_USER=host.username,
            VM_KEY=host.key,
        )
        printed = book.printed("attach")
        self.assertIn(
            "ComputeTargetNotFound: Compute Target with name cpu-box not found in provided workspace\n", printed
        )
        self.assertIn('Provisioning operation finished, operation "Succeeded"\n', printed)
        self.assertEqual(book.value("attached"), ("Succeeded", "VirtualMachine", ["cpu-box"]))
        self.assertIn("trained on 353 patients\n", book.printed("submit"))
        self.assertEqual(book.value("result"), BEST)
        target, user, files = book.value("where")
        self.assertEqual((target, user), ("cpu-box", host.username))
        self.assertIn("outputs/coefficients.txt", files)
        self.assertEqual((book.value("again"), book.value("detach")), (True, []))

    def test_training_on_spark(self):
        spark = spark_programs()
        if spark is None:
            self.skipTest("no Spark")
        host = sshd(self, login_variables(PATH="{}:{}".format(spark, os.environ["PATH"])))
        book = self.run_notebook(
            "train-on-spark",
            HDI_ADDRESS="127.0.0.1",
            HDI_PORT=str(host.port),
            HDI_USER=host.username,
            HDI_KEY=host.key,
        )
        self.assertIn('Provisioning operation finished, operation "Succeeded"\n', book.printed("attach"))
        metrics = book.value("result")
        self.assertEqual((metrics["regularisation"], metrics["flowers"]), (0.01, 150))
        self.assertRegex(metrics["engine"], r"^3\.")
        self.assertTrue(0.9 <= metrics["accuracy"] <= 1.0, metrics)
        self.assertEqual(book.value("detach"), [])

    def test_the_logging_api(self):
        book = self.run_notebook("logging-api")
        self.assertEqual((book.value("start"), book.value("end")), ("Running", "Completed"))
        self.assertEqual(
            book.printed("log-refused"),
            "UserErrorException run.log does not support list type. Use run.log_list instead\n",
        )
        metrics = book.value("metrics")
        run_id = list(self.ws.experiments["logging-api"].get_runs())[0].id
        artifact = "aml://artifactId/ExperimentRun/dcid.{}/".format(run_id)
        self.assertEqual(
            metrics,
            {
                "learning_rate": 0.1,
                "optimizer": "sgd",
                "converged": True,
                "loss": [0.9, 0.5, 0.4],
                "numpy": 0.25,
                "fibonacci": [1, 1, 2, 3, 5, 8, 13],
                "single": 7,
                "point": {"x": 1, "y": "a"},
                "cosine": {"angle": [0.0, 0.5, 1.0], "value": [1.0, 0.878, 0.54]},
                "sine": {"angle": [0, 1, 2], "value": [0.0, 0.841, 0.909]},
                "curve": artifact + "curve.png",
                "file": artifact + "file.png",
            },
        )
        self.assertEqual(book.value("documents-read"), [True] * 4)
        self.assertEqual(book.value("one"), ({"loss": [0.9, 0.5, 0.4]}, {}))
        self.assertEqual(book.value("pictures"), ["curve.png", "file.png"])
        self.assertEqual(book.value("download"), b"\x89PNG")

    def test_managing_runs(self):
        book = self.run_notebook("manage-runs")
        self.assertEqual(book.value("played"), ["Running", "Completed"])
        self.assertEqual(book.value("failing"), ("Failed", "NoData: the data are not there"))
        self.assertEqual((book.value("failing-by-exception"), book.value("submitted")), ("Failed", "Completed"))
        self.assertEqual(book.value("cancel"), "Canceled")
        self.assertEqual(book.value("children"), ["fold-0", "fold-1", "fold-2"])
        self.assertEqual(book.value("children-found"), [5, [{"mse": 9}], True])
        self.assertEqual(book.value("children-metrics"), [1, 2, 3, 9, 9])
        self.assertEqual(book.value("tags"), {"kind": "first", "quality": "very good", "reviewed": "yes"})
        self.assertEqual(book.printed("properties"), "ServiceException\n")
        self.assertEqual(book.value("properties"), {"author": "me", "data": "v1"})
        self.assertEqual(book.value("description"), "says hello")
        states = ["Canceled", "Completed", "Failed"]
        self.assertEqual(book.value("finding"), [[True], [True], [True], 0, 6, states])
        run = self.ws.get_run(list(self.ws.experiments["manage-runs"].get_runs(tags="quality"))[0].id)
        self.assertEqual(book.value("by-id"), ("ScriptRun", True, "manage-runs", {"answer": 42}))
        self.assertIsInstance(run, Run)
        self.assertEqual(book.value("snapshot"), ["hello.py", "long.py"])
        self.assertEqual(book.value("snapshot-content"), (True, True))
        self.assertEqual(book.value("logs"), "hello from manage-runs\n")

    def test_using_environments(self):
        book = self.run_notebook("using-environments")
        self.assertEqual(book.value("made"), ["azureml-defaults", "idna==3.4"])
        made = {"idna": "3.4", "message": "hello", "own python": True}
        self.assertEqual(book.value("submit-made"), made)
        self.assertEqual(book.value("register"), ("1", "1", "2"))
        self.assertEqual(book.value("get"), ("2", "changed", "hello"))
        self.assertEqual((book.value("list"), book.value("curated")), (["made"], True))
        self.assertEqual(book.value("submit-registered"), dict(made, message="changed"))
        self.assertEqual(book.value("from-files"), (["idna==3.4"], ["idna==3.4"]))
        self.assertEqual(book.value("submit-from-conda"), dict(made, message="none"))
        self.assertEqual(book.value("folder"), ("made", ["azureml-defaults", "idna==3.4"], {"MESSAGE": "hello"}))
        self.assertEqual((book.value("submit-at-hand"), book.value("of-a-run")), (False, True))

    def test_logging_with_mlflow(self):
        book = self.run_notebook("train-with-mlflow")
        self.assertEqual(book.value("workspace"), ("train-with-mlflow", "active"))
        self.assertEqual((book.value("data"), book.value("one")), ((353, 89), 3424.857))
        self.assertEqual(book.value("read"), ("FINISHED", {"alpha": 0.03, "mse": 3424.857}, {"kind": "ridge"}))
        self.assertEqual(book.value("model"), 3424.857)
        self.assertEqual(book.value("twenty"), (20,) + BEST)
        self.assertIn("predictions.png", book.value("artifacts"))
        self.assertEqual(book.value("same-runs"), ({"alpha": 0.03, "mse": 3424.857}, "Completed"))


class Stored(Case):
    def test_they_are_stored_without_outputs_and_only_call_what_works(self):
        found = notebooks.all_notebooks()
        self.assertEqual(len(found), 8)
        for path in found:
            with open(path, encoding="utf-8") as file:
                cells = json.load(file)["cells"]
            self.assertEqual([cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")], [])
            uses = calls.find(source.parts(path), path)
            self.assertTrue(uses, path)
            self.assertEqual([use.name for use in uses if use.status != "works"], [])


if __name__ == "__main__":
    unittest.main()
