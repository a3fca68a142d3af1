"""Small things around the SDK: the view of a run in a notebook, its diagnostic log, its telemetry switch."""

import contextlib
import logging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator


class RunDetails:
    """The view of a run: here a few lines of text, not a picture that changes by itself."""

    def __init__(self, run_instance: "Any") -> None:
        self.run_instance = run_instance

    def show(self, render_lib: "Any" = None, widget_settings: "Any" = None) -> None:
        """Print how the run stands now."""
        run = self.run_instance
        print("Run {} of experiment {}: {}".format(run.id, run.experiment.name, run.get_status()))
        for name, value in run.get_metrics().items():
            print("  {}: {}".format(name, value))
        print("`outhaul runs show {}` says more; run.wait_for_completion(show_output=True) follows it".format(run.id))

    def get_widget_data(self, widget_settings: "Any" = None) -> "dict[str, Any]":
        """What the view shows, as data."""
        return {"run": self.run_instance.get_details(), "metrics": self.run_instance.get_metrics()}


RunDetails.__module__ = "azureml.widgets"


@contextlib.contextmanager
def diagnostic_log(log_path: "str | None" = None, context_name: "str | None" = None) -> "Iterator[None]":
    """Writes what the SDK logs into a file inside a `with` block."""
    handler = logging.FileHandler(log_path or "azureml_diagnostic.log")
    logger = logging.getLogger("azureml")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: int = logging.INFO) -> None:
    """Nothing is sent in any case."""
