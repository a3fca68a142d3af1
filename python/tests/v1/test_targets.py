"""Compute targets against the real program and a real SSH server: attaching, looking up, runs there, detaching."""

import os
import unittest

from azureml.core import Dataset, Experiment, ScriptRunConfig
from azureml.core.compute import BatchCompute, ComputeTarget, RemoteCompute
from azureml.exceptions import ComputeTargetException

from v1.served import Served, sshd

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v"
READ = """
import os, sys
from azureml.core import Run
inputs = Run.get_context().input_datasets
print(os.listdir(sys.argv[1]), repr(open(sys.argv[2]).read()))
os.chdir("/")
paths = inputs["rows"]._definition["paths"]
print(os.path.isdir(inputs["folder"]), os.path.isfile(inputs["single"]), [open(path).read() for path in paths])
"""
CANARY = "canary-7b1f"


class Targets(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host = sshd(cls)

    def attach(self, name="box", **given):
        given.setdefault("private_key_file", self.host.key)
        given.setdefault("address", "127.0.0.1")
        given.setdefault("ssh_port", self.host.port)
        config = RemoteCompute.attach_configuration(given.pop("username", self.host.username), **given)
        return ComputeTarget.attach(self.ws, name, config)

    def detach(self, target):
        target.detach()
        self.assertEqual(target.provisioning_state, "Deleting")
        with self.printed():
            target.wait_for_completion(is_delete_operation=True)

    def test_from_attaching_to_detaching(self):
        target = self.attach()
        self.assertIn(target.provisioning_state, ("Creating", "Succeeded"))
        with self.printed() as out:
            self.assertIsNone(target.wait_for_completion(show_output=True))
        self.assertTrue(out.getvalue().endswith('SucceededProvisioning operation finished, operation "Succeeded"\n'))
        self.assertEqual((target.provisioning_state, target.provisioning_errors), ("Succeeded", None))
        self.assertEqual(
            (target.address, target.ssh_port, target.get_status()), ("127.0.0.1", self.host.port, "Succeeded")
        )

        with open(self.host.key, encoding="utf-8") as file:
            self.nowhere_at_home(file.read().splitlines()[2])

        # The class that is called does not matter: the stored kind does.
        found = BatchCompute(self.ws, "box")
        self.assertIs(type(found), RemoteCompute)
        self.assertEqual(ComputeTarget(workspace=self.ws, name="box").serialize(), target.serialize())
        self.assertEqual([one.name for one in ComputeTarget.list(self.ws)], ["box"])
        self.assertEqual(list(self.ws.compute_targets), ["box"])
        with self.refused(ComputeTargetException, "Long running operation information not known"):
            found.wait_for_completion()

        # The same name again is attached anew, as in v1; the same machine under another name is refused.
        again = self.attach()
        with self.printed():
            again.wait_for_completion()
        other = self.attach("other")
        with self.refused(ComputeTargetException, "box"), self.printed():
            other.wait_for_completion()
        self.assertEqual(other.provisioning_state, "Failed")
        self.detach(other)

        project = os.path.dirname(
            self.write("p/train.py", "from azureml.core import Run\nRun.get_context().log('a', 1)\n")
        )
        run = Experiment(self.ws, "there").submit(ScriptRunConfig(project, "train.py", compute_target=found))
        self.completed(run)
        self.assertEqual((run.get_metrics(), run.get_details()["target"]), ({"a": 1}, "box"))

        # Data travels with the code, also what the project's own rules leave out.
        self.write("q/.gitignore", "*.csv\n")
        project = os.path.dirname(self.write("q/read.py", READ))
        self.write("data/d/a.csv", "x\n1\n")
        folder = Dataset.File.from_files(self.folder + "/data").as_named_input("folder").as_mount()
        single = Dataset.File.from_files(self.folder + "/data/d/a.csv").as_named_input("single").as_download()
        rows = Dataset.Tabular.from_delimited_files(self.folder + "/data/d/*.csv").as_named_input("rows")
        config = ScriptRunConfig(project, "read.py", [folder, single, rows], compute_target="box")
        run = Experiment(self.ws, "there").submit(config)
        status = run.wait_for_completion(raise_on_error=False)["status"]
        log = run._log_text("user_logs/std_log.txt")
        self.assertEqual((status, log), ("Completed", "['d'] 'x\\n1\\n'\nTrue True ['x\\n1\\n']\n"))

        self.detach(target)
        with self.refused(
            ComputeTargetException,
            "ComputeTargetNotFound: Compute Target with name box not found in provided workspace",
        ):
            target.refresh_state()
        self.assertEqual(self.ws.compute_targets, {})

    def test_by_resource_id(self):
        with self.refused(ComputeTargetException, "outhaul resource map"):
            self.attach("by-id", address=None, resource_id=VM)
        self.outhaul("resource", "map", VM, self.host.address)
        # The address book's port counts: at Azure it was 22.
        for given in ({"resource_id": VM}, {"subscription_id": "s", "resource_group": "g", "vm_name": "v"}):
            target = self.attach("by-id", address=None, ssh_port=22, **given)
            with self.printed():
                target.wait_for_completion()
            self.assertEqual(target.cluster_resource_id, VM)
        self.assertEqual(ComputeTarget(self.ws, "by-id").cluster_resource_id, VM)
        self.detach(target)

    def test_by_password(self):
        if self.host.password is None:
            print("not run: only root's SSH server can check passwords")
            self.skipTest("not root")
        target = self.attach("pw", private_key_file="", password=self.host.password)
        with self.printed():
            target.wait_for_completion()
        self.detach(target)
        wrong = self.attach("pw", private_key_file="", password=CANARY)
        with self.refused(
            ComputeTargetException, "current provisioning state: Failed\nProvisioning operation error:\nStatusCode: "
        ) as caught:
            with self.printed():
                wrong.wait_for_completion(show_output=True)
        self.assertNotIn(CANARY, str(caught.exception))
        self.assertEqual(wrong.provisioning_state, "Failed")
        self.assertTrue(wrong.provisioning_errors)
        self.assertNotIn(CANARY, repr(wrong.serialize()) + repr(wrong))
        self.nowhere_at_home(CANARY)
        self.detach(wrong)

    def nowhere_at_home(self, secret):
        """No file of the data folder holds the secret."""
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        self.assertNotIn(secret.encode(), file.read(), path)

    def test_a_machine_that_is_not_there(self):
        with self.assertRaises(ComputeTargetException) as caught:
            self.attach("gone", ssh_port=1)
        self.assertIn("127.0.0.1", caught.exception.message)

    def test_a_changed_host_key_is_refused(self):
        os.environ["HOME"] = self.folder
        with open(os.path.join(self.host.folder, "client.pub"), encoding="utf-8") as file:
            other = " ".join(file.read().split()[:2])
        self.write(".ssh/known_hosts", "[127.0.0.1]:{} {}\n".format(self.host.port, other))
        with self.refused(ComputeTargetException, "ssh-keygen -R"):
            self.attach("changed")

    def test_names(self):
        for name in ("local", "a/b", "nowhere"):
            with self.refused(ComputeTargetException, "ComputeTargetNotFound: Compute Target with name " + name):
                ComputeTarget(self.ws, name)
        with self.assertRaises(ComputeTargetException):
            self.attach("a b")


if __name__ == "__main__":
    unittest.main()
