"""Which class a kind of target has. v1 has a name for each; kinds that only Outhaul has get a class of their own."""

from outhaul_azureml.compute.base import ComputeTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OuthaulCompute(ComputeTarget):
    """A target of a kind that v1 did not have, such as a Slurm cluster. Attach it with `outhaul target attach`."""

    _compute_type = "Outhaul"

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "OuthaulCompute":
        """Out of what `serialize` gave."""
        return OuthaulCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


def class_of(kind: str) -> "type[ComputeTarget]":
    """The class for a kind, by the name that Outhaul has for it."""
    from outhaul_azureml.compute.hdinsight import HDInsightCompute
    from outhaul_azureml.compute.remote import RemoteCompute

    known = {"remote": RemoteCompute, "hdinsight": HDInsightCompute}  # type: dict[str, type[ComputeTarget]]
    return known.get(kind, OuthaulCompute)
