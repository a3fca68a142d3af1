"""`RemoteCompute`: a machine over SSH."""

from outhaul_azureml.compute import base, hosts, ids, login
from outhaul_azureml.errors import ComputeTargetException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROVIDER = "Microsoft.Compute"
_here = known_as("azureml.core.compute.remote")

DEPRECATED = """This method is DEPRECATED. Please use the following code to attach a {0} compute resource.
attach_config = {0}.attach_configuration(...)
compute = ComputeTarget.attach(workspace, name, attach_config)"""


@_here
class RemoteCompute(base.ComputeTarget):
    """A machine that is reached over SSH."""

    _compute_type = "VirtualMachine"

    @staticmethod
    def attach(  # type: ignore[override]
        workspace: "Any",
        name: str,
        username: str,
        address: str,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> "RemoteCompute":
        """Given up in v1 already."""
        raise ComputeTargetException(DEPRECATED.format("RemoteCompute"))

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        vm_name: "str | None" = None,
        resource_id: "str | None" = None,
        address: "str | None" = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> "RemoteComputeAttachConfiguration":
        """What to attach: the machine by `address`, by `resource_id`, or by the parts of one."""
        made = RemoteComputeAttachConfiguration(
            username,
            subscription_id,
            resource_group,
            vm_name,
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
    def _attach(cls, workspace: "Any", name: str, config: "Any") -> "RemoteCompute":
        resource_id = config.resource_id
        if config.vm_name:
            resource_id = ids.made(
                config.subscription_id, config.resource_group, PROVIDER, "virtualMachines", config.vm_name
            )
        wrap = lambda machine: dict(machine, kind="remote")
        found = hosts.attach(workspace, name, config, "VirtualMachine", wrap, resource_id)
        made = base._made(workspace, found)
        made._operation = "create"
        return made  # type: ignore[no-any-return]

    def _read(self, found: "dict[str, Any]") -> None:
        super()._read(found)
        inner = found["properties"]["properties"]
        self.vm_size = inner.get("virtualMachineSize")
        self.address = inner.get("address")
        self.ssh_port = inner.get("sshPort")

    def _inner(self) -> "dict[str, Any]":
        inner = {"virtualMachineSize": self.vm_size, "address": self.address, "sshPort": self.ssh_port}
        return {"isAttachedCompute": self.is_attached, "properties": inner}

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "RemoteCompute":
        """Out of what `serialize` gave."""
        return RemoteCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


@_here
class RemoteComputeAttachConfiguration(base.ComputeTargetAttachConfiguration):
    """What `RemoteCompute.attach_configuration` gives."""

    def __init__(
        self,
        username: str,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        vm_name: "str | None" = None,
        resource_id: "str | None" = None,
        address: "str | None" = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> None:
        super().__init__(RemoteCompute)
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.vm_name = vm_name
        self.resource_id = resource_id
        self.address = address
        self.ssh_port = ssh_port
        self.username = username
        self.password = password
        self.private_key_file = private_key_file
        self.private_key_passphrase = private_key_passphrase

    def validate_configuration(self) -> None:
        """Raise unless user and machine are named, and the machine in one way only."""
        login.check_username(self.username)
        check_ways(self, "vm_name", "virtual machine")
        if self.resource_id:
            ids.check(self.resource_id, PROVIDER, "virtual machine")


def check_ways(config: "Any", name: str, what: str) -> None:
    """A machine is named in exactly one of three ways: by the parts of its resource id, by the id, by its address."""
    parts = [("subscription_id", config.subscription_id), ("resource_group", config.resource_group)]
    parts.append((name, getattr(config, name)))
    given = [key for key, value in parts if value]
    if config.resource_id:
        others = given + (["address"] if config.address else [])
        if others:
            raise ComputeTargetException(
                "Since resource_id is provided, please do not provide {}.".format(", ".join(others))
            )
    elif config.address:
        if given:
            raise ComputeTargetException(
                "Since address is provided, please do not provide {}.".format(", ".join(given))
            )
    elif len(given) < len(parts):
        raise ComputeTargetException(
            "Please provide subscription_id, resource_group, {} or provide resource_id or address for {} being "
            "attached.".format(name, what)
        )
