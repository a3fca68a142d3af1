"""Names that v1 exports and whose calls the table does not list: they can be imported, and raise when they are used."""

from outhaul_azureml.planned import Planned, not_yet, sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def planned_class(module: str, name: str) -> type:
    """A class that can be imported only."""
    qualified = "{}.{}".format(module, name)

    def attribute(cls: type, missing: str) -> "Any":
        if missing.startswith("__"):
            raise AttributeError(missing)
        return Planned("{}.{}".format(qualified, missing), "(*args, **kwargs)")

    def call(cls: type, *args: "Any", **kwargs: "Any") -> "Any":
        raise not_yet(qualified)

    meta = type("Meta", (type,), {"__getattr__": attribute, "__call__": call})
    body = {"__module__": module, "__doc__": sentence(qualified), "__outhaul_planned__": True}
    made = meta(name, (), body)  # type: type
    return made


AutoMLStep = planned_class("azureml.pipeline.steps", "AutoMLStep")
_HDInsightStep = planned_class("azureml.pipeline.steps", "_HDInsightStep")
AutoMLStepRun = planned_class("azureml.pipeline.steps", "AutoMLStepRun")
UnknownWebservice = planned_class("azureml.core.webservice", "UnknownWebservice")
AutoMLConfig = planned_class("azureml.train.automl", "AutoMLConfig")
SKLearn = planned_class("azureml.train.sklearn", "SKLearn")
PyTorch = planned_class("azureml.train.dnn", "PyTorch")
TensorFlow = planned_class("azureml.train.dnn", "TensorFlow")
Keras = planned_class("azureml.train.dnn", "Keras")
Chainer = planned_class("azureml.train.dnn", "Chainer")
