"""`ScriptRunConfig`: a script and all that is said about its run."""

import logging
import os

from outhaul_azureml.config import sections
from outhaul_azureml.config.runconfig import RunConfiguration
from outhaul_azureml.environment.model import Environment
from outhaul_azureml.errors import RunConfigurationException, UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_log = logging.getLogger("azureml.core.script_run_config")


@known_as("azureml.core.script_run_config")
class ScriptRunConfig:
    """What `Experiment.submit` takes."""

    MAX_DURATION_SECONDS_DEFAULT = 2592000

    def __init__(
        self,
        source_directory: "str | None",
        script: "str | None" = None,
        arguments: "list[Any] | None" = None,
        run_config: "RunConfiguration | None" = None,
        _telemetry_values: "Any" = None,
        compute_target: "Any" = None,
        environment: "Environment | None" = None,
        distributed_job_config: "Any" = None,
        resume_from: "Any" = None,
        max_run_duration_seconds: "int | None" = MAX_DURATION_SECONDS_DEFAULT,
        command: "Any" = None,
        docker_runtime_config: "sections.DockerConfiguration | None" = None,
    ) -> None:
        if script and command:
            raise UserErrorException("Both script and command are given; give one of them")
        self.source_directory = os.fspath(source_directory) if source_directory else "."
        self.script = script
        self.command = command if command else []
        self.arguments = list(arguments) if arguments else []
        self.resume_from = resume_from
        if run_config is None:
            run_config = _made(
                compute_target, environment, distributed_job_config, max_run_duration_seconds, docker_runtime_config
            )
        else:
            given = {
                "compute_target": compute_target,
                "environment": environment,
                "distributed_job_config": distributed_job_config,
                "docker_runtime_config": docker_runtime_config,
            }
            for name in [name for name, value in given.items() if value is not None]:
                _log.warning("If run_config is given, %s is ignored", name)
        self.run_config = run_config
        for name, ours in (("script", self.script), ("arguments", self.arguments), ("command", self.command)):
            theirs = getattr(run_config, name)
            if ours and theirs:
                _log.warning("%s is given twice; the one of the ScriptRunConfig is used", name)
            elif theirs:
                setattr(self, name, theirs)

    def __repr__(self) -> str:
        return "ScriptRunConfig(source_directory={!r}, script={!r}, target={!r})".format(
            self.source_directory, self.script, self.run_config.target
        )


def _made(
    compute_target: "Any",
    environment: "Environment | None",
    distributed: "Any",
    max_run_duration_seconds: "int | None",
    docker: "sections.DockerConfiguration | None",
) -> RunConfiguration:
    made = RunConfiguration()
    if compute_target is not None:
        made.target = compute_target
    if environment is not None:
        made.environment = environment
    made.max_run_duration_seconds = max_run_duration_seconds
    if docker is not None:
        made.docker = docker
    else:
        theirs = made.environment.docker
        made.docker = sections.DockerConfiguration(
            theirs._enabled, theirs._shared_volumes, theirs._arguments, theirs._shm_size or sections.DEFAULT_SHM_SIZE
        )
    if isinstance(distributed, sections.TensorflowConfiguration):
        made.framework, made.communicator = "TensorFlow", "ParameterServer"
        made.tensorflow = distributed
        made.node_count = distributed.worker_count
    elif isinstance(distributed, sections.MpiConfiguration):
        made.framework, made.communicator = "Python", "IntelMpi"
        made.mpi = distributed
        made.node_count = distributed.node_count
    elif isinstance(distributed, sections.PyTorchConfiguration):
        made.framework, made.communicator = "PyTorch", distributed.communication_backend
        made.pytorch = distributed
        made.node_count = distributed.node_count
    elif distributed is not None:
        raise RunConfigurationException(
            "{} cannot be a distributed_job_config; use MpiConfiguration, PyTorchConfiguration or "
            "TensorflowConfiguration".format(type(distributed).__name__)
        )
    return made
