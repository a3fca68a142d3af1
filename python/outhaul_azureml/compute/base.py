"""`ComputeTarget`: looking targets up, attaching, waiting, detaching. What is special to a kind is in the kind's file."""

import sys
import time
from abc import ABC

from outhaul_azureml.compute import hosts, ids, payload
from outhaul_azureml.errors import ComputeTargetException, UserErrorException
from outhaul_azureml.planned import NotYetComputeException, known_as, not_yet, planned, sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_here = known_as("azureml.core.compute.compute")

RESERVED = ("amlcompute", "local", "containerinstance")
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_DOT_SECONDS = 5.0

LOCAL = "local"
"""This machine is no compute target in v1: it is never looked up or listed."""


@_here
class ComputeTargetProvisioningConfiguration(ABC):
    """What a new target at Azure shall be; Outhaul makes none."""

    def __init__(self, type: "Any", location: "str | None") -> None:
        self._compute_type = type
        self.location = location

    def validate_configuration(self) -> None:
        """Raise for what cannot be."""


@_here
class ComputeTargetAttachConfiguration(ABC):
    """What a target is attached with."""

    def __init__(self, type: "Any") -> None:
        self._compute_type = type

    def validate_configuration(self) -> None:
        """Raise for what cannot be."""


@_here
class ComputeTargetUpdateConfiguration(ABC):
    """What is changed of a target."""

    def __init__(self, type: "Any") -> None:
        self._compute_type = type

    def validate_configuration(self) -> None:
        """Raise for what cannot be."""


@_here
class ComputeTarget(ABC):
    """A place where runs run. Looking one up gives an object of the class that its kind has, whatever class is called."""

    _compute_type = None  # type: str | None
    _not_deleted = ""
    _not_detached = ""
    _kind_planned = False
    """Whether targets of this kind cannot be attached yet."""
    _operation = ""
    """What `wait_for_completion` waits for: `create`, `delete`, or nothing."""
    workspace = None  # type: Any

    def __new__(cls, workspace: "Any" = None, name: "str | None" = None) -> "Any":
        if not workspace or not name:
            return super().__new__(cls)
        return _made(workspace, _found(workspace, name))

    def __init__(self, workspace: "Any", name: str) -> None:
        # The work is done in `__new__`: the class is known only when the target was looked up.
        pass

    def __repr__(self) -> str:
        workspace = getattr(self, "workspace", None)
        return "{}(workspace={!r}, name={}, id={}, type={}, provisioning_state={}, location={}, tags={})".format(
            type(self).__name__,
            workspace,
            self.name,
            self.id,
            self.type,
            self.provisioning_state,
            self.location,
            self.tags,
        )

    # Looking up

    @staticmethod
    def list(workspace: "Any") -> "list[ComputeTarget]":
        """All targets of the workspace."""
        found = workspace._server.get("/targets", raising=ComputeTargetException)
        return [_made(workspace, one) for one in found if one["name"] != LOCAL]

    def refresh_state(self) -> None:
        """Read it anew."""
        self._read(payload.of(self.workspace, _found(self.workspace, self.name)))

    def get_status(self) -> "Any":
        """Its provisioning state as it is now."""
        self.refresh_state()
        return self.provisioning_state

    # Making

    @staticmethod
    @planned
    def create(workspace: "Any", name: str, provisioning_configuration: "Any") -> "ComputeTarget":
        """Make a target at Azure, which Outhaul does not."""
        if name in RESERVED:
            raise UserErrorException("Please specify a different target name. {} is a reserved name.".format(name))
        raise not_yet("azureml.core.compute.compute.ComputeTarget.create")

    @staticmethod
    def attach(workspace: "Any", name: str, attach_configuration: "Any") -> "ComputeTarget":
        """Attach what the configuration describes; `wait_for_completion` waits until it takes runs.

        A target of that name is attached anew. A machine that has another name is refused.
        """
        if not isinstance(attach_configuration, ComputeTargetAttachConfiguration):
            raise ComputeTargetException(
                "attach_configuration must be what a target's attach_configuration() gives, not {}".format(
                    type(attach_configuration).__name__
                )
            )
        cls = attach_configuration._compute_type
        made = cls._attach(workspace, name, attach_configuration)
        assert isinstance(made, ComputeTarget)
        return made

    @classmethod
    def _attach(cls, workspace: "Any", name: str, config: "Any") -> "ComputeTarget":
        """What a kind does to be attached; a kind that Outhaul does not have yet says so."""
        call = "{}.{}.attach_configuration".format(cls.__module__, cls.__name__)
        raise NotYetComputeException(
            "{} (attaching {!r}: there is no such kind of compute target yet)".format(
                sentence("{} as a compute target".format(cls._compute_type), _plan(call)), name
            ),
            call=call,
        )

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Wait until attaching has come to an end, well or not."""
        if not self._operation:
            raise ComputeTargetException(
                "Long running operation information not known, unable to poll. Current state is {}".format(
                    self.provisioning_state
                )
            )
        status, error = self._wait(show_output)
        if not is_delete_operation:
            self.refresh_state()
        if status != "Succeeded":
            raise ComputeTargetException(
                "Compute object provisioning polling reached non-successful terminal state, current provisioning "
                "state: {}\nProvisioning operation error:\n{}".format(status, error)
            )

    def _wait(self, show_output: bool) -> "tuple[str, str | None]":
        status, error = self._operation_status()
        show = sys.stdout.write if show_output else (lambda text: 0)
        show(status)
        pause, waited = _FIRST_PAUSE, _DOT_SECONDS
        while status not in ("Succeeded", "Failed", "Canceled"):
            if waited >= _DOT_SECONDS:
                show(".")
                waited = 0.0
            sys.stdout.flush()
            time.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            before = status
            status, error = self._operation_status()
            if status != before:
                show("\n" + status)
        sys.stdout.write('Provisioning operation finished, operation "{}"\n'.format(status))
        sys.stdout.flush()
        return status, error

    def _operation_status(self) -> "tuple[str, str | None]":
        found = self.workspace._server.find("/targets/" + self.name, raising=ComputeTargetException)
        if self._operation == "delete":
            return ("InProgress", None) if found and found["provisioning_state"] == "Deleting" else ("Succeeded", None)
        if found is None:
            return "Failed", "StatusCode: NotFound\nMessage: {} was detached meanwhile".format(self.name)
        state = found["provisioning_state"]
        if state == "Creating":
            return "InProgress", None
        return ("Succeeded", None) if state == "Succeeded" else ("Failed", payload.error_text(found.get("error")))

    # Ending

    def delete(self) -> None:
        """Delete the machine itself: no target of Outhaul's can."""
        raise ComputeTargetException(self._not_deleted or _not_deleted(type(self).__name__))

    def detach(self) -> None:
        """Forget it; what was put on the machine is removed. The machine stays as it is."""
        if self._not_detached:
            raise ComputeTargetException(self._not_detached)
        self.workspace._server.ask("DELETE", "/targets/" + self.name, raising=ComputeTargetException)
        self.provisioning_state = "Deleting"
        self._operation = "delete"

    def get_credentials(self) -> "Any":
        """v1 gave passwords and keys back; Outhaul gives none back."""
        raise ComputeTargetException(
            "Outhaul gives no credentials back: the password or key of {} is sealed in the data folder. Attach the "
            "target again to change it.".format(self.name)
        )

    # As data

    def serialize(self) -> "dict[str, Any]":
        """Everything but credentials, as plain data."""
        properties = {
            "computeType": self.type,
            "computeLocation": self.cluster_location,
            "description": self.description,
            "resourceId": self.cluster_resource_id,
            "provisioningErrors": self.provisioning_errors,
            "provisioningState": self.provisioning_state,
        }  # type: dict[str, Any]
        properties.update(self._inner())
        return {
            "id": self.id,
            "name": self.name,
            "tags": self.tags,
            "location": self.location,
            "properties": properties,
        }

    def _inner(self) -> "dict[str, Any]":
        """What the kind adds to the properties."""
        return {}

    @classmethod
    def _deserialize(cls, workspace: "Any", object_dict: "dict[str, Any]") -> "Any":
        payload.check(object_dict)
        found = object_dict["properties"]["computeType"]
        if found != cls._compute_type:
            raise ComputeTargetException(
                "Invalid cluster payload, not '{}': computeType is {}".format(cls._compute_type, found)
            )
        made = cls.__new__(cls, None, None)
        made.workspace = workspace
        made._read(object_dict)
        return made

    def _read(self, found: "dict[str, Any]") -> None:
        """Takes the attributes of a payload."""
        properties = found["properties"]
        self.id = ids.of_compute(self.workspace, found["name"])
        self.name = found["name"]
        self.location = str(self.workspace.location)
        self.type = properties["computeType"]
        self.tags = found["tags"]
        self.description = properties["description"]
        self.created_on = properties.get("createdOn")
        self.modified_on = properties.get("modifiedOn")
        self.provisioning_state = properties["provisioningState"]
        self.provisioning_errors = properties["provisioningErrors"]
        self.cluster_resource_id = properties["resourceId"]
        self.cluster_location = properties.get("computeLocation")
        self.is_attached = properties["isAttachedCompute"]


def _plan(call: str) -> str:
    from outhaul_azureml import plan

    return plan.of(call)


def _not_deleted(what: str) -> str:
    return "Delete is not supported for {} object. Try to use detach instead.".format(what)


def _found(workspace: "Any", name: str) -> "dict[str, Any]":
    """The target as the server has it."""
    found = None
    if name != LOCAL and "/" not in name:
        found = workspace._server.find("/targets/" + hosts.segment(name), raising=ComputeTargetException)
    if found is None:
        raise ComputeTargetException(
            "ComputeTargetNotFound: Compute Target with name {} not found in provided workspace".format(name)
        )
    return found  # type: ignore[no-any-return]


def _made(workspace: "Any", target: "dict[str, Any]") -> "Any":
    """The object for a target, of the class that its kind has."""
    from outhaul_azureml.compute import kinds

    made = object.__new__(kinds.class_of(target["kind"]))
    made.workspace = workspace
    made._operation = "create" if target["provisioning_state"] == "Creating" else ""
    made._read(payload.of(workspace, target))
    return made
