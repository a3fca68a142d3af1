import json
import os
import pickle


def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)


def answer(rows):
    return model.predict(rows).tolist()


def run(data):
    return answer(json.loads(data)["data"])
