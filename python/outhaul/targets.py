"""Compute targets: attaching, seeing, checking and detaching them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional, Sequence

from outhaul._client.attaching import Attachment, PathText
from outhaul._model import Check, TargetView, checks_of
from outhaul._ops import targets

if TYPE_CHECKING:
    from outhaul._client.client import Client


class Target(TargetView):
    """A compute target as it was when it was asked for; `refresh` asks again."""

    def __init__(self, client: Client, workspace: Optional[str], info: Mapping[str, Any]) -> None:
        super().__init__(info)
        self._client = client
        self._workspace = workspace

    def refresh(self) -> Target:
        """Asks the server for its description now."""
        self._info = self._client.block(targets.target(self._client.core, self._workspace, self.name))
        return self

    def wait(self) -> Target:
        """Waits until it is attached; `TargetError` when it could not be."""
        self._info = self._client.block(targets.wait_for_target(self._client.core, self._workspace, self.name))
        return self

    def check(self) -> List[Check]:
        """Checks it now."""
        return checks_of(self._client.block(targets.check_target(self._client.core, self._workspace, self.name)))

    def detach(self, forget: bool = False) -> List[str]:
        """Detaches it and cleans up on its machine; says what was removed there. With `forget` its machine, which may
        be gone, is not asked.
        """
        told = self._client.block(targets.detach(self._client.core, self.name, forget))
        return list(told["removed"])


class Attach:
    """The ways to attach a target: `ws.targets.attach.remote(...)`."""

    def __init__(self, client: Client, workspace: Optional[str]) -> None:
        self._client = client
        self._workspace = workspace

    def remote(
        self,
        name: str,
        *,
        address: Optional[str] = None,
        username: Optional[str] = None,
        port: Optional[int] = None,
        password: Optional[str] = None,
        key_file: Optional[PathText] = None,
        passphrase: Optional[str] = None,
        certificate_file: Optional[PathText] = None,
        agent: bool = False,
        ssh_config: Optional[str] = None,
        resource_id: Optional[str] = None,
        jumps: Sequence[str] = (),
        host_key: Optional[str] = None,
        accept_host_key: bool = False,
        folder: Optional[str] = None,
        packages: Optional[str] = None,
        slots: Optional[int] = None,
        replace: bool = False,
        wait: bool = True,
    ) -> Target:
        """Attaches a machine that is reached over SSH, as `outhaul target attach remote` does.

        The machine is named by `address`, by a name in your SSH configuration (`ssh_config`) or by an Azure
        `resource_id`. You log in with a `password`, a `key_file` (and its `passphrase`) or the SSH `agent`; without,
        the ways of the SSH configuration are taken. A host key that is not in your known hosts is refused unless it is
        the `host_key` given here (`SHA256:...`) or `accept_host_key` says that any unknown one will do.
        """
        asked = Attachment(
            name=name,
            address=address,
            username=username,
            port=port,
            password=password,
            key_file=key_file,
            passphrase=passphrase,
            certificate_file=certificate_file,
            agent=agent,
            ssh_config=ssh_config,
            resource_id=resource_id,
            jumps=jumps,
            host_key=host_key,
            accept_host_key=accept_host_key,
            folder=folder,
            packages=packages,
            slots=slots,
            replace=replace,
            wait=wait,
        )
        return self._attach("remote", asked)

    def slurm(
        self,
        name: str,
        *,
        local: bool = False,
        partition: Optional[str] = None,
        account: Optional[str] = None,
        qos: Optional[str] = None,
        address: Optional[str] = None,
        username: Optional[str] = None,
        port: Optional[int] = None,
        password: Optional[str] = None,
        key_file: Optional[PathText] = None,
        passphrase: Optional[str] = None,
        certificate_file: Optional[PathText] = None,
        agent: bool = False,
        ssh_config: Optional[str] = None,
        jumps: Sequence[str] = (),
        host_key: Optional[str] = None,
        accept_host_key: bool = False,
        folder: Optional[str] = None,
        packages: Optional[str] = None,
        replace: bool = False,
        wait: bool = True,
    ) -> Target:
        """Attaches a Slurm cluster by one of its login hosts; see `remote` for how it is reached. With `local` this machine
        is the login host.
        """
        asked = Attachment(
            name=name,
            local=local,
            address=address,
            username=username,
            port=port,
            password=password,
            key_file=key_file,
            passphrase=passphrase,
            certificate_file=certificate_file,
            agent=agent,
            ssh_config=ssh_config,
            jumps=jumps,
            host_key=host_key,
            accept_host_key=accept_host_key,
            folder=folder,
            packages=packages,
            replace=replace,
            wait=wait,
        )
        return self._attach("slurm", asked, [("partition", partition), ("account", account), ("qos", qos)])

    def hdinsight(
        self,
        name: str,
        *,
        cluster_name: Optional[str] = None,
        master: Optional[str] = None,
        deploy_mode: Optional[str] = None,
        spark_home: Optional[str] = None,
        address: Optional[str] = None,
        username: Optional[str] = None,
        port: Optional[int] = None,
        password: Optional[str] = None,
        key_file: Optional[PathText] = None,
        passphrase: Optional[str] = None,
        certificate_file: Optional[PathText] = None,
        agent: bool = False,
        ssh_config: Optional[str] = None,
        resource_id: Optional[str] = None,
        jumps: Sequence[str] = (),
        host_key: Optional[str] = None,
        accept_host_key: bool = False,
        folder: Optional[str] = None,
        packages: Optional[str] = None,
        slots: Optional[int] = None,
        replace: bool = False,
        wait: bool = True,
    ) -> Target:
        """Attaches an HDInsight cluster, or any other Spark, by the host that submits to it; see `remote` for how that
        is reached. `cluster_name` stands for its usual address.
        """
        asked = Attachment(
            name=name,
            address=address,
            username=username,
            port=port,
            password=password,
            key_file=key_file,
            passphrase=passphrase,
            certificate_file=certificate_file,
            agent=agent,
            ssh_config=ssh_config,
            resource_id=resource_id,
            jumps=jumps,
            host_key=host_key,
            accept_host_key=accept_host_key,
            folder=folder,
            packages=packages,
            slots=slots,
            replace=replace,
            wait=wait,
        )
        spark = [
            ("cluster-name", cluster_name),
            ("master", master),
            ("deploy-mode", deploy_mode),
            ("spark-home", spark_home),
        ]
        return self._attach("hdinsight", asked, spark)

    def _attach(self, kind: str, asked: Attachment, cluster: Sequence[Any] = ()) -> Target:
        told = self._client.block(targets.attach(self._client.core, self._workspace, kind, asked, cluster))
        return Target(self._client, self._workspace, told)


class Targets:
    """The compute targets of a workspace: walk over them, take one by `["name"]`, attach another by `attach`."""

    def __init__(self, client: Client, workspace: Optional[str]) -> None:
        self._client = client
        self._workspace = workspace
        self.attach = Attach(client, workspace)

    def list(self) -> List[Target]:
        """All of them."""
        told = self._client.block(targets.targets(self._client.core, self._workspace))
        return [Target(self._client, self._workspace, info) for info in told]

    def get(self, name: str) -> Target:
        """The one of this name; `NotFoundError` when there is none."""
        return Target(
            self._client, self._workspace, self._client.block(targets.target(self._client.core, self._workspace, name))
        )

    def __getitem__(self, name: str) -> Target:
        return self.get(name)

    def __iter__(self) -> Iterator[Target]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def __repr__(self) -> str:
        return "<Targets: `list(targets)` shows them, `targets.attach.remote(...)` attaches one>"
