"""`HDInsightCompute`: a Spark cluster, reached over SSH at its head node."""

from outhaul_azureml.compute import base, hosts, ids, login
from outhaul_azureml.compute.remote import DEPRECATED, check_ways
from outhaul_azureml.errors import ComputeTargetException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROVIDER = "Microsoft.HDInsight"
_here = known_as("azureml.core.compute.hdinsight")


@_here
class HDInsightCompute(base.ComputeTarget):
    """A Spark cluster."""

    _compute_type = "HDInsight"
    _not_deleted = "Delete is not supported for HDICompute object. Try to use detach instead."

    @staticmethod
    def attach(  # type: ignore[override]
        workspace: "Any",
        name: str,
        username: str,
        address: str,
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> "HDInsightCompute":
        """Given up in v1 already."""
        raise ComputeTargetException(DEPRECATED.format("HDInsightCompute"))

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        cluster_name: "str | None" = None,
        resource_id: "str | None" = None,
        address: "str | None" = None,
        ssh_port: "Any" = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> "HDInsightAttachConfiguration":
        """What to attach: the cluster by `address`, by `resource_id`, or by the parts of one."""
        made = HDInsightAttachConfiguration(
            username,
            subscription_id,
            resource_group,
            cluster_name,
            resource_id,
            address,
            ssh_port,
            password,
            private_key_file,
            private_key_passphrase,
        )
        made.validate_configuration()
        return made

    @classmethod
    def _attach(cls, workspace: "Any", name: str, config: "Any") -> "HDInsightCompute":
        resource_id = config.resource_id
        if config.cluster_name:
            resource_id = ids.made(
                config.subscription_id, config.resource_group, PROVIDER, "clusters", config.cluster_name
            )
        wrap = lambda machine: {"kind": "hdinsight", "host": machine}
        found = hosts.attach(workspace, name, config, "HDInsight", wrap, resource_id)
        made = base._made(workspace, found)
        made._operation = "create"
        return made  # type: ignore[no-any-return]

    def _read(self, found: "dict[str, Any]") -> None:
        super()._read(found)
        inner = found["properties"]["properties"]
        self.vm_size = inner.get("vmSize")
        self.address = inner.get("address")
        self.ssh_port = inner.get("sshPort", inner.get("ssh-port"))

    def _inner(self) -> "dict[str, Any]":
        inner = {"vmSize": self.vm_size, "address": self.address, "ssh-port": self.ssh_port}
        return {"isAttachedCompute": self.is_attached, "properties": inner}

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "HDInsightCompute":
        """Out of what `serialize` gave."""
        return HDInsightCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


@_here
class HDInsightAttachConfiguration(base.ComputeTargetAttachConfiguration):
    """What `HDInsightCompute.attach_configuration` gives."""

    def __init__(
        self,
        username: str,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        cluster_name: "str | None" = None,
        resource_id: "str | None" = None,
        address: "str | None" = None,
        ssh_port: "Any" = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> None:
        super().__init__(HDInsightCompute)
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.cluster_name = cluster_name
        self.resource_id = resource_id
        self.address = address
        self.ssh_port = ssh_port
        self.username = username
        self.password = password
        self.private_key_file = private_key_file
        self.private_key_passphrase = private_key_passphrase

    def validate_configuration(self) -> None:
        """Raise unless user and cluster are named, and the cluster in one way only."""
        login.check_username(self.username)
        check_ways(self, "cluster_name", "HDI cluster")
        if self.resource_id:
            ids.check(self.resource_id, PROVIDER, "HDI cluster")
