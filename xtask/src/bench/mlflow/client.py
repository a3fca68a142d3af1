"""What is measured of a tracking server, by MLflow's own client: each line of standard input names one thing, and its
seconds are answered. The client stays, so that importing it is not measured."""

import json
import sys
import time

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

# The client says things on standard output, which is for the times.
answers, sys.stdout = sys.stdout, sys.stderr
client = MlflowClient()
experiment = sys.argv[1]
run = client.create_run(experiment).info.run_id
step = 0


def now():
    return int(time.time() * 1000)


def log_metric(count):
    global step
    for _ in range(count):
        step += 1
        client.log_metric(run, "loss", 1 / step, step=step)


def log_batch(count):
    global step
    for _ in range(count):
        step += 1
        at = now()
        client.log_batch(run, metrics=[Metric("m%d" % n, n * 0.5, at, step) for n in range(1000)])


def create_run(count):
    for _ in range(count):
        client.create_run(experiment)


def whole_run(count):
    for number in range(count):
        made = client.create_run(experiment).info.run_id
        client.log_batch(made, metrics=[Metric("loss", 0.5, now(), 0)], params=[Param("fold", str(number))])
        client.set_terminated(made)


def pages(expected, **words):
    found, token = 0, None
    while True:
        page = client.search_runs([sys.argv[2]], page_token=token, **words)
        found, token = found + len(page), page.token
        if not token:
            break
    assert found == expected, (found, expected)


def search(expected):
    pages(expected, max_results=1000)


def search_sorted(expected):
    pages(expected, max_results=1000, order_by=["metrics.loss DESC"])


def search_filtered(expected):
    pages(expected, max_results=1000, filter_string="metrics.loss < 100 and params.fold = '3'")


def first_page(expected):
    page = client.search_runs([sys.argv[2]], max_results=100, order_by=["metrics.loss ASC"])
    assert len(page) == expected, len(page)
    losses = [found.data.metrics["loss"] for found in page]
    assert losses == sorted(losses)


for line in sys.stdin:
    name, number = line.split()
    begin = time.perf_counter()
    globals()[name](int(number))
    print(json.dumps(time.perf_counter() - begin), file=answers, flush=True)
