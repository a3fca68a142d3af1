"""A run configuration's words for Spark as options of `outhaul run`. Pure."""

from outhaul_azureml.planned import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def options(run_config: "Any") -> "list[str]":
    """The options for a run with `framework="pyspark"`."""
    raise not_yet("azureml.core.runconfig.RunConfiguration(framework='pyspark')", "Spark applications are planned")
