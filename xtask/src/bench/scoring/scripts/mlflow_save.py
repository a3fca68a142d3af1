import mlflow
import score


class Service(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        score.init()

    def predict(self, context, model_input, params=None):
        return score.answer(model_input)


mlflow.pyfunc.save_model("saved", python_model=Service(), code_paths=["score.py"], pip_requirements=["mlflow"])
