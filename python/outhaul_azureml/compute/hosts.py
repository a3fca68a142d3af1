"""Attaching a machine over SSH: where it is, its host key, its login, and the request to the server."""

from outhaul_azureml.compute import ids, login
from outhaul_azureml.errors import ComputeTargetException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def attach(
    workspace: "Any", name: str, config: "Any", compute_type: str, wrap: "Any", resource_id: "str | None"
) -> "dict[str, Any]":
    """Attaches a machine that is reached over SSH: hands the login over, pins the host key, and asks the server.

    `wrap` makes the kind's configuration out of that of the machine.
    """
    server = workspace._server
    known = login.of(config, workspace._addresses)
    resource = None
    if resource_id:
        resource = workspace._addresses.resource(resource_id, compute_type)
        if ids.is_placeholder(resource):
            raise ComputeTargetException("Invalid resource_id provided: {}".format(resource))
    host, port = _place(server, config.address, known.port, resource, compute_type)
    ticket = server.ask("POST", "/credentials", None, known.secrets(), ComputeTargetException, repeat=True)["ticket"]
    endpoint = {"address": host, "port": port, "username": known.username}
    endpoint["host_key"] = _host_key(server, endpoint, known.authentication, ticket)
    machine = {"endpoint": endpoint, "authentication": known.authentication}  # type: dict[str, Any]
    if resource:
        machine["resource_id"] = resource
    body = {"name": name, "config": wrap(machine), "ticket": ticket}
    # As in v1, a name that is taken is attached anew. The server refuses a machine that another name has.
    body["replace"] = server.find("/targets/" + segment(name), raising=ComputeTargetException) is not None
    found = server.ask("POST", "/targets", None, body, ComputeTargetException)
    return found  # type: ignore[no-any-return]


def _place(
    server: "Any", address: "str | None", port: int, resource: "str | None", compute_type: str
) -> "tuple[str, int]":
    """Host and port; for a resource id as the server's address book has it."""
    if resource:
        entries = server.get("/resources", raising=ComputeTargetException)
        address = next((one["address"] for one in entries if one["resource_id"].lower() == resource.lower()), None)
        if address is None and compute_type == "HDInsight":
            # As Azure names the head nodes of its clusters.
            address = resource.rsplit("/", 1)[-1] + "-ssh.azurehdinsight.net"
        if address is None:
            raise ComputeTargetException(
                "The address book does not know {}\n`outhaul resource map {} ADDRESS` tells where it is".format(
                    resource, resource
                )
            )
    host, colon, tail = str(address).rpartition(":")
    # `host:port`, or `[v6]:port`; a bare IPv6 address has colons, too.
    if colon and tail.isdigit() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(tail)
    return str(address).strip("[]"), port


def _host_key(server: "Any", endpoint: "dict[str, Any]", authentication: "dict[str, Any]", ticket: str) -> "Any":
    """The host's key, to be pinned. One that the user's known hosts contradict is refused."""
    body = {
        "endpoint": endpoint,
        "authentication": authentication,
        "known_hosts": _known_hosts(),
        "ticket": ticket,
    }
    seen = server.ask("POST", "/targets/host-key", None, body, ComputeTargetException, repeat=True)
    if seen["verdict"] in ("changed", "revoked"):
        raise ComputeTargetException(
            "The host key of {}:{} is {}, but known_hosts expects {}. If the machine was set up anew, remove its old "
            "key with `ssh-keygen -R`; otherwise somebody may be listening in.".format(
                endpoint["address"],
                endpoint["port"],
                seen["host_key"]["fingerprint"],
                seen.get("expected") or "another",
            )
        )
    return seen["host_key"]


def _known_hosts() -> str:
    import os

    texts = []
    for path in (os.path.expanduser("~/.ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
        except OSError:
            continue
    return "\n".join(texts)


def segment(name: str) -> str:
    """A name as a component of a path."""
    from outhaul._client import query

    return query.segment(name)
