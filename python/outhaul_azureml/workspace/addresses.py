"""What printed placeholders and resource ids stand for: the section `outhaul` of a workspace's configuration file.

    {"subscription_id": "...", "resource_group": "...", "workspace_name": "...",
     "outhaul": {
        "home": "/data/outhaul",
        "resources": {"<resource_id>": {"VirtualMachine": "/subscriptions/...", "HDInsight": "/subscriptions/..."}},
        "usernames": {"<username>": "me"},
        "passwords": {"<password>": {"private_key_file": "~/.ssh/id_ed25519"}}}}

Where resources are reached is not said here but in the server's address book (`outhaul resource map`). Passwords
themselves do not belong in the file: it names a file that holds the key or the password.
"""

import os

from outhaul_azureml.errors import ProjectSystemException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECTIONS = ("resources", "usernames", "passwords")
_WAYS = ("private_key_file", "password_file")


class Addresses:
    """The placeholders of one configuration file; empty for a workspace that was found otherwise."""

    def __init__(self, found: "dict[str, Any] | None" = None, folder: str = ".") -> None:
        found = found or {}
        self._resources = _section(found, "resources")
        self._usernames = _section(found, "usernames")
        self._passwords = _section(found, "passwords")
        self._folder = folder

    def resource(self, resource_id: str, compute_type: str) -> str:
        """The resource id that is meant; the text itself if it is no placeholder."""
        known = self._resources.get(resource_id, resource_id)
        if isinstance(known, dict):
            known = known.get(compute_type, resource_id)
        return str(known)

    def login(self, username: str, password: str) -> "dict[str, str]":
        """What to use in place of a printed username and password: `username`, and a file for the secret."""
        found = {"username": str(self._usernames.get(username, username))}
        way = self._passwords.get(password) if password else None
        if way is None:
            return found
        if not isinstance(way, dict) or len(way) != 1 or next(iter(way)) not in _WAYS:
            raise ProjectSystemException(
                'The entry of passwords for {!r} must be {{"private_key_file": PATH}} or {{"password_file": PATH}}'.format(
                    password
                )
            )
        for kind, path in way.items():
            found[kind] = os.path.join(self._folder, os.path.expanduser(path))
        return found


def _section(found: "dict[str, Any]", name: str) -> "dict[str, Any]":
    section = found.get(name, {})
    if not isinstance(section, dict):
        raise ProjectSystemException("outhaul.{} in the workspace's configuration must be an object".format(name))
    return section
