"""Runs a notebook in a Jupyter kernel of this Python: `run_notebook.py NOTEBOOK RESULT`.

Started by `notebooks.py` with the Python of the virtual environment for notebooks. RESULT is the notebook with what its
cells gave, also when one of them raised; then the exit code is 1.
"""

import os
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

# For a cell; what it waits for, a run, may install packages.
_PATIENCE = 900


def main(path: str, result: str) -> int:
    """Runs all cells in the notebook's folder."""
    book = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": os.path.dirname(os.path.abspath(path))}}
    client = NotebookClient(book, timeout=_PATIENCE, kernel_name="python3", resources=where)
    code = 0
    try:
        client.execute()
    except CellExecutionError as error:
        print(error)
        code = 1
    nbformat.write(book, result)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
