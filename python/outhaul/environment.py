"""An environment spelled out in Python, instead of in a file or under a registered name."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence


class Environment:
    """What a run shall find installed.

    Without `python_path` the packages are locked and installed into an environment of their own, with a Python that
    fits `python` (`3.11`, `>=3.9`). With `python_path` that interpreter of the target is used as it is. With
    `docker_image` or `dockerfile` runs start in a container.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        *,
        python: Optional[str] = None,
        python_path: Optional[str] = None,
        pip: Sequence[str] = (),
        conda: Sequence[str] = (),
        channels: Sequence[str] = (),
        index_options: Sequence[str] = (),
        variables: Optional[Mapping[str, str]] = None,
        docker_image: Optional[str] = None,
        dockerfile: Optional[str] = None,
        docker_arguments: Sequence[str] = (),
        gpus: bool = False,
        shm_size: Optional[int] = None,
    ) -> None:
        from outhaul.errors import BadRequestError

        for what, value in (("pip", pip), ("conda", conda), ("channels", channels), ("index_options", index_options)):
            if isinstance(value, str):
                raise BadRequestError(f"`{what}` is a list", f'for example `{what}=["{value}"]`')
        if python is not None and python_path is not None:
            raise BadRequestError("give either `python`, a version, or `python_path`, an interpreter of the target")
        if docker_image is not None and dockerfile is not None:
            raise BadRequestError("give either `docker_image` or `dockerfile`")
        spec: Dict[str, Any] = {
            "interpreter": (
                {"kind": "managed", "version": python}
                if python_path is None
                else {"kind": "user_managed", "python": python_path}
            ),
            "pip": list(pip),
            "conda": list(conda),
            "channels": list(channels),
            "index_options": list(index_options),
            "variables": {str(key): str(value) for key, value in (variables or {}).items()},
        }
        if name is not None:
            spec["name"] = name
        if docker_image is not None or dockerfile is not None:
            spec["docker"] = {
                "image": docker_image,
                "dockerfile": dockerfile,
                "arguments": list(docker_arguments),
                "gpus": gpus,
                "shm_size": shm_size,
            }
        elif docker_arguments or gpus or shm_size:
            raise BadRequestError("options of a container need `docker_image` or `dockerfile`")
        self._spec = spec

    @property
    def name(self) -> Optional[str]:
        """Its name, where it has one."""
        name: Optional[str] = self._spec.get("name")
        return name

    @property
    def spec(self) -> Dict[str, Any]:
        """The spec as the API has it: see docs/openapi.json, `EnvironmentSpec`."""
        return dict(self._spec)

    def __repr__(self) -> str:
        packages = [*self._spec["conda"], *self._spec["pip"]]
        return f"<Environment {self.name or ''}{' ' if self.name else ''}{', '.join(packages) or 'without packages'}>"


class RegisteredEnvironment:
    """An environment that a workspace keeps under a name and a version. It never changes."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info = dict(info)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._info["name"])

    @property
    def version(self) -> int:
        """Its version, counted from 1."""
        return int(self._info["version"])

    @property
    def spec(self) -> Dict[str, Any]:
        """Its spec."""
        return dict(self._info["spec"])

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    def __repr__(self) -> str:
        return f"<RegisteredEnvironment {self}>"
