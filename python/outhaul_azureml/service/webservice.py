"""`Webservice`: any web service by its name, and what deployments have in common."""

import re

from outhaul_azureml.errors import WebserviceException
from outhaul_azureml.planned import known_as, not_yet
from outhaul_azureml.service import requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")


def check_name(name: "Any") -> None:
    """Refuses a name that v1 refuses."""
    if not isinstance(name, str) or not _NAME.match(name) or not 3 <= len(name) <= 32:
        raise WebserviceException(
            "Error, provided service name is invalid. It must only consist of lowercase letters, numbers, or dashes, "
            "start with a letter, end with a letter or number, and be between 3 and 32 characters long."
        )


@known_as("azureml.core.webservice.webservice")
class Webservice:
    """A web service. `Webservice(ws, name)` gives it as its own class."""

    _webservice_type = None  # type: str | None

    def __new__(cls, workspace: "Any" = None, name: "str | None" = None, *args: "Any", **kwargs: "Any") -> "Any":
        if cls is not Webservice or workspace is None or not name:
            return super().__new__(cls)
        from outhaul_azureml.service.local import LocalWebservice

        if requests.find(workspace, name) is None:
            raise not_found(name)
        return super().__new__(LocalWebservice)

    def __init__(self, workspace: "Any", name: str) -> None:
        raise not_yet("azureml.core.webservice.webservice.Webservice", "this kind of service is not there")

    @staticmethod
    def list(
        workspace: "Any",
        compute_type: "str | None" = None,
        image_name: "str | None" = None,
        image_id: "str | None" = None,
        model_name: "str | None" = None,
        model_id: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        image_digest: "str | None" = None,
    ) -> "List[Any]":
        """Services by name. `tags` holds names, or pairs of name and value."""
        from outhaul_azureml.model.registry import _has
        from outhaul_azureml.service.local import LocalWebservice

        if image_name or image_id or image_digest or properties:
            # Services have no images and no properties here, so none has these.
            return []
        if compute_type is not None and str(compute_type).lower() != "local":
            return []
        found = requests.listed(workspace, model_id or model_name)
        wanted = [one for one in found if _has(one["tags"], tags, "tags")]
        return [LocalWebservice._of(workspace, one) for one in wanted]


def not_found(name: str) -> WebserviceException:
    """The exception for a service that is not there."""
    return WebserviceException(
        "WebserviceNotFound: Webservice with name {} not found in provided workspace".format(name), status_code=404
    )


@known_as("azureml.core.webservice.webservice")
class WebserviceDeploymentConfiguration:
    """Where and how a model is deployed."""

    def __init__(
        self,
        type: "Any",
        description: "str | None" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        primary_key: "str | None" = None,
        secondary_key: "str | None" = None,
        location: "str | None" = None,
    ) -> None:
        self._webservice_type = type
        self.description = description
        self.tags = tags
        self.properties = properties
        self.primary_key = primary_key
        self.secondary_key = secondary_key
        self.location = location
