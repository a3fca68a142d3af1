"""A target in the shape that v1's service has for it: made of what our server gives, and checked when it is read. Pure."""

from outhaul_azureml.compute import ids
from outhaul_azureml.errors import ComputeTargetException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def of(workspace: "Any", target: "dict[str, Any]") -> "dict[str, Any]":
    """A target of Outhaul in the shape that v1's service has for it."""
    from outhaul_azureml.compute import kinds

    user_host, _, port = (target.get("address") or "").rpartition(":")
    error = target.get("error")
    return {
        "id": ids.of_compute(workspace, target["name"]),
        "name": target["name"],
        "location": workspace.location,
        "tags": None,
        "properties": {
            "computeType": kinds.class_of(target["kind"])._compute_type or target["kind"],
            "isAttachedCompute": True,
            "description": None,
            "resourceId": target.get("resource_id"),
            "provisioningState": target["provisioning_state"],
            "provisioningErrors": [{"error": {"code": error["check"], "message": _whole(error)}}] if error else None,
            "properties": {
                "address": user_host.rpartition("@")[2].strip("[]") or None,
                "sshPort": int(port) if port.isdigit() else None,
            },
        },
    }


def _whole(error: "dict[str, Any]") -> str:
    return "{}\n{}".format(error["message"], error["hint"]) if error.get("hint") else str(error["message"])


def error_text(error: "dict[str, Any] | None") -> "str | None":
    """Why attaching failed, as v1 words it."""
    return None if error is None else "StatusCode: {}\nMessage: {}".format(error["check"], _whole(error))


_NEEDED = ("id", "name", "location", "tags", "properties")
_NEEDED_INSIDE = ("computeType", "description", "resourceId", "provisioningState", "provisioningErrors")


def check(found: "dict[str, Any]") -> None:
    """Refuse what is not whole."""
    missing = [key for key in _NEEDED if key not in found]
    missing += [key for key in _NEEDED_INSIDE if key not in found.get("properties", {})]
    if missing:
        raise ComputeTargetException("Invalid cluster payload, missing {}: {}".format(missing[0], found))
    found["properties"].setdefault("isAttachedCompute", True)
    found["properties"].setdefault("properties", {})
