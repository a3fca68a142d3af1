"""The workspace for asyncio; see `outhaul.workspace`."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Union

from outhaul._client.client import AsyncClient
from outhaul._client.submission import Submission, indexes_text
from outhaul._model import Experiment, moment
from outhaul._ops import given, runs, services, workspaces
from outhaul.aio.arrays import RunArray
from outhaul.aio.models import Models
from outhaul.aio.services import Service, Services
from outhaul.aio.submitted import Run
from outhaul.aio.targets import Targets
from outhaul.aio.tracked import TrackedRun, start
from outhaul.environment import RegisteredEnvironment

PathText = Union[str, "os.PathLike[str]"]


class Workspace:
    """A workspace of a data folder. Nothing is asked or started before it is used.

    Without a name the workspace in use is meant; without `home` the data folder of the command (`OUTHAUL_HOME`).
    `program` is the path of the program `outhaul`, where it is neither beside this package nor on the PATH. The server
    is started when none answers, unless `start` is False.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        *,
        home: Optional[PathText] = None,
        program: Optional[PathText] = None,
        start: bool = True,
    ) -> None:
        if name is not None:
            given.check_name("workspace", name)
        self._name = name
        self._client = AsyncClient(
            None if home is None else os.fspath(home), None if program is None else os.fspath(program), start
        )

    async def name(self) -> str:
        """Its name."""
        if self._name is not None:
            return self._name
        return str((await workspaces.workspace(self._client.core, None))["name"])

    @property
    def home(self) -> str:
        """The data folder."""
        return self._client.home

    async def create(self, conda: Optional[str] = None) -> Workspace:
        """Makes it, if it is not there. `conda` says where conda packages come from: `channels`, `pypi`, `refuse`."""
        await workspaces.create_workspace(self._client.core, self._name, conda)
        return self

    async def run(
        self,
        script: Optional[PathText] = None,
        *,
        arguments: Sequence[object] = (),
        command: Optional[Sequence[str]] = None,
        source: Optional[PathText] = None,
        target: given.TargetLike = None,
        environment: given.EnvironmentLike = None,
        experiment: Optional[str] = None,
        name: Optional[str] = None,
        variables: Optional[Mapping[str, object]] = None,
        tags: Optional[Mapping[str, object]] = None,
        max_duration: Union[str, int, float, None] = None,
        resources: Optional[Mapping[str, object]] = None,
        framework: Optional[str] = None,
        spark_conf: Optional[Mapping[str, object]] = None,
        spark_packages: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> Run:
        """Submits a script, or a command given as a list of words, and returns at once; `wait` or `follow` the run.

        The script's folder, or `source`, travels as a snapshot. `environment` is a file, a registered name
        (`sklearn:2`), an `Environment`; without one the script gets the Python that runs this code, and on another
        machine its `python3`. `max_duration` is seconds or a text such as `1h30m`. `resources` are what is asked of a
        cluster: `nodes`, `cpus`, `gpus`, `memory` (`8G`), `time`, `partition`. `framework="pyspark"` starts the script
        by `spark-submit`, with properties and packages of Spark. `options` are further options of `outhaul run`, each
        as one word (`--NAME=VALUE`). Defaults of an `outhaul.toml` count as they do for the command.
        """
        asked = self._asked(
            script,
            arguments=arguments,
            command=command,
            source=source,
            target=target,
            environment=environment,
            experiment=experiment,
            name=name,
            variables=variables,
            tags=tags,
            max_duration=max_duration,
            resources=resources,
            framework=framework,
            spark_conf=spark_conf,
            spark_packages=spark_packages,
            options=options,
        )
        return Run(self._client, await runs.submit(self._client.core, asked))

    async def run_array(
        self,
        indexes: Union[str, Iterable[int]],
        script: Optional[PathText] = None,
        *,
        at_once: Optional[int] = None,
        **asked: Any,
    ) -> RunArray:
        """Submits a run for each index, all or none, from one snapshot: `ws.run_array(range(10), "train.py")`.

        Indexes are numbers, or a text as the command has it (`0-9:3`, `1,5,7`); `at_once` of them run at the same time.
        The script finds its own in `OUTHAUL_ARRAY_INDEX`. All else is as for `run`.
        """
        asked["array"] = indexes_text(indexes, at_once)
        told = await runs.submit(self._client.core, self._asked(script, **asked))
        return RunArray(self._client, told)

    async def plan(self, script: Optional[PathText] = None, **asked: Any) -> Dict[str, Any]:
        """What `run` with the same arguments would do, as `outhaul run --dry-run --format json` tells it."""
        return await runs.plan(self._client.core, self._asked(script, **asked))

    def _asked(self, script: Optional[PathText], **asked: Any) -> Submission:
        return runs.submission(self._name, script, **asked)

    async def start_run(
        self,
        experiment: Optional[str] = None,
        *,
        name: Optional[str] = None,
        tags: Optional[Mapping[str, object]] = None,
        properties: Optional[Mapping[str, object]] = None,
    ) -> TrackedRun:
        """Begins a run that this process plays, without a target:
        `async with await ws.start_run("ridge") as run: await run.log(...)`.

        Without an experiment it is named after the current folder.
        """
        return await start(self._client, self._name, experiment, name, tags, properties, None)

    async def deploy(
        self,
        name: str,
        *,
        entry: Optional[PathText] = None,
        models: Optional[Sequence[services.ModelLike]] = None,
        source: Optional[PathText] = None,
        environment: given.EnvironmentLike = None,
        port: Optional[int] = None,
        host: Optional[str] = None,
        workers: Optional[int] = None,
        queue: Optional[int] = None,
        timeout: Union[str, int, float, None] = None,
        max_body: Union[str, int, None] = None,
        cors: Optional[str] = None,
        auth_keys: Optional[bool] = None,
        tls_cert: Optional[PathText] = None,
        tls_key: Optional[PathText] = None,
        variables: Optional[Mapping[str, object]] = None,
        tags: Optional[Mapping[str, object]] = None,
        description: Optional[str] = None,
        target: given.TargetLike = None,
        overwrite: bool = False,
        wait: bool = True,
    ) -> Service:
        """Deploys models behind an entry script as a web service, and waits until it answers unless `wait` is False.
        `ServiceFailedError`, with the Python traceback, when it does not come up.

        `source`, or the entry script's folder, travels as a snapshot. `models` are registered ones (`churn:2`, a
        `Model`) or files and folders of this machine. `environment` is as for `run`. Without `host` and `port` it
        listens on 127.0.0.1, on a free port. `timeout` limits one call of the script's `run()`, in seconds or a text
        such as `5m`, and `max_body` a request, in bytes or a text such as `10M`. `auth_keys` asks callers for a key;
        `tls_cert` and `tls_key` are files for HTTPS. With `overwrite` it takes the place of the service of this name,
        without a gap.
        """
        asked = services.wishes(
            entry=entry,
            models=models,
            source=source,
            environment=environment,
            port=port,
            host=host,
            workers=workers,
            queue=queue,
            timeout=timeout,
            max_body=max_body,
            cors=cors,
            auth_keys=auth_keys,
            tls_cert=tls_cert,
            tls_key=tls_key,
            variables=variables,
            tags=tags,
            description=description,
        )
        told = await services.deploy(self._client.core, self._name, name, target, asked, overwrite, wait)
        return Service(self._client, told)

    async def get_run(self, run: str) -> Run:
        """The run of this id, or of a unique beginning of one; `NotFoundError` when there is none."""
        return Run(self._client, await runs.run(self._client.core, run))

    async def get_array(self, run: str) -> RunArray:
        """The array that a run belongs to; any of its runs, or a unique beginning of an id, names it."""
        return RunArray(self._client, await runs.array(self._client.core, run))

    async def runs(
        self,
        *,
        experiment: Optional[str] = None,
        target: given.TargetLike = None,
        state: Optional[str] = None,
        tag: Optional[str] = None,
        array: Optional[str] = None,
        limit: Optional[int] = 50,
    ) -> List[Run]:
        """Runs, newest first. `tag` is `name` or `name=value`, `array` any run of an array; with `limit=None` all of
        them.
        """
        told = await runs.runs(
            self._client.core,
            self._name,
            experiment=experiment,
            target=given.target_of(target),
            state=state,
            tag=tag,
            limit=limit,
            array=array,
        )
        return [Run(self._client, info) for info in told]

    @property
    def models(self) -> Models:
        """Its models."""
        return Models(self._client, self._name)

    @property
    def services(self) -> Services:
        """Its web services."""
        return Services(self._client, self._name)

    @property
    def targets(self) -> Targets:
        """Its compute targets."""
        return Targets(self._client, self._name)

    async def experiments(self) -> List[Experiment]:
        """Its experiments."""
        told = await workspaces.experiments(self._client.core, self._name)
        return [Experiment(info["name"], info["runs"], moment(info["last_run_at"])) for info in told]

    async def environments(self) -> List[RegisteredEnvironment]:
        """Its registered environments, each in its newest version."""
        told = await workspaces.environments(self._client.core, self._name)
        return [RegisteredEnvironment(info) for info in told]

    async def environment(self, name: str, version: Optional[int] = None) -> RegisteredEnvironment:
        """A registered environment; its newest version when none is given."""
        return RegisteredEnvironment(
            await workspaces.environment(self._client.core, self._name, name, version)
        )

    async def register_environment(
        self, environment: given.EnvironmentLike, name: Optional[str] = None
    ) -> RegisteredEnvironment:
        """Keeps an environment, a file or an `Environment`, under a name; a new content makes a new version."""
        return RegisteredEnvironment(
            await workspaces.register_environment(self._client.core, self._name, environment, name)
        )

    def __repr__(self) -> str:
        return f"<Workspace {self._name or '(the one in use)'} in {self.home}>"
