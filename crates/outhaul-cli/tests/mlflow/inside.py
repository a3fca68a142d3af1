"""A script that MLflow's client logs from, inside a run of Outhaul."""

import os

import mlflow
from outhaul.run import Run
from sklearn.linear_model import Ridge

run = Run.get_context()
assert os.environ["MLFLOW_RUN_ID"] == run.id
run.log("own", 1.0)
mlflow.log_metric("theirs", 2.0, step=3)
assert mlflow.active_run().info.run_id == run.id
mlflow.log_param("mine", 0.5)
mlflow.log_text("hello", "hello.txt")
mlflow.sklearn.autolog(log_models=False)
Ridge(alpha=0.25).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
with mlflow.start_run(nested=True) as child:
    mlflow.log_metric("of_child", 1.0)
with open("outputs/own.txt", "w") as file:
    file.write("own")
print("token", os.environ["MLFLOW_TRACKING_TOKEN"].split(".")[0])
