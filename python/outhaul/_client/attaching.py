"""Attaching a target as the words of `outhaul target attach`. Pure."""

from __future__ import annotations

import os
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from outhaul.errors import BadRequestError

PathText = Union[str, "os.PathLike[str]"]


class Attachment(NamedTuple):
    """A machine that is reached over SSH, and how it is logged in to."""

    name: str
    address: Optional[str] = None
    username: Optional[str] = None
    port: Optional[int] = None
    password: Optional[str] = None
    key_file: Optional[PathText] = None
    passphrase: Optional[str] = None
    certificate_file: Optional[PathText] = None
    agent: bool = False
    ssh_config: Optional[str] = None
    resource_id: Optional[str] = None
    local: bool = False
    jumps: Sequence[str] = ()
    host_key: Optional[str] = None
    accept_host_key: bool = False
    folder: Optional[str] = None
    packages: Optional[str] = None
    slots: Optional[int] = None
    replace: bool = False
    wait: bool = True

    def __repr__(self) -> str:
        # Neither the password nor the passphrase may get into a log.
        return f"<Attachment of {self.name!r}>"


def words(kind: str, asked: Attachment, cluster: Sequence[Tuple[str, Optional[str]]] = ()) -> List[str]:
    """The words behind `outhaul`; the secret, if there is one, goes over standard input."""
    if not isinstance(asked.name, str):
        raise TypeError(f"the name of a target must be text, not `{type(asked.name).__name__}`")
    named = dict(cluster).get("cluster-name")
    ways = [way for way in (asked.address, asked.ssh_config, asked.resource_id, named) if way is not None]
    if asked.local:
        _check_local(asked)
    elif len(ways) != 1:
        also = " (or `cluster_name`)" if "cluster-name" in dict(cluster) else ""
        raise BadRequestError(f"say where the machine is by one of `address`, `ssh_config` and `resource_id`{also}")
    if asked.password is not None and (asked.key_file is not None or asked.passphrase is not None or asked.agent):
        raise BadRequestError("log in either with a password, or with a key, or with the SSH agent")
    if asked.agent and (asked.key_file is not None or asked.passphrase is not None):
        raise BadRequestError("log in either with a key file or with the SSH agent")
    found = ["target", "attach", kind]

    def option(name: str, value: object) -> None:
        if value is not None:
            found.append(f"--{name}={value}")

    if asked.local:
        found.append("--local")
    option("address", asked.address)
    option("ssh-config", asked.ssh_config)
    option("resource-id", asked.resource_id)
    option("username", asked.username)
    option("port", asked.port)
    option("private-key-file", None if asked.key_file is None else os.fspath(asked.key_file))
    option("certificate-file", None if asked.certificate_file is None else os.fspath(asked.certificate_file))
    for jump in asked.jumps:
        option("jump", jump)
    option("host-key", asked.host_key)
    option("folder", asked.folder)
    option("packages", asked.packages)
    option("slots", asked.slots)
    for name, value in cluster:
        option(name, value)
    for flag, given in (
        ("password-stdin", asked.password is not None),
        ("passphrase-stdin", asked.passphrase is not None),
        ("agent", asked.agent),
        ("yes", asked.accept_host_key),
        ("replace", asked.replace),
        ("no-wait", not asked.wait),
    ):
        if given:
            found.append(f"--{flag}")
    return [*found, "--", asked.name]


def _check_local(asked: Attachment) -> None:
    """Refuses ways to reach a machine together with the one that needs none."""
    given = [name for name in Attachment._fields if name not in _WITH_LOCAL and getattr(asked, name)]
    if given:
        raise BadRequestError(
            f"`local` takes this machine as the login host, so it does not go with `{given[0]}`",
            "leave out how a machine would be reached",
        )


_WITH_LOCAL = ("name", "local", "folder", "slots", "replace", "wait")


def secret(asked: Attachment) -> Optional[str]:
    """What goes over standard input."""
    return asked.password if asked.password is not None else asked.passphrase
