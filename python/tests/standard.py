"""Which modules are of the standard library, on every Python that the tests run under."""

import importlib.util
import os
import sys
import sysconfig


def is_standard(name):
    """Whether a module is of the standard library."""
    if hasattr(sys, "stdlib_module_names"):
        return name in sys.stdlib_module_names
    if name in sys.builtin_module_names:
        return True
    # Before Python 3.10 where it lies says so.
    found = importlib.util.find_spec(name)
    origin = os.path.realpath(found.origin) if found is not None and found.origin else ""
    inside = origin.startswith(os.path.realpath(sysconfig.get_path("stdlib")) + os.sep)
    return inside and "-packages" + os.sep not in origin
