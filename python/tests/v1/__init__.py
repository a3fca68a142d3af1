"""Tests of the `azureml` modules. Not called `azureml`: that would hide them from the tests themselves."""
