"""The same calls of MLflow's client on whatever store MLFLOW_TRACKING_URI names; prints what each gave, as JSON.

Started by `test_mlflow_store.py` with the Python for notebooks, once for each store. What no two stores have in common is
put in one form: ids become the names of what they belong to, times `TIME`, places of artifacts are left out. Of an error
its code is told.
"""

import json
import os
import tempfile
import time

from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

client = MlflowClient()
ids = {}
"""Names by ids: experiments `E:name`, runs `R:name`."""
known = {}
"""Ids by these names."""
results = []


def call(name, act):
    """Makes a call, and notes what it gave or the code of its error."""
    try:
        found = plain(act())
    except MlflowException as error:
        found = {"error": error.error_code}
    results.append([name, found])


def name_it(label, identity):
    ids[str(identity)] = label
    known[label] = str(identity)
    return label


def plain(thing):
    """A result in a form that two stores can share."""
    kind = type(thing).__name__
    if kind == "Experiment":
        return {"id": ids.get(thing.experiment_id, "?"), "name": thing.name, "stage": thing.lifecycle_stage, "tags": dict(thing.tags)}
    if kind == "Run":
        info, data = thing.info, thing.data
        return {
            "id": ids.get(info.run_id, "?"),
            "experiment": ids.get(info.experiment_id, "?"),
            "name": info.run_name,
            "status": info.status,
            "stage": info.lifecycle_stage,
            "started": "TIME" if info.start_time else None,
            "ended": "TIME" if info.end_time else None,
            "metrics": {key: number(value) for key, value in sorted(data.metrics.items())},
            "params": dict(sorted(data.params.items())),
            "tags": {key: ids.get(value, value) for key, value in sorted(data.tags.items())},
        }
    if kind == "Metric":
        return [thing.key, number(thing.value), thing.timestamp, thing.step]
    if kind == "FileInfo":
        return [thing.path, thing.is_dir, thing.file_size]
    if isinstance(thing, (list, tuple)):
        return [plain(one) for one in thing]
    if isinstance(thing, str):
        return ids.get(thing, thing)
    return thing


def number(value):
    return value if value == value and abs(value) != float("inf") else repr(value)


def labels(things):
    return [ids.get(getattr(one.info, "run_id", None) if hasattr(one, "info") else one.experiment_id, "?") for one in things]


def next_moment():
    """Waits until the clock has another millisecond: what is made now is younger than what was made before."""
    before = int(time.time() * 1000)
    while int(time.time() * 1000) <= before + 1:
        time.sleep(0.0005)


def experiment(name, **given):
    next_moment()
    return name_it("E:" + name, client.create_experiment(name, **given))


def run(place, name, **given):
    next_moment()
    made = client.create_run(known["E:" + place], run_name=name, **given)
    name_it("R:" + name, made.info.run_id)
    return made


def e(name):
    return known["E:" + name]


def r(name):
    return known["R:" + name]


def experiments():
    call("create_experiment", lambda: experiment("alpha", tags={"team": "blue", "mlflow.note.content": "a note"}))
    call("create another", lambda: experiment("My second: try!"))
    call("create a third", lambda: experiment("beta", tags={"team": "red"}))
    call("create one that is there", lambda: client.create_experiment("alpha"))
    call("create one without a name", lambda: client.create_experiment(""))
    call("get_experiment", lambda: client.get_experiment(e("alpha")))
    call("get_experiment_by_name", lambda: client.get_experiment_by_name("My second: try!"))
    call("get_experiment_by_name, missing", lambda: client.get_experiment_by_name("nowhere"))
    call("get_experiment, missing", lambda: client.get_experiment("987654321"))
    call("the default experiment", lambda: client.get_experiment("0").name)
    call("the default experiment's creation_time", lambda: bool(client.get_experiment("0").creation_time))
    call("set_experiment_tag", lambda: client.set_experiment_tag(e("alpha"), "stage", "1"))
    call("set_experiment_tag again", lambda: client.set_experiment_tag(e("alpha"), "stage", "2"))
    call("set_experiment_tag, missing", lambda: client.set_experiment_tag("987654321", "stage", "2"))
    call("after tags", lambda: client.get_experiment(e("alpha")))
    call("rename_experiment", lambda: client.rename_experiment(e("beta"), "gamma"))
    call("rename to one that is there", lambda: client.rename_experiment(e("beta"), "alpha"))
    call("after renaming", lambda: client.get_experiment(e("beta")))
    call("the old name", lambda: client.get_experiment_by_name("beta"))
    for text in [
        None,
        "name = 'alpha'",
        "name != 'alpha'",
        "name LIKE 'a%'",
        "name LIKE 'A%'",
        "name ILIKE 'A%'",
        "attribute.name = 'gamma'",
        "tags.team = 'blue'",
        "tag.team != 'blue'",
        "tags.team LIKE '%e%' AND name LIKE 'g%'",
        "tags.`mlflow.note.content` = 'a note'",
        "tags.nothing = 'x'",
        "creation_time > 5 AND name != 'Default'",
        "creation_time < 5",
        "colour = 'red'",
        "name = 1",
        "name > 'a'",
        "name = 'alpha' OR name = 'gamma'",
        "nonsense",
    ]:
        call("search_experiments " + repr(text), lambda: client.search_experiments(filter_string=text))
    for order in (["name"], ["name DESC"], ["creation_time"], ["creation_time DESC"], ["experiment_id ASC", "name"], ["colour"], ["name UP"]):
        call(
            "search_experiments by " + repr(order),
            lambda: [one.name for one in client.search_experiments(order_by=order)] if "experiment_id ASC" not in order
            else sorted(one.name for one in client.search_experiments(order_by=order)),
        )
    call("search_experiments, two", lambda: client.search_experiments(max_results=2, order_by=["name"]))
    call("the next page", lambda: client.search_experiments(
        max_results=2, order_by=["name"], page_token=client.search_experiments(max_results=2, order_by=["name"]).token))
    call("no experiments at all", lambda: client.search_experiments(max_results=0))
    call("too many experiments", lambda: client.search_experiments(max_results=100000))
    call("delete_experiment", lambda: client.delete_experiment(e("beta")))
    call("a deleted experiment", lambda: client.get_experiment(e("beta")))
    call("active ones", lambda: client.search_experiments(view_type=ViewType.ACTIVE_ONLY, order_by=["name"]))
    call("deleted ones", lambda: client.search_experiments(view_type=ViewType.DELETED_ONLY))
    call("all", lambda: client.search_experiments(view_type=ViewType.ALL, order_by=["name"]))
    call("a run in a deleted experiment", lambda: client.create_run(e("beta")))
    call("a name that a deleted one has", lambda: client.create_experiment("gamma"))
    call("delete it again", lambda: client.delete_experiment(e("beta")))
    call("delete a missing one", lambda: client.delete_experiment("987654321"))
    call("restore_experiment", lambda: client.restore_experiment(e("beta")))
    call("restore one that is active", lambda: client.restore_experiment(e("beta")))
    call("restored", lambda: client.get_experiment(e("beta")))


def runs():
    call("create_run", lambda: run("alpha", "one", tags={"stage": "test", "mlflow.user": "me", "mlflow.source.name": "a.py"}))
    call("create_run, bare", lambda: run("alpha", "two"))
    call("create_run with a parent", lambda: run("alpha", "child", tags={"mlflow.parentRunId": r("one")}))
    call("create_run with a start time", lambda: run("My second: try!", "three", start_time=1700000000000).info.start_time == 1700000000000)
    call("create_run elsewhere", lambda: run("beta", "elsewhere"))
    call("create_run in a missing experiment", lambda: client.create_run("987654321"))
    call("get_run", lambda: client.get_run(r("one")))
    call("get_run, missing", lambda: client.get_run("0123456789abcdef0123456789abcdef"))
    call("get_run, malformed", lambda: client.get_run("../x"))
    call("log_metric", lambda: client.log_metric(r("one"), "mse", 5.0, timestamp=1000, step=1))
    call("log_metric, next", lambda: client.log_metric(r("one"), "mse", 4.0, timestamp=2000, step=2))
    call("log_metric, an earlier step", lambda: client.log_metric(r("one"), "mse", 9.0, timestamp=3000, step=0))
    call("log_metric, the same again", lambda: client.log_metric(r("one"), "mse", 4.0, timestamp=2000, step=2))
    call("log_metric, not a number", lambda: client.log_metric(r("one"), "nan", float("nan"), timestamp=1, step=0))
    call("log_metric, infinite", lambda: client.log_metric(r("one"), "inf", float("inf"), timestamp=1, step=0))
    call("log_metric, less than all", lambda: client.log_metric(r("one"), "less", -float("inf"), timestamp=1, step=0))
    call("log_metric, a whole number", lambda: client.log_metric(r("one"), "whole", 3, timestamp=1, step=0))
    call("log_metric, a negative step", lambda: client.log_metric(r("one"), "negative", 3, timestamp=1, step=-4))
    call("log_metric, a name with a slash", lambda: client.log_metric(r("one"), "train/loss a", 0.5, timestamp=1, step=0))
    call("log_metric, an empty name", lambda: client.log_metric(r("one"), "", 1, timestamp=1, step=0))
    call("log_metric, a name that leads out", lambda: client.log_metric(r("one"), "../mse", 1, timestamp=1, step=0))
    call("log_metric, a name that begins with a slash", lambda: client.log_metric(r("one"), "/mse", 1, timestamp=1, step=0))
    call("log_metric, a long name", lambda: client.log_metric(r("one"), "x" * 251, 1, timestamp=1, step=0))
    call("log_metric, a bad letter", lambda: client.log_metric(r("one"), "a\nb", 1, timestamp=1, step=0))
    call("log_metric, no run", lambda: client.log_metric("0123456789abcdef0123456789abcdef", "mse", 1))
    call("get_metric_history", lambda: client.get_metric_history(r("one"), "mse"))
    call("get_metric_history, missing", lambda: list(client.get_metric_history(r("one"), "nothing")))
    call("get_metric_history, no run", lambda: list(client.get_metric_history("0123456789abcdef0123456789abcdef", "mse")))
    call("log_param", lambda: client.log_param(r("one"), "alpha", 0.5))
    call("log_param again", lambda: client.log_param(r("one"), "alpha", "0.5"))
    call("log_param, changed", lambda: client.log_param(r("one"), "alpha", 0.6))
    call("log_param, empty", lambda: client.log_param(r("one"), "empty", ""))
    call("log_param, an empty name", lambda: client.log_param(r("one"), "", "x"))
    call("log_param, long", lambda: client.log_param(r("one"), "long", "x" * 6000))
    call("log_param, too long", lambda: client.log_param(r("child"), "longer", "x" * 6001) is not None)
    call("its length", lambda: len(client.get_run(r("child")).data.params["longer"]))
    call("log_param, a bad name", lambda: client.log_param(r("one"), "a/../b", "x"))
    call("set_tag", lambda: client.set_tag(r("one"), "colour", "red"))
    call("set_tag again", lambda: client.set_tag(r("one"), "colour", "green"))
    call("set_tag, a number", lambda: client.set_tag(r("one"), "count", 7))
    call("set_tag, empty", lambda: client.set_tag(r("one"), "nothing", ""))
    call("set_tag, an empty name", lambda: client.set_tag(r("one"), "", "x"))
    call("set_tag, a bad name", lambda: client.set_tag(r("one"), "a\nb", "x"))
    call("set_tag, a name that leads out", lambda: client.set_tag(r("one"), "../x", "x"))
    call("set_tag, a long name", lambda: client.set_tag(r("one"), "x" * 251, "x"))
    call("set_tag, long", lambda: client.set_tag(r("one"), "long", "x" * 8000))
    call("delete_tag", lambda: client.delete_tag(r("one"), "nothing"))
    call("delete_tag, missing", lambda: client.delete_tag(r("one"), "nothing"))
    call("log_batch", lambda: client.log_batch(
        r("two"),
        metrics=[Metric("mse", float(10 - step), 1000 + step, step) for step in range(5)] + [Metric("acc", 0.25, 5, 0)],
        params=[Param("alpha", "0.1"), Param("kind", "ridge")],
        tags=[RunTag("stage", "train"), RunTag("colour", "blue")],
    ))
    call("log_batch, nothing", lambda: client.log_batch(r("two")))
    call("log_batch, a changed param", lambda: client.log_batch(r("two"), params=[Param("alpha", "0.2")], metrics=[Metric("late", 1.0, 1, 0)]))
    call("log_batch, a param twice", lambda: client.log_batch(r("two"), params=[Param("twice", "1"), Param("twice", "2")]))
    call("log_batch, a param twice, alike", lambda: client.log_batch(r("two"), params=[Param("alike", "1"), Param("alike", "1")]))
    call("log_batch, a bad name", lambda: client.log_batch(r("two"), metrics=[Metric("ok", 1.0, 1, 0), Metric("", 1.0, 1, 0)]))
    call("log_batch, no run", lambda: client.log_batch("0123456789abcdef0123456789abcdef", metrics=[Metric("a", 1.0, 1, 0)]))
    call("log_batch, many", lambda: client.log_batch(r("child"), metrics=[Metric("many", float(n), n, n) for n in range(1000)]))
    call("many", lambda: [len(client.get_metric_history(r("child"), "many")), client.get_run(r("child")).data.metrics])
    call("after all that", lambda: without_long(client.get_run(r("one"))))
    call("after the batch", lambda: client.get_run(r("two")))
    call("set_terminated", lambda: client.set_terminated(r("one")))
    call("set_terminated, failed", lambda: client.set_terminated(r("two"), "FAILED"))
    call("set_terminated, killed", lambda: client.set_terminated(r("child"), "KILLED"))
    call("set_terminated, no run", lambda: client.set_terminated("0123456789abcdef0123456789abcdef"))
    call("ended", lambda: [[client.get_run(r(name)).info.status, bool(client.get_run(r(name)).info.end_time)] for name in ("one", "two", "child", "three")])
    call("log_metric after the end", lambda: client.log_metric(r("one"), "late", 1.0, timestamp=1, step=0))
    call("log_param after the end", lambda: client.log_param(r("one"), "late", "1"))
    call("set_tag after the end", lambda: client.set_tag(r("one"), "late", "1"))
    call("update_run, a name", lambda: client.update_run(r("one"), name="first"))
    call("renamed", lambda: [client.get_run(r("one")).info.run_name, client.get_run(r("one")).data.tags["mlflow.runName"]])
    call("a name by its tag", lambda: client.set_tag(r("one"), "mlflow.runName", "uno"))
    call("renamed by its tag", lambda: client.get_run(r("one")).info.run_name)
    call("update_run, running again", lambda: client.update_run(r("two"), status="RUNNING"))
    call("running again", lambda: client.get_run(r("two")).info.status)
    call("ended again", lambda: client.set_terminated(r("two"), "FAILED"))
    call("delete_run", lambda: client.delete_run(r("elsewhere")))
    call("a deleted run", lambda: client.get_run(r("elsewhere")).info.lifecycle_stage)
    call("log_metric, deleted", lambda: client.log_metric(r("elsewhere"), "mse", 1.0))
    call("log_param, deleted", lambda: client.log_param(r("elsewhere"), "a", "1"))
    call("set_tag, deleted", lambda: client.set_tag(r("elsewhere"), "a", "1"))
    call("log_batch, deleted", lambda: client.log_batch(r("elsewhere"), params=[Param("a", "1")]))
    call("set_terminated, deleted", lambda: client.set_terminated(r("elsewhere")))
    call("delete the run again", lambda: client.delete_run(r("elsewhere")))
    call("delete a missing run", lambda: client.delete_run("0123456789abcdef0123456789abcdef"))
    call("not among the active", lambda: search([e("beta")]))
    call("among the deleted", lambda: search([e("beta")], run_view_type=ViewType.DELETED_ONLY))
    call("among all", lambda: search([e("beta")], run_view_type=ViewType.ALL))
    call("restore_run", lambda: client.restore_run(r("elsewhere")))
    call("restore a run that is active", lambda: client.restore_run(r("elsewhere")))
    call("restored run", lambda: search([e("beta")]))


def search(*given, **more):
    """The names of the runs that are found, and whether there are more."""
    page = client.search_runs(*given, **more)
    return [labels(page), bool(page.token)]


def without_long(found):
    """The run, with long values by their lengths."""
    told = plain(found)
    for part in ("params", "tags"):
        told[part] = {key: value if len(value) < 100 else len(value) for key, value in told[part].items()}
    return told


def searches():
    here = [e("alpha")]
    for text in [
        "",
        "metrics.mse < 5",
        "metrics.mse <= 6",
        "metrics.mse = 4",
        "metrics.mse != 4",
        "metric.mse > 1 AND metrics.acc = 0.25",
        "metrics.`train/loss a` = 0.5",
        "metrics.nothing > 0",
        "metrics.inf > 1e300",
        "metrics.nan > 0",
        "params.alpha = '0.5'",
        "params.alpha != '0.5'",
        "params.alpha LIKE '0.%'",
        "params.kind ILIKE 'RID%'",
        "params.kind LIKE 'RID%'",
        "param.kind IN ('ridge', 'lasso')",
        "params.kind NOT IN ('ridge', 'lasso')",
        "tags.stage = 'test'",
        'tags.stage = "test"',
        "tags.stage != 'test'",
        "tag.colour LIKE 'gr%' and tags.stage = 'test'",
        "tags.`mlflow.parentRunId` = '{}'".format(r("one")),
        "tags.mlflow.parentRunId = '{}'".format(r("one")),
        "tags.mlflow.source.name = 'a.py'",
        "status = 'FINISHED'",
        "attributes.status != 'FINISHED'",
        "attribute.status = 'finished'",
        "status IN ('FAILED', 'KILLED')",
        "run_name = 'uno'",
        "attributes.run_name LIKE 't%'",
        "`run name` = 'uno'",
        "attributes.`Run name` ILIKE 'U%'",
        "run_id = '{}'".format(r("two")),
        "attributes.run_id IN ('{}', '{}')".format(r("one"), r("child")),
        "run_id NOT IN ('{}')".format(r("one")),
        "user_id = 'me'",
        "start_time > 0",
        "attributes.end_time > 0",
        "artifact_uri LIKE '%'",
        "metrics.mse > '4'",
        "params.alpha > 0.1",
        "params.alpha = 0.5",
        "tags.stage > 'a'",
        "colour = 'red'",
        "attributes.colour = 'red'",
        "metrics.mse ~ 4",
        "metrics.mse",
        "metrics.mse < 5 OR metrics.mse > 6",
        "status = 'FINISHED' AND",
        "status IN ()",
        "tags.stage IN 'test'",
        "(((",
        "tags.stage IS NULL",
        "params.kind IS NOT NULL",
    ]:
        told = text.replace(r("one"), "R:one").replace(r("two"), "R:two").replace(r("child"), "R:child")
        call("search_runs " + told, lambda: search(here, text))
    for order in (
        ["metrics.mse"],
        ["metrics.mse ASC"],
        ["metrics.mse DESC"],
        ["metrics.acc DESC", "metrics.mse"],
        ["metrics.nan"],
        ["metrics.inf DESC"],
        ["metrics.`train/loss a`"],
        ["params.alpha"],
        ["params.alpha DESC"],
        ["tags.stage"],
        ["tag.colour DESC", "start_time"],
        ["attributes.status"],
        ["status DESC", "metrics.mse"],
        ["run_name"],
        ["attributes.run_name DESC"],
        ["metrics.nothing"],
        ["start_time"],
        ["attributes.start_time DESC"],
        ["colour"],
        ["metrics.mse UP"],
        ["metrics.mse ASC DESC"],
        [""],
    ):
        call("search_runs by " + repr(order), lambda: search(here, order_by=order))
    both = [e("alpha"), e("beta")]
    call("search_runs in two", lambda: search(both, order_by=["run_name"]))
    call("search_runs nowhere", lambda: search([]))
    call("search_runs in a missing one", lambda: search(["987654321"]))
    call("search_runs, one at a time", pages)
    call("search_runs, none", lambda: search(here, max_results=0))
    call("search_runs, too many", lambda: search(here, max_results=50001))
    call("search_runs, a wrong page", lambda: search(here, page_token="nonsense"))
    call("what is found", lambda: client.search_runs(here, "run_name = 'two'")[0])


def pages():
    found, token = [], None
    while True:
        page = client.search_runs([e("alpha")], max_results=1, order_by=["run_name"], page_token=token)
        found.append(labels(page))
        token = page.token
        if not token:
            return found


def artifacts():
    call("list_artifacts, none", lambda: client.list_artifacts(r("two")))
    call("log_text", lambda: client.log_text(r("one"), "hello", "notes/hello.txt"))
    call("log_dict", lambda: client.log_dict(r("one"), {"a": 1}, "facts.json"))
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "d", "below"))
        for name, size in (("empty", 0), ("d/b", 3), ("d/below/large", 1 << 20), ("d/é ü", 2)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"x" * size)
        call("log_artifact", lambda: client.log_artifact(r("one"), os.path.join(folder, "empty")))
        call("log_artifacts", lambda: client.log_artifacts(r("one"), os.path.join(folder, "d"), "data"))
        call("log_artifact again", lambda: client.log_artifact(r("one"), os.path.join(folder, "d", "b"), "notes"))
    for path in (None, "notes", "data", "data/below", "facts.json", "nothing"):
        call("list_artifacts " + repr(path), lambda: sorted(client.list_artifacts(r("one"), path), key=lambda one: one.path))
    # The classes of the error differ from client to client.
    call("list_artifacts, a path that leads out", lambda: fails(lambda: client.list_artifacts(r("one"), "../x")))
    call("list_artifacts, no run", lambda: client.list_artifacts("0123456789abcdef0123456789abcdef"))
    with tempfile.TemporaryDirectory() as folder:
        call("download a file", lambda: content(client.download_artifacts(r("one"), "notes/hello.txt", folder)))
        call("download a folder", lambda: content(client.download_artifacts(r("one"), "data", folder)))
        call("download all", lambda: content(client.download_artifacts(r("one"), "", folder)))
        # The two clients of artifacts raise different classes for a file that is not there: that it fails counts.
        call("download what is not there", lambda: fails(lambda: client.download_artifacts(r("one"), "nothing.txt", folder)))


def fails(act):
    try:
        act()
    except Exception:
        return "fails"
    return "works"


def content(path):
    """A file's size, or all files below a folder with theirs."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    found = []
    for folder, _, names in os.walk(path):
        found += [os.path.join(folder, name) for name in names]
    return sorted([os.path.relpath(one, path), os.path.getsize(one)] for one in found)


def models():
    def made():
        model = client.create_logged_model(
            e("alpha"), name="ridge", source_run_id=r("one"), tags={"kind": "linear"}, params={"alpha": "0.5"}, model_type="sk"
        )
        name_it("M:ridge", model.model_id)
        return told(model)

    def told(model):
        return [ids.get(model.model_id, "?"), model.name, ids.get(model.source_run_id, "?"), str(model.status), model.model_type, dict(model.tags), dict(model.params)]

    call("create_logged_model", made)
    call("get_logged_model", lambda: told(client.get_logged_model(known["M:ridge"])))
    call("finalize_logged_model", lambda: told(client.finalize_logged_model(known["M:ridge"], "READY")))
    call("set_logged_model_tags", lambda: client.set_logged_model_tags(known["M:ridge"], {"a": "b"}))
    call("delete_logged_model_tag", lambda: client.delete_logged_model_tag(known["M:ridge"], "kind"))
    call("log_metric of a model", lambda: client.log_metric(r("one"), "accuracy", 0.75, timestamp=7, step=1, model_id=known["M:ridge"]))
    call("the model again", lambda: told(client.get_logged_model(known["M:ridge"])))
    call("its metrics", lambda: sorted([one.key, one.value] for one in client.get_logged_model(known["M:ridge"]).metrics))
    call("search_logged_models", lambda: [ids.get(one.model_id) for one in client.search_logged_models([e("alpha")])])
    call("get_logged_model, missing", lambda: client.get_logged_model("m-" + "0" * 32))
    call("create_registered_model", lambda: client.create_registered_model("ridge").name)


if __name__ == "__main__":
    # Before MLflow 3 models are files of runs.
    for part in (experiments, runs, searches, artifacts) + ((models,) if hasattr(client, "create_logged_model") else ()):
        part()
    print("\n" + json.dumps(results))
