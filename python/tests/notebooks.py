"""Notebooks in tests: the virtual environment that has a kernel, and what the cells of a notebook gave.

`cargo xtask test` makes the environment: Jupyter's kernel and client, scikit-learn, pandas, matplotlib, MLflow. Tests
themselves run under any Python.
"""

import ast
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples")
PYTHON = "/var/tmp/outhaul-test-notebooks/bin/python3"
AGAIN = bool(os.environ.get("OUTHAUL_TEST_AGAIN"))
"""Whether the tests ran under another Python just before."""
_told = set()


def python(case):
    """The environment's Python; where it is not to be had the test is left out, and a line says so once."""
    if AGAIN:
        why = "not run in a notebook's Python again: it is the same under every Python"
    elif not os.path.exists(PYTHON):
        why = "not run in a notebook's Python: `cargo xtask test` has not installed it"
    else:
        return PYTHON
    if why not in _told:
        _told.add(why)
        print(why)
    return case.skipTest(why)


class Executed:
    """A notebook whose cells have been executed; cells are named by their ids."""

    def __init__(self, cells):
        self._cells = {cell["id"]: cell for cell in cells}

    def _outputs(self, cell):
        return self._cells[cell].get("outputs", [])

    def text(self, cell):
        """The text of a cell's last expression; None when it has none."""
        for output in self._outputs(cell):
            if output["output_type"] == "execute_result":
                return "".join(output["data"]["text/plain"])
        return None

    def value(self, cell):
        """The value of a cell's last expression."""
        return ast.literal_eval(self.text(cell))

    def printed(self, cell, stream="stdout"):
        """What a cell printed."""
        streams = [one for one in self._outputs(cell) if one["output_type"] == "stream" and one["name"] == stream]
        return "".join("".join(one["text"]) for one in streams)


def execute(notebook, env):
    """Runs a notebook in its folder, with these variables. One whose cell raises is an `AssertionError` with its words."""
    result = notebook + ".result"
    runner = os.path.join(HERE, "run_notebook.py")
    done = subprocess.run(
        [PYTHON, runner, notebook, result],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    if done.returncode != 0:
        raise AssertionError("{}: {}".format(os.path.basename(notebook), done.stdout))
    with open(result, encoding="utf-8") as file:
        return Executed(json.load(file)["cells"])


def all_notebooks():
    """The paths of the repository's notebooks."""
    folder = os.path.join(EXAMPLES, "notebooks")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".ipynb")]
