"""Who logs in to a machine, and how: v1's rules for username, password, key and port.

As in v1, the username is looked at when the configuration is made, all else when the target is attached.
"""

import os

from outhaul_azureml.errors import ComputeTargetException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Login:
    """What is needed to log in. Its secrets are never shown."""

    def __init__(self, username: str, port: int, authentication: "dict[str, Any]", secrets: "dict[str, str]") -> None:
        self.username = username
        self.port = port
        self.authentication = authentication
        self._secrets = secrets

    def secrets(self) -> "dict[str, str]":
        """To be handed to the server, and to nobody else."""
        return self._secrets

    def __repr__(self) -> str:
        return "Login({!r})".format(self.username)


def check_username(username: "str | None") -> None:
    """Refuse a configuration without a user."""
    if not username:
        raise ComputeTargetException("username is not provided.")


def of(config: "Any", addresses: "Any") -> Login:
    """The login that a configuration describes; `addresses` knows what printed placeholders stand for."""
    if not config.ssh_port:
        raise ComputeTargetException("Error, missing ssh-port.")
    password, key_file = config.password, config.private_key_file
    passphrase = config.private_key_passphrase
    if not password and not key_file:
        raise ComputeTargetException(
            "Error, no password or key information provided. Please provide either a password or a private key file."
        )
    if password and key_file:
        raise ComputeTargetException(
            "Invalid attach information, both password and key information provided. Please provide one of them."
        )
    known = addresses.login(config.username, password)
    username = known.get("username", config.username)
    if "private_key_file" in known:
        password, key_file = "", known["private_key_file"]
    elif "password_file" in known:
        password = _read(known["password_file"], "password").rstrip("\r\n")
    if password:
        return Login(username, _port(config.ssh_port), {"kind": "password"}, {"password": password})
    secrets = {"private_key": _read(os.path.expanduser(key_file), "key")}
    if passphrase:
        secrets["passphrase"] = passphrase
    return Login(username, _port(config.ssh_port), {"kind": "private_key"}, secrets)


def _read(path: str, what: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ComputeTargetException(
            "Error while reading {} information:\n{}".format(what, error), inner_exception=error
        ) from None


def _port(value: "Any") -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise ComputeTargetException("Error, ssh-port {} is not a port.".format(value))
    return port
