"""Runs. `model` is a run as the server knows it, `inside` the run that this process belongs to, `offline` neither.

`logging` holds the calls that all of them share; `experiment` and `submit` start runs, `wait` follows them.
"""
