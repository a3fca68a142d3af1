"""The smallest run: prints a line and logs one metric.

    outhaul run hello.py

By hand, without outhaul: PYTHONPATH=../../python python3 hello.py
"""

from outhaul.run import Run

run = Run.get_context()
print("hello from", run.name)
run.log("answer", 42)
