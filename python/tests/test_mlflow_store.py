"""MLflow's own client gives the same on our routes as on its own file store, for the same calls.

`mlflow_calls.py` makes them, once on each store, in the Python for notebooks. What differs
is listed here, with the reason.
"""

import json
import os
import subprocess
import unittest

import notebooks
from served import Served

HERE = os.path.dirname(os.path.abspath(__file__))

NO_NAME = {"id": "?", "name": "Default", "stage": "active", "tags": {}}
INVALID = {"error": "INVALID_PARAMETER_VALUE"}
HISTORY = [["mse", 5.0, 1000, 1], ["mse", 4.0, 2000, 2], ["mse", 9.0, 3000, 0]]

DIFFERENT = {
    # The default experiment is there before anybody has made it.
    "the default experiment's creation_time": (True, False),
    "search_experiments 'creation_time < 5'": ([], [NO_NAME]),
    # Times of runs are the server's.
    "create_run with a start time": (True, False),
    # A metric that is sent twice, equal in value, step and time, is one metric: an answer that was lost doubles nothing.
    # MLflow's own database has it so, too.
    "get_metric_history": (HISTORY + HISTORY[1:2], HISTORY),
    # Nothing is cut off.
    "its length": (6000, 6001),
    # The file store fails in the middle of the batch.
    "log_batch, a changed param": ({"error": "INTERNAL_ERROR"}, INVALID),
    # More is understood of the search language.
    "search_runs status IN ('FAILED', 'KILLED')": (INVALID, [["R:child", "R:two"], False]),
    "search_runs metrics.mse > '4'": (INVALID, [["R:two"], False]),
    # A filter that breaks off is refused.
    "search_runs status = 'FINISHED' AND": ([["R:one"], False], INVALID),
    # The file store gives nothing, and a token for a page that is the same: a client would ask for ever.
    "search_runs, none": ([[], True], [["R:child", "R:two", "R:one"], False]),
    # There is no registry.
    "create_registered_model": ("ridge", {"error": "NOT_IMPLEMENTED"}),
}
"""Calls that give something else on purpose: what the file store gives, and what we give."""


class Store(Served):
    def calls(self, **variables):
        """What each call gave on a store, by the call's name."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTHAUL_", "MLFLOW_"))}
        env.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", HOME=self.folder, **variables)
        done = subprocess.run(
            [self.python, os.path.join(HERE, "mlflow_calls.py")],
            env=env,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        found = json.loads(done.stdout.strip().splitlines()[-1])
        names = [name for name, _ in found]
        self.assertEqual(len(set(names)), len(names), "two calls have one name")
        return dict(found)

    def test_the_same_calls_on_both_stores(self):
        self.python = notebooks.python(self)
        theirs = self.calls(
            MLFLOW_TRACKING_URI="file://" + os.path.join(self.folder, "store"), MLFLOW_ALLOW_FILE_STORE="true"
        )
        uri = self.outhaul("mlflow", "uri").decode().strip()
        token = self.outhaul("mlflow", "token").decode().strip()
        ours = self.calls(MLFLOW_TRACKING_URI=uri, MLFLOW_TRACKING_TOKEN=token)
        self.assertEqual(list(theirs), list(ours))
        self.assertGreater(len(theirs), 250)
        for name, found in theirs.items():
            with self.subTest(call=name):
                if name in DIFFERENT:
                    self.assertEqual((found, ours[name]), DIFFERENT[name])
                else:
                    self.assertEqual(found, ours[name])
        self.assertEqual(set(DIFFERENT) - set(theirs), set())


if __name__ == "__main__":
    unittest.main()
