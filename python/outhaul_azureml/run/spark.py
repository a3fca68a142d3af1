"""A run configuration's words for Spark as options of `outhaul run`, and an environment's as part of its spec. Pure."""

from outhaul_azureml.errors import RunConfigurationException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEFAULT_MODE = "cluster"
_MODES = (_DEFAULT_MODE, "client")


def options(run_config: "Any") -> "list[str]":
    """The options for a run with `framework="pyspark"`.

    v1's deploy mode `cluster` stands in every configuration, chosen or not: it leaves the choice to the target, whose
    own is the cluster on YARN and the host where only that works.
    """
    found = ["--framework=pyspark"]
    for name, value in (run_config.spark.configuration or {}).items():
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        found.append("--spark-conf={}={}".format(name, text))
    mode = str(run_config.hdi.yarn_deploy_mode or _DEFAULT_MODE).lower()
    if mode not in _MODES:
        raise RunConfigurationException("hdi.yarn_deploy_mode must be cluster or client, not {}".format(mode))
    if mode != _DEFAULT_MODE:
        found.append("--deploy-mode=" + mode)
    return found


def packages(section: "Any") -> "list[str]":
    """The packages of an environment's Spark section as `group:artifact:version`."""
    found = []
    for one in section.packages or []:
        parts = (one.group, one.artifact, one.version)
        if not all(parts):
            raise RunConfigurationException("A SparkPackage needs group, artifact and version: {}".format(parts))
        found.append(":".join(parts))
    return found
