"""The code of the page that the project began from, exactly as it is printed there.

The blocks are taken out of the page at every test: no copy of them stands here. They run in one namespace, in a prepared
folder whose workspace knows what the printed placeholders stand for.
"""

import json
import os
import re
import textwrap
import unittest

from azureml.core import Experiment, RunConfiguration, ScriptRunConfig, Workspace
from azureml.core.compute import ComputeTarget, RemoteCompute
from azureml.exceptions import ComputeTargetException
from outhaul_azureml.planned import NotYetException
from outhaul_azureml.run import submit

from v1.served import Served, spark_programs, sshd
from v1.support import page

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/dsvm"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.HDInsight/clusters/hdi"
SPARK = """
from pyspark.sql import SparkSession
from azureml.core import Run
spark = SparkSession.builder.getOrCreate()
Run.get_context().log("rows", spark.range(3).count())
"""
LINES = "from azureml.core import Run\nrun = Run.get_context()\nrun.log('acc', 0.5)\nprint('trained')\n"


def blocks(text):
    """The Python blocks of a page, in their order, without the indentation of the list they stand in."""
    found = []
    for match in re.finditer(r"^[ \t]*```python\n(.*?)^[ \t]*```", text, re.S | re.M):
        lines = match.group(1).split("\n")
        # Some blocks begin deeper than they go on: the first line has the indentation of the fence's list.
        code = textwrap.dedent("\n".join(lines))
        if code[:1] in " \t":
            first, _, rest = code.partition("\n")
            code = first.lstrip() + "\n" + textwrap.dedent(rest)
        found.append(code)
    return found


class Blocks(unittest.TestCase):
    def test_they_are_found_and_are_python(self):
        text = page()
        if text is None:
            return
        found = blocks(text)
        self.assertEqual(len(found), 6)
        for code, word in zip(
            found,
            [
                "RemoteCompute",
                "ScriptRunConfig",
                "HDInsightCompute",
                "BatchCompute",
                "DatabricksCompute",
                "AdlaCompute",
            ],
        ):
            self.assertIn(word, code)
            compile(code, word, "exec")


class Page(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.text = page()

    def setUp(self):
        super().setUp()
        if self.text is None:
            self.skipTest("the page is not here")
        self.blocks = blocks(self.text)
        self.write("train.py", LINES)
        os.chdir(self.folder)

    def prepare(self, host):
        """A workspace whose addresses map the printed placeholders to a host."""
        found = {
            "subscription_id": "s",
            "resource_group": "g",
            "workspace_name": "mine",
            "outhaul": {
                "resources": {"<resource_id>": {"VirtualMachine": VM, "HDInsight": CLUSTER}},
                "usernames": {"<username>": host.username, "<ssh-username>": host.username},
                "passwords": {
                    "<password>": {"private_key_file": host.key},
                    "<ssh-pwd>": {"private_key_file": host.key},
                },
            },
        }
        self.write(".azureml/config.json", json.dumps(found))
        self.outhaul("resource", "map", VM, host.address)
        self.outhaul("resource", "map", CLUSTER, host.address)
        return {"ws": Workspace.from_config()}

    def run_block(self, number, names):
        """Executes a block as it is printed."""
        code = self.blocks[number]
        with self.printed() as out:
            try:
                exec(compile(code, "block {}".format(number + 1), "exec"), names)
            finally:
                self.output = out.getvalue()

    def test_a_virtual_machine_is_attached_and_trains(self):
        names = self.prepare(sshd(self))
        self.run_block(0, names)
        self.assertTrue(self.output.endswith('Provisioning operation finished, operation "Succeeded"\n'), self.output)
        self.assertIs(type(names["compute"]), RemoteCompute)
        self.assertEqual(names["compute"].cluster_resource_id, VM)
        self.run_block(1, names)
        src = names["src"]
        self.assertEqual((src.run_config.target, src.script), ("attach-dsvm", "train.py"))
        self.assertEqual(list(names["myenv"].python.conda_dependencies.conda_packages)[1:], ["scikit-learn"])
        experiment = Experiment(names["ws"], "page")
        self.assertEqual(
            submit.submission(experiment, src, "x", {}).environment,
            {
                "name": "myenv",
                "interpreter": {"kind": "managed", "version": "3.10"},
                "conda": ["scikit-learn"],
                "channels": ["conda-forge"],
            },
        )
        # Submitting it is the page's next step. Its packages would be downloaded from conda's channels: left out.
        names["myenv"].python.user_managed_dependencies = True
        run = experiment.submit(src)
        self.completed(run)
        self.assertEqual(run.get_metrics(), {"acc": 0.5})
        names["compute"].detach()

    def test_a_cluster_is_attached_and_trains(self):
        spark = spark_programs()
        if spark is None:
            self.skipTest("no Spark")
        names = self.prepare(sshd(self, "SetEnv PATH={}:{}\n".format(spark, os.environ["PATH"])))
        self.run_block(2, names)
        self.assertTrue(self.output.endswith('Provisioning operation finished, operation "Succeeded"\n'), self.output)
        cluster = names["hdi_compute"]
        self.assertEqual(
            (type(cluster).__name__, cluster.type, cluster.name), ("HDInsightCompute", "HDInsight", "myhdi")
        )
        self.assertEqual(cluster.cluster_resource_id, CLUSTER)
        # The page's next block is a file that it does not print; this is what such files say.
        config = RunConfiguration(framework="pyspark")
        config.target = cluster.name
        self.write("spark/train_spark.py", SPARK)
        src = ScriptRunConfig("spark", "train_spark.py", run_config=config)
        run = Experiment(names["ws"], "page").submit(src)
        self.completed(run)
        self.assertEqual(run.get_metrics(), {"rows": 3})
        cluster.detach()

    def test_kinds_that_are_not_there_yet_fail_as_the_page_catches_it(self):
        names = {"ws": self.ws}
        for number, word, printed in [
            (3, "Azure Batch is planned as a target", "Attaching Batch compute...\n"),
            (4, "Databricks is planned as a target", "compute not found\n"),
            (5, "Data Lake Analytics is planned as a target", "compute not found\n"),
        ]:
            with self.refused(ComputeTargetException, word) as caught:
                self.run_block(number, names)
            self.assertIsInstance(caught.exception, NotYetException)
            self.assertTrue(self.output.startswith(printed), self.output)
            # It was looked up first, and not found, in v1's words.
            self.assertIn("ComputeTargetNotFound", caught.exception.__context__.message)

    def test_a_placeholder_that_nobody_mapped_is_refused_in_v1s_words(self):
        with self.refused(ComputeTargetException, "Invalid resource_id provided: <resource_id>"):
            self.run_block(0, {"ws": self.ws})
        self.assertNotIn("attach-dsvm", self.ws.compute_targets)


if __name__ == "__main__":
    unittest.main()
