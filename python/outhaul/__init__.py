"""Outhaul: run training scripts on the compute that you have.

    from outhaul import Workspace          # submit runs, follow them, attach targets
    from outhaul.run import Run            # inside a script: log metrics, keep files

Nothing is imported before it is used: inside a run everything imported here is paid for by every run.
"""

__version__ = "0.1.0"
