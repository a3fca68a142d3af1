"""A web service as the words of `outhaul deploy` and `outhaul service update`. Pure."""

from __future__ import annotations

import json
import os
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Union

from outhaul._client.submission import assignments, duration
from outhaul.errors import BadRequestError

PathText = Union[str, "os.PathLike[str]"]


class Deployment(NamedTuple):
    """What a service shall be; what is None is not said. `environment` is a file, a registered name, or a spec spelled
    out as the API has it; `python` is the interpreter that is taken for the one at hand where there is no environment.
    """

    entry: Optional[PathText] = None
    models: Optional[Sequence[str]] = None
    source: Optional[PathText] = None
    environment: Union[str, "os.PathLike[str]", Mapping[str, Any], None] = None
    python: Optional[str] = None
    host: Optional[str] = None
    port: Optional[int] = None
    workers: Optional[int] = None
    queue: Optional[int] = None
    timeout: Union[str, int, float, None] = None
    max_body: Union[str, int, None] = None
    cors: Optional[str] = None
    auth_keys: Optional[bool] = None
    tls_cert: Optional[PathText] = None
    tls_key: Optional[PathText] = None
    variables: Optional[Mapping[str, object]] = None
    tags: Optional[Mapping[str, object]] = None
    description: Optional[str] = None


def words(asked: Deployment) -> List[str]:
    """The options for what is asked for; none when nothing is."""
    found: List[str] = []

    def option(name: str, value: object) -> None:
        if value is not None:
            found.append(f"--{name}={value}")

    for name, path in (("entry", asked.entry), ("source", asked.source)):
        option(name, None if path is None else os.fspath(path))
    for model in asked.models or ():
        option("model", model)
    if isinstance(asked.environment, Mapping):
        option("environment-spec", json.dumps(asked.environment))
    elif asked.environment is not None:
        option("environment", os.fspath(asked.environment))
    else:
        option("python", asked.python)
    option("host", asked.host)
    option("port", asked.port)
    option("workers", asked.workers)
    option("queue", asked.queue)
    option("timeout", duration(asked.timeout))
    option("max-body", asked.max_body)
    option("cors", asked.cors)
    if asked.auth_keys is not None:
        found.append("--auth-keys" if asked.auth_keys else "--no-auth-keys")
    if (asked.tls_cert is None) != (asked.tls_key is None):
        raise BadRequestError("HTTPS needs a certificate and its key", "give both `tls_cert=` and `tls_key=`")
    for name, path in (("tls-cert", asked.tls_cert), ("tls-key", asked.tls_key)):
        option(name, None if path is None else os.fspath(path))
    found += assignments("env", asked.variables)
    found += assignments("tag", asked.tags)
    option("description", asked.description)
    return found


def emptied(asked: Deployment) -> List[str]:
    """What of it shall have nothing any more, which options cannot say: `models`, `variables`, `tags`."""
    lists = {"models": asked.models, "variables": asked.variables, "tags": asked.tags}
    return [name for name, given in lists.items() if given is not None and not given]
