"""Becomes `outhaul score` with the interpreter that runs this.

Arguments: the program, the folder of the model (may be empty), the name under which instances of one service hand over,
the entry script, and options of `outhaul score`. The process keeps its id, so whoever ends the run ends the service.
"""

import os
import sys

program, model, name, entry = sys.argv[1:5]
here = os.getcwd()
if "/" in program:
    program = os.path.join(here, program)
command = [program, "score", entry, "--python", sys.executable, "--announce", os.environ["OUTHAUL_METRICS_FILE"]]
if model:
    command += ["--model", os.path.join(here, model)]
os.environ["AML_APP_ROOT"] = here
# Run directories lie side by side in one folder; what instances share lies beside that. By a short path: the name of a
# socket has 100 characters at most.
os.chdir("source")
command += ["--handover", os.path.join("..", "..", "..", "..", "services", name)]
try:
    os.execv(program, command + sys.argv[5:])
except OSError as error:
    sys.exit(f"the program that serves, brought from the server's machine, cannot be started here: {error}")
