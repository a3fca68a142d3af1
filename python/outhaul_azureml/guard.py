"""Refuses to work beside the official SDK: both bring the modules `azureml`, and which one is taken is chance."""

import os

_OFFICIAL = ("azureml-core",)


class OfficialPackagesError(ImportError):
    """The official packages are installed in this environment."""


def check() -> None:
    """Raise if the official packages are installed here. Not asked inside a run, where ours come first anyway."""
    if os.environ.get("OUTHAUL_RUN_ID"):
        return
    from importlib import metadata

    for name in _OFFICIAL:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        raise OfficialPackagesError(
            "{} {} is installed in this environment. It and outhaul-azureml both bring the modules `azureml`, so only one "
            "of them can be there: remove the official one with `pip uninstall azureml-core azureml-sdk`, or make an "
            "environment of its own for Outhaul, then `pip install --force-reinstall outhaul-azureml`".format(
                name, version
            )
        )
