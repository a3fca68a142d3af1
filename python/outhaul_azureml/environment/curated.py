"""The environments that v1 offered ready-made, `AzureML-...`, as environments of ours. Pure.

v1's own had images of Azure and Pythons that are gone. Ours hold the framework that the name says, in the version that
the name says where a Python of today has it, and the libraries that such scripts import beside it.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BESIDE = ["numpy", "pandas", "scipy", "joblib", "matplotlib"]

_FRAMEWORKS = (
    # (word in the name, packages, the oldest version that Python 3.8 has, packages beside it)
    ("sklearn", "scikit-learn", (0, 23), []),
    ("scikit-learn", "scikit-learn", (0, 23), []),
    ("pytorch", "torch", (1, 7), ["torchvision"]),
    ("acpt-pytorch", "torch", (1, 7), ["torchvision", "transformers", "accelerate"]),
    ("tensorflow", "tensorflow", (2, 2), []),
    ("lightgbm", "lightgbm", (3, 0), ["scikit-learn"]),
    ("xgboost", "xgboost", (1, 3), ["scikit-learn"]),
    ("onnxruntime", "onnxruntime", (1, 6), ["onnx"]),
    ("responsibleai", "responsibleai", (0, 0), ["raiwidgets"]),
)  # type: tuple[tuple[str, str, tuple[int, int], list[str]], ...]

NAMES = (
    "AzureML-Minimal",
    "AzureML-Tutorial",
    "AzureML-Scikit-learn-0.20.3",
    "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu",
    "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu",
    "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu",
    "AzureML-lightgbm-3.3-ubuntu18.04-py37-cpu",
    "AzureML-PyTorch-1.6-CPU",
    "AzureML-PyTorch-1.6-GPU",
    "AzureML-pytorch-1.9-ubuntu18.04-py37-cuda11-gpu",
    "AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu",
    "AzureML-ACPT-pytorch-1.13-py38-cuda11.7-gpu",
    "AzureML-TensorFlow-2.2-CPU",
    "AzureML-TensorFlow-2.2-GPU",
    "AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11-gpu",
    "AzureML-tensorflow-2.7-ubuntu20.04-py38-cuda11-gpu",
    "AzureML-XGBoost-0.90-0.15.1-Inference-CPU",
)
"""Names that `Environment.list` shows. Any other `AzureML-<framework>-<version>...` is understood, too."""


def is_curated(name: str) -> bool:
    """Whether a name is one of v1's own."""
    return name.lower().startswith("azureml-")


def spec(name: str) -> "dict[str, Any] | None":
    """The environment for a curated name; `None` for one whose framework is not known."""
    rest = name[len("AzureML-") :].lower()
    made = {"name": name, "interpreter": {"kind": "managed", "version": _python(rest)}}  # type: dict[str, Any]
    if rest == "minimal":
        return made
    if rest == "tutorial":
        made["pip"] = ["scikit-learn", "mlflow-skinny"] + _BESIDE
        return made
    for word, package, oldest, beside in sorted(_FRAMEWORKS, key=lambda one: -len(one[0])):
        match = re.match(re.escape(word) + r"-?(\d+)?(?:\.(\d+))?", rest)
        if match is None:
            continue
        if rest.endswith("gpu") and package == "onnxruntime":
            package = "onnxruntime-gpu"
        made["pip"] = [package + _version(match, oldest)] + beside + _BESIDE
        return made
    return None


def _version(match: "Any", oldest: "tuple[int, int]") -> str:
    if match.group(1) is None or match.group(2) is None:
        return ""
    asked = (int(match.group(1)), int(match.group(2)))
    # A version from before Python 3.8 cannot be had: the oldest that can, or a newer one.
    return "=={}.{}.*".format(*asked) if asked >= oldest else ">={}.{}".format(*oldest)


def _python(rest: str) -> str:
    match = re.search(r"-py(\d)(\d+)(?:-|$)", rest)
    if match is None:
        return ">=3.8"
    asked = max((int(match.group(1)), int(match.group(2))), (3, 8))
    return "{}.{}".format(*asked)
