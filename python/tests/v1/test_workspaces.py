"""Workspaces and registered environments against the real program."""

import json
import os
import unittest

from azureml.core import Environment, Experiment, Workspace
from azureml.core.authentication import InteractiveLoginAuthentication, ServicePrincipalAuthentication
from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import ProjectSystemException, UserErrorException, WorkspaceException
from outhaul_azureml.planned import NotYetException
from outhaul_azureml.server import server

from v1.served import Served


class Workspaces(Served):
    def test_made_found_and_told_about(self):
        with self.printed() as out:
            made = Workspace.create("other", auth=InteractiveLoginAuthentication(), exist_ok=True)
        self.assertIn("other", out.getvalue())
        self.assertEqual(Workspace.get("other"), made)
        self.assertEqual(set(Workspace.list("any")) >= {"mine", "other"}, True)
        details = self.ws.get_details()
        self.assertEqual((details["name"], details["workspaceid"]), ("mine", "mine"))
        self.assertEqual(
            details["id"],
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/mine",
        )
        self.assertEqual((self.ws.subscription_id, self.ws.resource_group, self.ws.sku), ("s", "g", "basic"))
        uri = self.ws.get_mlflow_tracking_uri()
        self.assertTrue(uri.startswith("http://127.0.0.1:"), uri)
        self.assertTrue(os.environ.pop("MLFLOW_TRACKING_TOKEN"))
        self.assertNotIn("MLFLOW_TRACKING_TOKEN", uri)
        self.assertEqual((self.ws.compute_targets, self.ws.datasets), ({}, {}))
        self.assertEqual(sorted(self.ws.datastores), ["workspaceblobstore", "workspacefilestore"])
        self.assertIsNone(self.ws.get_default_compute_target("CPU"))

    def test_refusals(self):
        with self.refused(WorkspaceException, "`outhaul workspace create nowhere` makes it"):
            Workspace.get("nowhere")
        with self.refused(WorkspaceException, "already exists"):
            Workspace.create("mine")
        with self.refused(UserErrorException, "is invalid"):
            Workspace.create("a/b")
        with self.refused(NotYetException, "makes no machines"):
            Workspace.create("clustered", default_cpu_compute_target=Workspace.DEFAULT_CPU_CLUSTER_CONFIGURATION)
        with self.refused(WorkspaceException, "clustered"):
            Workspace.get("clustered")
        with self.refused(UserErrorException, "CPU or GPU"):
            self.ws.get_default_compute_target("TPU")

    def test_the_configuration_file_is_looked_for_upwards(self):
        self.ws.write_config(self.folder)
        with open(self.folder + "/.azureml/config.json", encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"})
        deep = os.path.join(self.folder, "a", "b")
        os.makedirs(deep)
        os.chdir(deep)
        found = Workspace.from_config(auth=ServicePrincipalAuthentication("t", "i", "secret"))
        self.assertEqual((found.name, found.subscription_id), ("mine", "s"))
        self.assertEqual(Workspace.from_config(self.folder).name, "mine")
        self.assertEqual(Workspace.from_config(self.folder + "/.azureml/config.json").name, "mine")
        self.ws.write_config(self.folder, "named.json")
        self.assertEqual(Workspace.from_config(self.folder, _file_name="named.json").name, "mine")
        with self.refused(UserErrorException, "We could not find config.json in: /"):
            Workspace.from_config("/")

    def test_wrong_configuration_files(self):
        for text, words in [
            ("{", "Cannot read"),
            ("[]", "JSON object"),
            ('{"subscription_id": "s"}', "lacks resource_group, workspace_name"),
        ]:
            with self.refused(UserErrorException, words):
                Workspace.from_config(self.write("config.json", text))
        names = {"subscription_id": "s", "resource_group": "g", "workspace_name": "gone"}
        with self.refused(WorkspaceException, "gone"):
            Workspace.from_config(self.write("config.json", json.dumps(names)))
        names.update(workspace_name="mine", outhaul={"resources": []})
        with self.refused(ProjectSystemException, "outhaul.resources"):
            Workspace.from_config(self.write("config.json", json.dumps(names)))
        old = {"Scope": "/subscriptions/s/resourceGroups/g/projects/p/workspaces/mine"}
        self.assertEqual(Workspace.from_config(self.write("config.json", json.dumps(old))).name, "mine")

    def test_a_configuration_file_may_name_the_data_folder(self):
        found = {
            "subscription_id": "s",
            "resource_group": "g",
            "workspace_name": "mine",
            "outhaul": {"home": self.home},
        }
        os.environ["OUTHAUL_HOME"] = os.path.join(self.folder, "elsewhere")
        self.assertEqual(Workspace.from_config(self.write("config.json", json.dumps(found)))._server.home, self.home)

    def test_names_of_experiments(self):
        for name in ("", "-a", "a b", "é/", None, "x" * 256):
            with self.refused(UserErrorException, "Experiment name"):
                Experiment(self.ws, name)
        self.assertEqual(Experiment(self.ws, "a-b_C1").name, "a-b_C1")

    def test_a_server_that_went_away_is_started_again(self):
        self.outhaul("server", "stop")
        self.assertEqual(Workspace.get("mine").name, "mine")

    def test_a_server_that_cannot_be_started(self):
        os.environ["OUTHAUL_HOME"] = self.write("file", "not a folder")
        server(os.environ["OUTHAUL_HOME"])
        with self.assertRaises(WorkspaceException) as caught:
            Workspace.get("mine")
        self.assertTrue(caught.exception.message)


class Environments(Served):
    def test_registered_versions(self):
        env = Environment("mine")
        env.python.conda_dependencies = CondaDependencies.create(python_version="3.9", pip_packages=["numpy"])
        env.environment_variables = {"A": "1"}
        first = env.register(self.ws)
        self.assertEqual((first.version, env.version), ("1", "1"))
        self.assertEqual(env.register(self.ws).version, "1")
        env.python.conda_dependencies.add_pip_package("scipy")
        self.assertEqual(env.register(self.ws).version, "2")
        got = Environment.get(self.ws, "mine")
        self.assertEqual((got.version, list(got.python.conda_dependencies.pip_packages)), ("2", ["numpy", "scipy"]))
        self.assertEqual(got.environment_variables, {"A": "1"})
        self.assertEqual(Environment.get(self.ws, "mine", version="1").version, "1")
        self.assertEqual(Environment.get(self.ws, "mine", version=1).version, "1")
        self.assertEqual(Environment.get(self.ws, "mine", label="Latest").version, "2")
        self.assertEqual(Environment.list(self.ws)["mine"].version, "2")
        self.assertIn("mine", self.ws.environments)

    def test_refusals(self):
        for call, words in [
            (lambda: Environment.get(self.ws, "unheard"), "Environment unheard not found"),
            (lambda: Environment.get(self.ws, "unheard", version="7"), "Environment unheard with version 7 not found"),
            (lambda: Environment.get(self.ws, "mine", version="a"), "with version a not found"),
            (lambda: Environment.get(self.ws, "mine", "1", "latest"), "not both"),
            (lambda: Environment.get(self.ws, "mine", label="prod"), "no label prod"),
            (lambda: Environment("AzureML-mine").register(self.ws), "curated"),
            (lambda: Environment(None).register(self.ws), "without a name"),
        ]:
            with self.refused(UserErrorException, words):
                call()

    def test_curated_ones(self):
        found = Environment.get(self.ws, "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu")
        self.assertIn("scikit-learn==1.0.*", list(found.python.conda_dependencies.pip_packages))
        self.assertIn("AzureML-Minimal", Environment.list(self.ws))
        copy = found.clone("mine-sklearn")
        self.assertEqual(copy.register(self.ws).version, "1")

    def test_building(self):
        env = Environment("built")
        env.python.conda_dependencies = CondaDependencies.create(pip_packages=[], python_version="3")
        env.python.conda_dependencies.remove_conda_package("python")
        with self.printed():
            details = env.build(self.ws)
            self.assertEqual(details.status, "queued")
            details.wait_for_completion(show_output=True)
        self.assertEqual(details.status, "succeeded")
        env.python.conda_dependencies.add_pip_package("no-such-package-of-outhaul==1")
        env.python.conda_dependencies.set_pip_option("--no-index")
        with self.refused(UserErrorException, "could not be built"), self.printed():
            env.build(self.ws).wait_for_completion()


if __name__ == "__main__":
    unittest.main()
