"""Sweeps: planned."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "BanditPolicy": "azureml.train.hyperdrive.policy",
    "BayesianParameterSampling": "azureml.train.hyperdrive.sampling",
    "EarlyTerminationPolicy": "azureml.train.hyperdrive.policy",
    "GridParameterSampling": "azureml.train.hyperdrive.sampling",
    "HyperDriveConfig": "azureml.train.hyperdrive.runconfig",
    "HyperDriveRun": "azureml.train.hyperdrive.run",
    "HyperDriveRunConfig": "azureml.train.hyperdrive.runconfig",
    "HyperParameterSampling": "azureml.train.hyperdrive.sampling",
    "MedianStoppingPolicy": "azureml.train.hyperdrive.policy",
    "NoTerminationPolicy": "azureml.train.hyperdrive.policy",
    "PrimaryMetricGoal": "azureml.train.hyperdrive.runconfig",
    "RandomParameterSampling": "azureml.train.hyperdrive.sampling",
    "TruncationSelectionPolicy": "azureml.train.hyperdrive.policy",
    "choice": "azureml.train.hyperdrive.parameter_expressions",
    "lognormal": "azureml.train.hyperdrive.parameter_expressions",
    "loguniform": "azureml.train.hyperdrive.parameter_expressions",
    "normal": "azureml.train.hyperdrive.parameter_expressions",
    "qlognormal": "azureml.train.hyperdrive.parameter_expressions",
    "qloguniform": "azureml.train.hyperdrive.parameter_expressions",
    "qnormal": "azureml.train.hyperdrive.parameter_expressions",
    "quniform": "azureml.train.hyperdrive.parameter_expressions",
    "randint": "azureml.train.hyperdrive.parameter_expressions",
    "uniform": "azureml.train.hyperdrive.parameter_expressions",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
