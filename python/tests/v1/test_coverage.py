"""`python -m outhaul_azureml.coverage`: what is found in scripts and notebooks, and what is said of it."""

import contextlib
import io
import json
import os
import re
import subprocess
import unittest

from outhaul_azureml.coverage import calls, source
from outhaul_azureml.coverage.__main__ import main

from v1.served import PROGRAM
from v1.support import Case

SCRIPT = """\
from azureml.core import Workspace, Experiment, Dataset, ScriptRunConfig
from azureml.core.compute import ComputeTarget, BatchCompute
from azureml.core import Model as M
import azureml.core.runconfig as rc
ws = Workspace.from_config()
for name, target in ws.compute_targets.items():
    target.get_status()
target = ComputeTarget(workspace=ws, name="x")
target.detach()
M.register(ws, "a", "b")
config = BatchCompute.attach_configuration("g", "b")
exp = Experiment(ws, "e")
run = exp.submit(ScriptRunConfig(".", script="a.py", typo=1))
run.wait_for_completion(show_output=True)
run.register_model("m")
print([one.get_metrics() for one in exp.get_runs()])
with exp.start_logging() as other:
    other.log("a", 1)
    other.log_it("a", 1)
Dataset.Tabular.from_sql_query("q")
rc.RunConfiguration().save(".")
from azureml.nowhere import Thing
ws.get_default_keyvault().get_secret("x")
"""

EXPECTED = [
    (5, "Workspace.from_config", "works"),
    (6, "Workspace.compute_targets", "works"),
    (7, "ComputeTarget.get_status", "works"),
    (8, "ComputeTarget", "works"),
    (9, "ComputeTarget.detach", "works"),
    (10, "Model.register", "works"),
    (11, "BatchCompute.attach_configuration", "not yet"),
    (12, "Experiment", "works"),
    (13, "ScriptRunConfig", "unknown"),
    (13, "Experiment.submit", "works"),
    (14, "Run.wait_for_completion", "works"),
    (15, "Run.register_model", "works"),
    (16, "Experiment.get_runs", "works"),
    (16, "Run.get_metrics", "works"),
    (17, "Experiment.start_logging", "works"),
    (18, "Run.log", "works"),
    (19, "Run.log_it", "unknown"),
    (20, "TabularDatasetFactory.from_sql_query", "not yet"),
    (21, "RunConfiguration", "works"),
    (21, "RunConfiguration.save", "works"),
    (22, "azureml.nowhere.Thing", "unknown"),
    (23, "Workspace.get_default_keyvault", "not yet"),
    (23, "Keyvault.get_secret", "not yet"),
]


class Coverage(Case):
    def found(self, text):
        return calls.find([("", text)], "a.py")

    def test_every_use_is_found_with_its_line(self):
        found = [(use.line, use.name, use.status) for use in self.found(SCRIPT)]
        self.assertEqual(len(found), len(EXPECTED), found)
        for (line, name, status), (wanted_line, wanted, wanted_status) in zip(found, EXPECTED):
            self.assertEqual((line, status), (wanted_line, wanted_status), name)
            self.assertTrue(name.endswith(wanted), (name, wanted))

    def test_reasons(self):
        reasons = {use.name.rsplit(".", 1)[-1]: use.why for use in self.found(SCRIPT)}
        self.assertIn("secrets of a workspace are planned", reasons["get_default_keyvault"])
        self.assertIn("Azure Batch is planned", reasons["attach_configuration"])
        self.assertIn("typo", reasons["ScriptRunConfig"])
        self.assertEqual(reasons["from_config"], "")

    def test_other_code_is_passed_over(self):
        for text in ("", "x = 1\nx.log('a')\n", "def f(run):\n    run.log(1)\n", "import os\nos.path.join('a')\n"):
            self.assertEqual(self.found(text), [])

    def test_a_walk_over_a_dict_gives_names(self):
        head = "from azureml.core import Workspace, Environment\nws = Workspace.get('w')\n"
        for text, wanted in [
            ("for name in ws.compute_targets:\n    name.startswith('a')", ["compute_targets"]),
            ("[name.upper() for name in Environment.list(ws)]", ["list"]),
            ("for target in ws.compute_targets.values():\n    target.detach()", ["compute_targets", "detach"]),
            ("for name, one in ws.experiments.items():\n    one.get_runs()", ["experiments", "get_runs"]),
            ("ws.environments['a'].register(ws)", ["environments", "register"]),
            ("ws.environments.get('a').build(ws)", ["environments", "build"]),
            ("[run.get_status() for run in ws.experiments['a'].get_runs()]", ["experiments", "get_runs", "get_status"]),
        ]:
            found = [use.name.rsplit(".", 1)[-1] for use in self.found(head + text)][1:]
            self.assertEqual(sorted(found), sorted(wanted), text)

    def test_notebooks(self):
        cells = [
            {"cell_type": "markdown", "source": "# no code"},
            {
                "cell_type": "code",
                "source": ["%matplotlib inline\n", "!pip install x\n", "from azureml.core import Workspace\n"],
            },
            {"cell_type": "code", "source": "%%bash\nthis is no Python"},
            {"cell_type": "code", "source": "ws = Workspace.from_config()\nws.images\nx = !ls"},
        ]
        path = self.write("n.ipynb", json.dumps({"cells": cells}))
        found = calls.find(source.parts(path), path)
        self.assertEqual(
            [(use.where, use.line, use.status) for use in found], [("cell 4", 1, "works"), ("cell 4", 2, "not yet")]
        )

    def run_main(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(arguments))
        return code, out.getvalue(), err.getvalue()

    def test_the_command(self):
        path = self.write("a.py", SCRIPT)
        code, out, _ = self.run_main(path)
        self.assertEqual(code, 0)
        self.assertIn("not yet   line 11", out)
        self.assertIn("16 works, 4 not yet, 3 unknown", out)
        code, out, _ = self.run_main("--format", "json", path, path)
        self.assertEqual([len(one["uses"]) for one in json.loads(out)], [len(EXPECTED)] * 2)
        code, out, _ = self.run_main(self.write("b.py", "x = 1\n"))
        self.assertIn("nothing of Azure ML is used", out)

    def test_files_that_cannot_be_read(self):
        for path, words in [
            (os.path.join(self.folder, "missing.py"), "cannot read"),
            (self.write("a.py", "def ("), "line 1"),
            (self.write("a.ipynb", "[]"), "not a notebook"),
        ]:
            code, out, err = self.run_main(path)
            self.assertEqual((code, out), (2, ""))
            self.assertIn(words, err)


class Command(Case):
    """`outhaul azureml coverage`: the program itself, with the packages that it carries."""

    def coverage(self, *words):
        if PROGRAM is None:
            raise AssertionError("no program to test with: set OUTHAUL_TEST_BIN, or put `outhaul` on the PATH")
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTHAUL_", "PYTHON"))}
        env["OUTHAUL_HOME"] = os.path.join(self.folder, "home")
        words = [PROGRAM, "azureml", "coverage"] + list(words)
        done = subprocess.run(
            words, env=env, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True
        )
        # Nothing is kept, and no server is started to read a file.
        self.assertFalse(os.path.exists(env["OUTHAUL_HOME"]))
        return done.returncode, done.stdout, done.stderr

    def test_a_script_and_a_notebook(self):
        self.write("train.py", SCRIPT)
        cells = [{"cell_type": "code", "source": "from azureml.core import Workspace\nWorkspace.from_config().models"}]
        self.write("submit.ipynb", json.dumps({"cells": cells}))
        code, out, err = self.coverage("train.py", "submit.ipynb")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("train.py\n", out)
        for line, name, status in EXPECTED:
            row = r"(?m)^  {} +line {} .*{}\b".format(status, line, re.escape(name))
            self.assertRegex(out, row)
        self.assertIn("16 works, 4 not yet, 3 unknown", out)
        self.assertRegex(out, r"works +cell 1 line 2 Workspace.models")

    def test_for_programs(self):
        self.write("a.py", SCRIPT)
        self.write("b.py", "x = 1\n")
        code, out, err = self.coverage("a.py", "b.py", "--format", "json")
        self.assertEqual((code, err), (0, ""))
        told = json.loads(out)
        self.assertEqual([(one["file"], len(one["uses"])) for one in told], [("a.py", len(EXPECTED)), ("b.py", 0)])
        self.assertEqual([(use["line"], use["status"]) for use in told[0]["uses"]], [(line, s) for line, _, s in EXPECTED])

    def test_files_that_cannot_be_read(self):
        self.write("broken.py", "def (")
        for words, said in [(["missing.py"], "cannot read `missing.py`"), (["broken.py"], "line 1"), ([], "<FILE>...")]:
            code, out, err = self.coverage(*words)
            self.assertEqual((code, out), (2, ""), err)
            self.assertIn(said, err)

    def test_a_name_that_begins_with_a_dash_is_a_file(self):
        self.write("--x.py", "from azureml.core import Workspace\n")
        code, out, _ = self.coverage("--", "--x.py")
        self.assertEqual(code, 0, out)


if __name__ == "__main__":
    unittest.main()
