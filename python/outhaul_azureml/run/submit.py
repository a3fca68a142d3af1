"""`Experiment.submit`: what a configuration of v1 asks for, as a submission of Outhaul."""

import contextlib
import copy
import logging
import os

from outhaul_azureml import plan
from outhaul_azureml.config.script_run_config import ScriptRunConfig
from outhaul_azureml.errors import AzureMLException, ExperimentExecutionException, UserErrorException
from outhaul_azureml.planned import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_log = logging.getLogger("azureml.core.experiment")

LOCAL = "local"
_SPARK = ("pyspark", "spark")


def submit(experiment: "Any", config: "Any", tags: "dict[str, Any] | None", **kwargs: "Any") -> "Any":
    """Starts a run and gives it."""
    if not isinstance(config, ScriptRunConfig):
        if getattr(type(config), "__outhaul_planned__", False):
            raise not_yet("{}.{}".format(type(config).__module__, type(config).__name__))
        raise AzureMLException("Unsupported config type {}; submit takes a ScriptRunConfig".format(type(config)))
    from outhaul._client.query import new_run_id
    from outhaul.errors import OuthaulError
    from outhaul_azureml.run.model import ScriptRun
    from outhaul_azureml.server import translated

    run_id = new_run_id()
    asked, travelling = prepared(experiment, config, run_id, {**(tags or {}), **(kwargs.get("_tags") or {})})
    workspace = experiment.workspace
    with _beside(asked, travelling) as whole:
        try:
            found = workspace._server.client.submit(whole, run_id)
        except OuthaulError as error:
            raise translated(error, ExperimentExecutionException) from error
    made = ScriptRun(experiment, found["id"], directory=config.source_directory, _run_config=config.run_config)
    made._known = found
    return made


@contextlib.contextmanager
def _beside(asked: "Any", travelling: "dict[str, Any]") -> "Iterator[Any]":
    """The submission with the data that travels beside the code."""
    if not travelling:
        yield asked
        return
    from outhaul_azureml.data import staging

    with staging.folder(asked.source, travelling) as folder:
        script = asked.script and os.path.join(folder, os.path.relpath(asked.script, asked.source))
        yield asked._replace(source=folder, script=script)


def submission(experiment: "Any", config: "Any", run_id: str, tags: "dict[str, Any]") -> "Any":
    """What is submitted."""
    return prepared(experiment, config, run_id, tags)[0]


def prepared(experiment: "Any", config: "Any", run_id: str, tags: "dict[str, Any]") -> "tuple[Any, dict[str, Any]]":
    """What is submitted, and the data that travels with it, by name. Nothing is sent."""
    from outhaul._client.submission import Submission

    run_config = copy.deepcopy(config.run_config)
    _check_settings(config, run_config)
    source = os.path.abspath(config.source_directory)
    if not os.path.isdir(source):
        raise ExperimentExecutionException("source_directory {} does not exist".format(config.source_directory))
    target = run_config.target or LOCAL
    local = target == LOCAL
    spec = _environment(run_config, local)
    inputs = _inputs(experiment.workspace, run_config, local and not (spec or {}).get("docker"))
    arguments = [inputs.argument(one) for one in config.arguments]
    script, command = _what(config, source, inputs)
    framework = str(run_config.framework or "Python").lower()
    options = []  # type: list[str]
    spark = framework in _SPARK
    if spark:
        options.extend(_spark_options(run_config))
    else:
        _check_distribution(run_config)
    variables = dict(_context(experiment, run_id))
    variables.update(inputs.variables())
    variables.update((str(k), str(v)) for k, v in (run_config.environment_variables or {}).items())
    if spec is None:
        if spark:
            options.extend("--spark-package=" + one for one in _spark_packages(run_config.environment))
        # The Python at hand has no environment of ours that could carry variables.
        variables.update(_own_variables(run_config.environment))
    seconds = run_config.max_run_duration_seconds
    asked = Submission(
        script=script,
        command=command,
        arguments=arguments,
        source=source,
        workspace=experiment.workspace.name,
        experiment=experiment.name,
        target=target,
        environment=spec,
        variables=variables,
        tags={str(key): "" if value is None else str(value) for key, value in tags.items()},
        max_duration=seconds if seconds else None,
        options=options,
    )
    return asked, inputs.travelling


def _what(config: "Any", source: str, inputs: "Any") -> "tuple[str | None, list[str] | None]":
    """The script's path, or the command."""
    if config.command:
        if isinstance(config.command, str):
            return None, ["sh", "-c", config.command]
        return None, [str(inputs.argument(one)) for one in config.command]
    if not config.script:
        raise ExperimentExecutionException("Neither script nor command is given")
    path = os.path.join(source, config.script)
    if not os.path.isfile(path):
        raise ExperimentExecutionException(
            "{} script path doesn't exist. The script should be inside the project folder".format(path)
        )
    return path, None


def _environment(run_config: "Any", local: bool) -> "dict[str, Any] | None":
    """The environment as the API has it; `None` takes the Python at hand."""
    import sys

    from outhaul_azureml.environment import conda, curated, translate

    environment = run_config.environment
    name = environment.name or ""
    if curated.is_curated(name) and environment.python.conda_dependencies.as_dict() == conda.default_structure():
        found = curated.spec(name)
        if found is None:
            raise UserErrorException("The curated environment {} is not known".format(name))
        return found
    spec = translate.spec(environment, run_config.docker)
    asked = spec.get("interpreter", {})
    if asked.get("kind") == "user_managed" and asked["python"] == "python3" and local and "docker" not in spec:
        asked["python"] = sys.executable
    more = [key for key in ("pip", "conda", "docker", "index_options") if key in spec]
    # Repositories can be said in an environment only; packages also by options.
    plain = asked == {"kind": "managed"} and not more and not spec.get("spark", {}).get("repositories")
    return None if plain else spec


def _own_variables(environment: "Any") -> "dict[str, str]":
    from outhaul_azureml.environment import translate

    return dict(translate.spec(environment).get("variables") or {})


def _context(experiment: "Any", run_id: str) -> "dict[str, str]":
    """The variables of v1 that scripts look at by themselves."""
    workspace = experiment.workspace
    return {
        "AZUREML_RUN_ID": run_id,
        "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
        "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
        "AZUREML_ARM_PROJECT_NAME": experiment.name,
    }


def _check_settings(config: "Any", run_config: "Any") -> None:
    """What is set and would have no effect is not passed over in silence."""
    place = "azureml.core.runconfig.RunConfiguration."
    for given, call, why in (
        (config.resume_from, "azureml.core.script_run_config.ScriptRunConfig(resume_from=...)", None),
        (run_config.services, place + "services", "endpoints of running jobs are planned"),
        (run_config.datacaches, place + "datacaches", "caches of datasets are not planned"),
        (run_config.credential_passthrough, place + "credential_passthrough", plan.NEVER),
        (run_config.environment.r, "azureml.core.environment.RSection", "environments for R are planned"),
    ):
        if given:
            raise not_yet(call, why)
    if run_config.priority is not None:
        _log.warning("priority has no effect: runs of a target start in the order in which they were submitted")


def _check_distribution(run_config: "Any") -> None:
    communicator = str(run_config.communicator or "None").lower()
    if run_config.node_count and run_config.node_count > 1:
        raise not_yet("azureml.core.runconfig.RunConfiguration.node_count", "runs on several nodes are planned")
    if communicator in ("intelmpi", "openmpi", "mpi") and run_config.mpi.process_count_per_node > 1:
        raise not_yet("azureml.core.runconfig.MpiConfiguration.process_count_per_node", "runs by MPI are planned")
    if communicator in ("nccl", "gloo") and (run_config.pytorch.process_count or 1) > 1:
        raise not_yet("azureml.core.runconfig.PyTorchConfiguration.process_count", "distributed PyTorch is planned")
    if communicator == "parameterserver":
        raise not_yet("azureml.core.runconfig.TensorflowConfiguration", "distributed TensorFlow is planned")


def _spark_options(run_config: "Any") -> "list[str]":
    """`outhaul run`'s options for a Spark application."""
    from outhaul_azureml.run import spark

    return spark.options(run_config)


def _spark_packages(environment: "Any") -> "list[str]":
    from outhaul_azureml.run import spark

    return spark.packages(environment.spark)


def _inputs(workspace: "Any", run_config: "Any", local: bool) -> "Any":
    from outhaul_azureml.data import delivery

    return delivery.Inputs(workspace, run_config, local)
