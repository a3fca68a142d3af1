"""The words for where a run is."""

from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List


@known_as("azureml._restclient.constants")
class RunStatus:
    """The states of v1. Outhaul has all but those of approval and pausing."""

    QUEUED = "Queued"
    NOT_STARTED = "NotStarted"
    PREPARING = "Preparing"
    PROVISIONING = "Provisioning"
    STARTING = "Starting"
    RUNNING = "Running"
    CANCEL_REQUESTED = "CancelRequested"
    CANCELED = "Canceled"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    UNAPPROVED = "Unapproved"
    NOTRESPONDING = "NotResponding"
    PAUSING = "Pausing"
    PAUSED = "Paused"

    @classmethod
    def list(cls) -> "List[str]":
        """All of them."""
        return cls.get_running_statuses() + cls.get_post_processing_statuses() + [*TERMINAL]

    @classmethod
    def get_running_statuses(cls) -> "List[str]":
        """Those in which one goes on waiting."""
        return [
            cls.NOT_STARTED,
            cls.QUEUED,
            cls.PREPARING,
            cls.PROVISIONING,
            cls.STARTING,
            cls.RUNNING,
            cls.UNAPPROVED,
            cls.NOTRESPONDING,
            cls.PAUSING,
            cls.PAUSED,
        ]

    @classmethod
    def get_post_processing_statuses(cls) -> "List[str]":
        """Those on the way to the end."""
        return [cls.CANCEL_REQUESTED, cls.FINALIZING]


TERMINAL = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED)
RUNNING_STATES = RunStatus.get_running_statuses()
POST_PROCESSING_STATES = RunStatus.get_post_processing_statuses()
