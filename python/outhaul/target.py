"""Compute targets of the workspace in use: `outhaul.target.attach.remote("gpu-box", address="10.0.0.4")`.

Short for `outhaul.Workspace().targets`.
"""

from __future__ import annotations

from typing import List

from outhaul.targets import Attach, Target
from outhaul.workspace import Workspace


def __getattr__(name: str) -> Attach:
    # Made anew each time, so that a change of OUTHAUL_HOME counts.
    if name == "attach":
        return Workspace().targets.attach
    raise AttributeError(f"module 'outhaul.target' has no attribute '{name}'")


def list() -> List[Target]:
    """All of them."""
    return Workspace().targets.list()


def get(name: str) -> Target:
    """The one of this name; `NotFoundError` when there is none."""
    return Workspace().targets.get(name)
