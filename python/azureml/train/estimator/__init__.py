"""Estimators, which v1 had given up: use `ScriptRunConfig`."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "Estimator": "azureml.train.estimator._estimator",
    "MMLBaseEstimator": "azureml.train.estimator._mml_base_estimator",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
