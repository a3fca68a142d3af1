"""What compute targets are attached with: rules, words, and which call each class refuses. No server."""

import unittest

from azureml.core.compute import (
    AdlaCompute,
    AksCompute,
    AmlCompute,
    BatchCompute,
    ComputeTarget,
    DatabricksCompute,
    DataFactoryCompute,
    HDInsightCompute,
    RemoteCompute,
)
from azureml.exceptions import ComputeTargetException, UserErrorException
from outhaul_azureml.compute import base, login
from outhaul_azureml.planned import NotYetException
from outhaul_azureml.workspace.addresses import Addresses

from v1.support import Case

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.HDInsight/clusters/c"
BATCH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Batch/batchAccounts/b"


class Workspace:
    """As much of a workspace as data needs."""

    name, subscription_id, resource_group, location = "w", "s", "g", "here"
    _addresses = Addresses()


class Rules(Case):
    def test_a_user_is_needed(self):
        for kind in (RemoteCompute, HDInsightCompute):
            with self.refused(ComputeTargetException, "username is not provided."):
                kind.attach_configuration(username="", address="a")

    def test_a_machine_is_named_in_one_way(self):
        for given, words in [
            (
                {},
                "Please provide subscription_id, resource_group, vm_name or provide resource_id or address for virtual machine being attached.",
            ),
            ({"subscription_id": "s", "resource_group": "g"}, "Please provide subscription_id"),
            ({"resource_id": VM, "address": "a"}, "Since resource_id is provided, please do not provide address."),
            ({"resource_id": VM, "vm_name": "v"}, "Since resource_id is provided"),
            ({"address": "a", "vm_name": "v"}, "Since address is provided"),
        ]:
            with self.refused(ComputeTargetException, words):
                RemoteCompute.attach_configuration("me", **given)
        for given in (
            {"address": "a"},
            {"resource_id": VM},
            {"subscription_id": "s", "resource_group": "g", "vm_name": "v"},
        ):
            self.assertEqual(RemoteCompute.attach_configuration("me", **given).username, "me")

    def test_resource_ids(self):
        for given, words in [
            ("gpu", "Invalid resource_id provided: gpu"),
            (VM + "/more", "Invalid resource_id provided: " + VM + "/more"),
            (CLUSTER, "resource type Microsoft.HDInsight does not match for virtual machine"),
            (
                VM.replace("Microsoft", "microsoft"),
                "resource type microsoft.Compute does not match for virtual machine",
            ),
        ]:
            with self.refused(ComputeTargetException, words):
                RemoteCompute.attach_configuration("me", resource_id=given)
        # As in v1, nothing looks at what stands behind the provider.
        RemoteCompute.attach_configuration("me", resource_id=VM.replace("virtualMachines", "disks"))
        with self.refused(ComputeTargetException, "does not match for HDI cluster"):
            HDInsightCompute.attach_configuration("me", resource_id=VM)

    def test_the_default_port_of_a_cluster_is_a_text(self):
        self.assertEqual(HDInsightCompute.attach_configuration("me", address="a").ssh_port, "22")
        self.assertEqual(RemoteCompute.attach_configuration("me", address="a").ssh_port, 22)

    def test_accounts(self):
        for kind, name in [
            (BatchCompute, "account_name"),
            (AdlaCompute, "account_name"),
            (DatabricksCompute, "workspace_name"),
            (DataFactoryCompute, "factory_name"),
        ]:
            with self.refused(ComputeTargetException, name):
                kind.attach_configuration(resource_group="g")
            with self.refused(ComputeTargetException, "Since resource_id is provided"):
                kind.attach_configuration(resource_group="g", resource_id=BATCH)
            made = kind.attach_configuration(resource_group="g", **{name: "x"})
            self.assertEqual((made.resource_group, getattr(made, name)), ("g", "x"))
        BatchCompute.attach_configuration(resource_id=BATCH)
        with self.refused(ComputeTargetException, "does not match"):
            AdlaCompute.attach_configuration(resource_id=BATCH)

    def test_a_kind_that_is_not_there_yet_says_so_where_scripts_catch_it(self):
        config = BatchCompute.attach_configuration("g", "b")
        for attach in (ComputeTarget.attach, BatchCompute.attach):
            with self.refused(ComputeTargetException, "Azure Batch is planned as a target") as caught:
                attach(Workspace(), "b", config)
            self.assertIsInstance(caught.exception, NotYetException)
            self.assertIsInstance(caught.exception, NotImplementedError)

    def test_what_is_no_configuration(self):
        for config in (None, {}, RemoteCompute):
            with self.refused(ComputeTargetException, "attach_configuration must be"):
                ComputeTarget.attach(Workspace(), "b", config)

    def test_calls_that_v1_had_given_up(self):
        for call in (
            lambda: RemoteCompute.attach(None, "n", "u", "a"),
            lambda: HDInsightCompute.attach(None, "n", "u", "a"),
            lambda: DatabricksCompute.attach(None, "n", "id", "t"),
            lambda: AdlaCompute.attach(None, "n", "id"),
            lambda: DataFactoryCompute.attach(None, "n", "id"),
        ):
            with self.refused(ComputeTargetException, "This method is DEPRECATED. Please use the following code"):
                call()

    def test_clusters_of_azure_are_not_made(self):
        with self.refused(NotYetException, "RemoteCompute.attach_configuration"):
            AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
        with self.refused(UserErrorException, "Please specify a different target name. local is a reserved name."):
            ComputeTarget.create(Workspace(), "local", object())
        with self.refused(ComputeTargetException, "does not work with Outhaul yet"):
            ComputeTarget.create(Workspace(), "x", object())
        with self.refused(ComputeTargetException, "Kubernetes is planned"):
            AksCompute.attach_configuration("g", "c")


class Logins(Case):
    def config(self, **given):
        return RemoteCompute.attach_configuration("me", address="a", **given)

    def of(self, config):
        return login.of(config, Addresses())

    def test_password_or_key(self):
        key = self.write("key", "PRIVATE")
        found = self.of(self.config(password="hunter2"))
        self.assertEqual((found.authentication, found.secrets()), ({"kind": "password"}, {"password": "hunter2"}))
        self.assertNotIn("hunter2", repr(found))
        found = self.of(self.config(private_key_file=key, private_key_passphrase="p"))
        self.assertEqual(found.secrets(), {"private_key": "PRIVATE", "passphrase": "p"})

    def test_refusals(self):
        key = self.write("key", "PRIVATE")
        for given, words in [
            ({}, "Error, no password or key information provided"),
            (
                {"password": "hunter2", "private_key_file": key},
                "Invalid attach information, both password and key information provided",
            ),
            ({"private_key_file": self.folder + "/missing"}, "Error while reading key information:\n"),
            ({"password": "hunter2", "ssh_port": 0}, "Error, missing ssh-port."),
            ({"password": "hunter2", "ssh_port": None}, "Error, missing ssh-port."),
            ({"password": "hunter2", "ssh_port": "x"}, "is not a port"),
        ]:
            with self.refused(ComputeTargetException, words) as caught:
                self.of(self.config(**given))
            self.assertNotIn("hunter2", str(caught.exception))

    def test_ports_may_be_texts(self):
        self.assertEqual(self.of(self.config(password="x", ssh_port="2222")).port, 2222)

    def test_placeholders_stand_for_what_the_workspace_knows(self):
        self.write("key", "PRIVATE")
        known = Addresses(
            {
                "resources": {"<resource_id>": {"VirtualMachine": VM, "HDInsight": CLUSTER}, "<one>": VM},
                "usernames": {"<username>": "me"},
                "passwords": {"<password>": {"private_key_file": "key"}, "<bad>": "hunter2"},
            },
            self.folder,
        )
        self.assertEqual(known.resource("<resource_id>", "VirtualMachine"), VM)
        self.assertEqual(known.resource("<resource_id>", "HDInsight"), CLUSTER)
        self.assertEqual(known.resource("<one>", "HDInsight"), VM)
        self.assertEqual(known.resource("<other>", "HDInsight"), "<other>")
        config = RemoteCompute.attach_configuration("<username>", resource_id="<resource_id>", password="<password>")
        found = login.of(config, known)
        self.assertEqual((found.username, found.secrets()), ("me", {"private_key": "PRIVATE"}))
        config.password = "<bad>"
        with self.assertRaises(Exception) as caught:
            login.of(config, known)
        self.assertIn("private_key_file", caught.exception.message)
        self.assertNotIn("hunter2", str(caught.exception))


class Objects(Case):
    def made(self, kind="remote", **changes):
        target = {
            "name": "t",
            "kind": kind,
            "address": "me@10.0.0.4:2222",
            "provisioning_state": "Succeeded",
            "error": None,
        }
        target.update(changes)
        return base._made(Workspace(), target)

    def test_attributes_and_data(self):
        found = self.made()
        self.assertIsInstance(found, RemoteCompute)
        self.assertEqual(
            (found.name, found.type, found.address, found.ssh_port), ("t", "VirtualMachine", "10.0.0.4", 2222)
        )
        self.assertEqual((found.provisioning_errors, found.location, found.tags), (None, "here", None))
        self.assertTrue(found.id.endswith("/workspaces/w/computes/t"))
        self.assertTrue(repr(found).startswith("RemoteCompute(workspace="))
        data = found.serialize()
        self.assertEqual(set(data), {"id", "name", "tags", "location", "properties"})
        self.assertEqual(
            data["properties"]["properties"], {"virtualMachineSize": None, "address": "10.0.0.4", "sshPort": 2222}
        )
        again = RemoteCompute.deserialize(Workspace(), data)
        self.assertEqual(again.serialize(), data)
        cluster = self.made("hdinsight")
        self.assertEqual(set(cluster.serialize()["properties"]["properties"]), {"vmSize", "address", "ssh-port"})
        self.assertEqual(self.made(address="me@[::1]:22").address, "::1")

    def test_data_that_is_not_whole_is_refused(self):
        data = self.made().serialize()
        with self.refused(ComputeTargetException, "Invalid cluster payload"):
            HDInsightCompute.deserialize(Workspace(), data)
        del data["tags"]
        with self.refused(ComputeTargetException, "Invalid cluster payload, missing tags"):
            RemoteCompute.deserialize(Workspace(), data)

    def test_errors_of_a_failed_target(self):
        error = {"check": "login", "message": "refused", "hint": "try again"}
        found = self.made(provisioning_state="Failed", error=error)
        self.assertEqual(found.provisioning_errors, [{"error": {"code": "login", "message": "refused\ntry again"}}])

    def test_who_refuses_to_be_deleted(self):
        for kind, what in [("remote", "RemoteCompute"), ("hdinsight", "HDICompute")]:
            with self.refused(
                ComputeTargetException, "Delete is not supported for {} object. Try to use detach instead.".format(what)
            ):
                self.made(kind).delete()
        with self.refused(ComputeTargetException, "Delete is not supported for Batch object."):
            BatchCompute(None, None).delete()

    def test_waiting_without_an_operation(self):
        with self.refused(
            ComputeTargetException,
            "Long running operation information not known, unable to poll. Current state is Succeeded",
        ):
            self.made().wait_for_completion()

    def test_no_credentials_come_back(self):
        with self.refused(ComputeTargetException, "gives no credentials back"):
            self.made().get_credentials()

    def test_a_kind_of_outhauls_own_has_its_class(self):
        self.assertEqual(type(self.made("slurm")).__name__, "OuthaulCompute")


class Waiting(Case):
    def waited(self, states, show):
        found = base._made(Workspace(), {"name": "t", "kind": "remote", "provisioning_state": "Creating"})
        answers = iter(states)
        found._operation_status = lambda: next(answers)
        found.refresh_state = lambda: None
        with self.printed() as out:
            try:
                found.wait_for_completion(show)
            finally:
                self.output = out.getvalue()

    def test_lines_are_v1s(self):
        done = [("InProgress", None), ("Succeeded", None)]
        self.waited(done, True)
        self.assertEqual(self.output, 'InProgress.\nSucceededProvisioning operation finished, operation "Succeeded"\n')
        self.waited(done, False)
        self.assertEqual(self.output, 'Provisioning operation finished, operation "Succeeded"\n')
        self.waited(done[1:], True)
        self.assertEqual(self.output, 'SucceededProvisioning operation finished, operation "Succeeded"\n')

    def test_a_failure(self):
        with self.refused(
            ComputeTargetException,
            "Compute object provisioning polling reached non-successful terminal state, current provisioning state: "
            "Failed\nProvisioning operation error:\nStatusCode: login\nMessage: refused",
        ):
            self.waited([("Failed", "StatusCode: login\nMessage: refused")], True)
        self.assertEqual(self.output, 'FailedProvisioning operation finished, operation "Failed"\n')


if __name__ == "__main__":
    unittest.main()
