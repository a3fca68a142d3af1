"""What a person does on a laptop with MLflow's own client. Prints facts as JSON for the test that started it."""

import json
import os
import tempfile

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sklearn.linear_model import Ridge

X, Y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
IS_3 = int(mlflow.__version__.split(".")[0]) >= 3

client = MlflowClient()
facts = {"version": mlflow.__version__}

experiment = mlflow.set_experiment("My first try!")
assert mlflow.set_experiment("My first try!").experiment_id == experiment.experiment_id
assert experiment.name == "My first try!", experiment
client.set_experiment_tag(experiment.experiment_id, "team", "blue")
assert client.get_experiment(experiment.experiment_id).tags["team"] == "blue"
assert experiment.experiment_id in [e.experiment_id for e in client.search_experiments(filter_string="tags.team = 'blue'")]

with mlflow.start_run(run_name="ridge (1)", tags={"stage": "test"}) as run:
    run_id = run.info.run_id
    mlflow.log_params({"alpha": 0.5, "text": "a" * 500})
    for step in range(5):
        mlflow.log_metric("mse", 10.0 - step, step=step)
    mlflow.log_metrics({"nan": float("nan"), "inf": float("inf")})
    mlflow.set_tag("mlflow.note.content", "a note")
    mlflow.set_tag("gone", "1")
    mlflow.delete_tag("gone")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": [1, 2]}, "facts.json")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "large.bin"), "wb") as file:
            file.write(b"x" * (3 << 20))
        mlflow.log_artifacts(folder, "large")
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_metric("mse", 1.0)
    try:
        mlflow.log_param("alpha", 0.6)
        raise AssertionError("a param was changed")
    except MlflowException as error:
        assert "alpha" in str(error), error
    model = Ridge(alpha=0.5).fit(X, Y)
    where = {"name": "model"} if IS_3 else {"artifact_path": "model"}
    info = mlflow.sklearn.log_model(model, pip_requirements=["scikit-learn"], **where)
    loaded = mlflow.sklearn.load_model(info.model_uri)
    assert abs(loaded.predict([[1.5]])[0] - 1.5) < 0.2
    uri = f"runs:/{run_id}/model"
    assert abs(mlflow.pyfunc.load_model(uri).predict([[1.5]])[0] - 1.5) < 0.2
    if IS_3:
        mlflow.log_metric("accuracy", 0.75, model_id=info.model_id)
        known = mlflow.get_logged_model(info.model_id)
        assert known.status.value == "READY" and known.source_run_id == run_id, known
        # The client adds what the run had logged before.
        assert {m.key: m.value for m in known.metrics}["accuracy"] == 0.75, known.metrics
        found = mlflow.search_logged_models([experiment.experiment_id], output_format="list")
        assert [m.model_id for m in found] == [info.model_id]

ended = client.get_run(run_id)
assert ended.info.status == "FINISHED" and ended.info.run_name == "ridge (1)", ended.info
assert ended.data.params["alpha"] == "0.5" and ended.data.metrics["mse"] == 6.0, ended.data
assert ended.data.tags["mlflow.note.content"] == "a note" and "gone" not in ended.data.tags
assert ended.data.metrics["inf"] == float("inf") and ended.data.metrics["nan"] != ended.data.metrics["nan"]
assert [m.value for m in client.get_metric_history(run_id, "mse")] == [10.0, 9.0, 8.0, 7.0, 6.0]
paths = {a.path for a in client.list_artifacts(run_id)}
assert {"notes", "facts.json", "large"} <= paths, paths
assert [a.path for a in client.list_artifacts(run_id, "notes")] == ["notes/hello.txt"]
assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/hello.txt") == "hello"
with tempfile.TemporaryDirectory() as folder:
    assert os.path.getsize(client.download_artifacts(run_id, "large/large.bin", folder)) == 3 << 20

# An exception ends the run as failed; going on with it afterwards is its next attempt.
try:
    with mlflow.start_run(run_name="broken") as broken:
        raise ValueError("no data")
except ValueError:
    pass
assert client.get_run(broken.info.run_id).info.status == "FAILED"
with mlflow.start_run(run_id=broken.info.run_id):
    mlflow.log_metric("mse", 2.0)
assert client.get_run(broken.info.run_id).info.status == "FINISHED"
client.log_metric(broken.info.run_id, "late", 1.0)

for text, names in [
    ("metrics.mse < 5", {"child", "broken"}),
    ("metrics.mse < 5 AND tags.stage = 'test'", set()),
    ("params.alpha = '0.5'", {"ridge (1)"}),
    (f"tags.mlflow.parentRunId = '{run_id}'", {"child"}),
    ("attributes.run_name LIKE 'rid%'", {"ridge (1)"}),
    ("status = 'FINISHED'", {"ridge (1)", "child", "broken"}),
]:
    found = mlflow.search_runs(filter_string=text, output_format="list")
    assert {r.info.run_name for r in found} == names, (text, [r.info.run_name for r in found])
ordered = mlflow.search_runs(order_by=["metrics.mse ASC"], output_format="list")
assert [r.info.run_name for r in ordered] == ["child", "broken", "ridge (1)"], ordered
one_by_one, token = [], None
while True:
    page = client.search_runs([experiment.experiment_id], max_results=1, page_token=token)
    one_by_one += [r.info.run_id for r in page]
    token = page.token
    if not token:
        break
assert len(set(one_by_one)) == 3, one_by_one
try:
    mlflow.search_runs(filter_string="colour = 'red'")
    raise AssertionError("a wrong filter was taken")
except MlflowException as error:
    assert "colour" in str(error), error

client.delete_run(child.info.run_id)
assert client.get_run(child.info.run_id).info.lifecycle_stage == "deleted"
assert len(mlflow.search_runs(output_format="list")) == 2
client.restore_run(child.info.run_id)
assert len(mlflow.search_runs(output_format="list")) == 3

mlflow.set_experiment("autolog")
# Without its model: finding out what that needs takes a minute.
mlflow.sklearn.autolog(log_models=False)
Ridge(alpha=0.25).fit(X, Y)
mlflow.sklearn.autolog(disable=True)
auto = mlflow.last_active_run()
assert client.get_run(auto.info.run_id).data.params["alpha"] == "0.25"

# Nothing was named: MLflow's default experiment.
default = client.create_run("0")
client.set_terminated(default.info.run_id, "KILLED")

try:
    mlflow.register_model(info.model_uri, "ridge")
    raise AssertionError("there is a model registry")
except MlflowException as error:
    assert "model registry" in str(error), error

os.environ["MLFLOW_TRACKING_TOKEN"] = "w-default." + "0" * 64
try:
    client.get_run(run_id)
    raise AssertionError("a wrong token was taken")
except MlflowException as error:
    assert "outhaul mlflow token" in str(error), error

facts.update(run=run_id, child=child.info.run_id, broken=broken.info.run_id, auto=auto.info.run_id, default=default.info.run_id)
# On a line of its own: the client prints addresses of runs.
print("\n" + json.dumps(facts))
