"""Spark clusters."""

from outhaul_azureml.compute.hdinsight import HDInsightAttachConfiguration, HDInsightCompute
from outhaul_azureml.planned import fill as _fill

__all__ = [
    "HDInsightAttachConfiguration",
    "HDInsightCompute",
]

_fill(__name__, globals())
