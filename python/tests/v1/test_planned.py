"""Calls that do not work yet, the refusal beside the official packages, and who pays for what at import."""

import os
import subprocess
import sys
import unittest
import unittest.mock
from importlib import metadata

from azureml.core import Dataset, Model, Workspace
from azureml.core.model import ModelPackage
from azureml.core.webservice import AciWebservice, UnknownWebservice
from azureml.exceptions import AzureMLException
from azureml.pipeline.core import PipelineData
from azureml.pipeline.steps import AutoMLStep, PythonScriptStep
from azureml.train.hyperdrive import choice
from outhaul_azureml import guard, plan, planned, table

from v1 import PYTHON
from v1.support import Case

HEAVY = (
    "typing",
    "re",
    "json",
    "subprocess",
    "logging",
    "threading",
    "tempfile",
    "uuid",
    "importlib.metadata",
    "asyncio",
)


class Planned(Case):
    def test_every_way_to_call_names_the_call_and_the_plan(self):
        for call, name in [
            (lambda: Model.package(None, []), "azureml.core.model.Model.package"),
            (lambda: ModelPackage(None, "o", None), "azureml.core.model.ModelPackage"),
            (lambda: Model.register(None, "a", "b", datasets=[1]), "azureml.core.model.Model.register(datasets=...)"),
            (
                lambda: AciWebservice.deploy_configuration(),
                "azureml.core.webservice.aci.AciWebservice.deploy_configuration",
            ),
            (lambda: UnknownWebservice(), "azureml.core.webservice.UnknownWebservice"),
            (lambda: UnknownWebservice.list(1), "azureml.core.webservice.UnknownWebservice.list"),
            (lambda: PipelineData("x"), "azureml.pipeline.core"),
            (lambda: PythonScriptStep("a.py"), "azureml.pipeline.steps.python_script_step.PythonScriptStep"),
            (lambda: AutoMLStep("a"), "azureml.pipeline.steps.AutoMLStep"),
            (lambda: choice(1, 2), "azureml.train.hyperdrive.parameter_expressions.choice"),
            (lambda: Dataset.Tabular.from_sql_query("q"), "TabularDatasetFactory.from_sql_query"),
            (
                lambda: Workspace(None, None, "w", _disable_service_check=True).get_default_keyvault(),
                "get_default_keyvault",
            ),
            (lambda: Workspace(None, None, "w", _disable_service_check=True).images, "Workspace.images"),
        ]:
            with self.refused(planned.NotYetException, name) as caught:
                call()
            self.assertIn("does not work with Outhaul yet: ", caught.exception.message)
            self.assertTrue(caught.exception.call.startswith("azureml."))
            self.assertIsInstance(caught.exception, NotImplementedError)
            self.assertIsInstance(caught.exception, AzureMLException)

    def test_every_planned_call_has_a_plan(self):
        for module in table.modules():
            self.assertTrue(plan.of(module + ".X.y"))

    def test_signatures_of_the_table_are_read(self):
        found = planned.signature("static (a, b=None, *args, c, d='x', e=A.B(1), **kw)")
        self.assertEqual([one.kind for one in found.parameters.values()], [1, 1, 2, 3, 3, 3, 4])
        self.assertEqual((found.parameters["d"].default, repr(found.parameters["e"].default)), ("x", "A.B(1)"))


class Guard(Case):
    def test_beside_the_official_packages_importing_is_refused(self):
        with unittest.mock.patch.object(metadata, "version", lambda name: "1.61.0"):
            with self.assertRaisesRegex(ImportError, "azureml-core 1.61.0 is installed.*pip uninstall azureml-core"):
                guard.check()
            os.environ["OUTHAUL_RUN_ID"] = "x"
            guard.check()
        del os.environ["OUTHAUL_RUN_ID"]
        guard.check()

    def test_the_refusal_is_at_import(self):
        # A distribution of that name, as pip leaves one behind.
        self.write(
            "azureml_core-1.9.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: azureml-core\nVersion: 1.9.0\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", "import azureml.core"],
            env=dict(os.environ, PYTHONPATH=os.pathsep.join([PYTHON, self.folder])),
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("azureml-core 1.9.0 is installed in this environment", done.stderr)


class Imports(Case):
    def loaded(self, code, **env):
        code += "\nimport sys\nprint(' '.join(sys.modules))"
        return subprocess.check_output(
            [sys.executable, "-S", "-c", code], env=dict(os.environ, PYTHONPATH=PYTHON, **env), universal_newlines=True
        ).split()

    def test_a_run_pays_for_little(self):
        inside = self.loaded(
            "from azureml.core import Run\nrun = Run.get_context()\nrun.log('a', 1.5)",
            OUTHAUL_RUN_ID="x",
            OUTHAUL_RUN_DIR=self.folder,
        )
        self.assertIn("outhaul_azureml.run.inside", inside)
        bare = self.loaded("")
        self.assertEqual([name for name in HEAVY if name in inside and name not in bare], [])
        ours = [name for name in inside if name.startswith(("azureml", "outhaul"))]
        self.assertLess(len(ours), 25, ours)

    def test_nothing_heavy_is_loaded_before_it_is_needed(self):
        loaded = self.loaded("from azureml.core import Workspace, Dataset, Environment, ScriptRunConfig, Experiment")
        for name in ("pandas", "numpy", "outhaul._client.client", "subprocess", "asyncio"):
            self.assertNotIn(name, loaded)

    def test_a_missing_call_inside_a_run_is_planned_too(self):
        code = (
            "from azureml.core import Run\nrun = Run.get_context()\n"
            "try:\n    run.take_snapshot('.')\nexcept NotImplementedError as e:\n    print(e.message)\n"
            "try:\n    run.nothing\nexcept AttributeError as e:\n    print(e)"
        )
        out = subprocess.check_output(
            [sys.executable, "-c", code],
            env=dict(os.environ, PYTHONPATH=PYTHON, OUTHAUL_RUN_ID="x", OUTHAUL_RUN_DIR=self.folder),
            universal_newlines=True,
        )
        self.assertIn("azureml.core.run.Run.take_snapshot does not work with Outhaul yet", out)
        self.assertIn("no attribute 'nothing'", out)


if __name__ == "__main__":
    unittest.main()
