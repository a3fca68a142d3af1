"""Tests of the `azureml` modules. Not called `azureml`: that would hide the modules from the tests themselves."""

import os
import sys

PYTHON = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if PYTHON not in sys.path:
    sys.path.insert(0, PYTHON)
