"""Answers with the progression of the disease that the model expects, one number for each row of ten values."""

import json
import os
import pickle


def init():
    """Loads the model, once for each worker."""
    global model
    folder = os.environ["AZUREML_MODEL_DIR"]
    with open(os.path.join(folder, "ridge.pkl"), "rb") as file:
        model = pickle.load(file)


def run(data):
    """Answers one request: its body is `{"data": [[ten values], ...]}`."""
    rows = json.loads(data)["data"]
    return model.predict(rows).tolist()
