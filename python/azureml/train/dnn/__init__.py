"""Estimators, which v1 had given up: use `ScriptRunConfig`."""

from outhaul_azureml.unlisted import Chainer, Keras, PyTorch, TensorFlow

__all__ = ["Chainer", "Keras", "PyTorch", "TensorFlow"]
