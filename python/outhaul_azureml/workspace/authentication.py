"""v1's ways of logging in to Azure. Outhaul's server is reached through a socket that only its owner can open, so they
are taken and passed over; what gives a token out says that there is none.
"""

from enum import Enum

from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_here = known_as("azureml.core.authentication")


class Audience(Enum):
    """Whom a token is for."""

    ARM = "ARM"
    AZUREML = "AZUREML"


Audience.__module__ = "azureml.core.authentication"


@_here
class AbstractAuthentication:
    """A way of logging in; nothing is done with it."""

    def __init__(self, cloud: "str | None" = None) -> None:
        self._cloud = cloud


@_here
class InteractiveLoginAuthentication(AbstractAuthentication):
    """In a browser."""

    def __init__(self, force: bool = False, tenant_id: "str | None" = None, cloud: "str | None" = None) -> None:
        super().__init__(cloud)


@_here
class AzureCliAuthentication(AbstractAuthentication):
    """As the Azure command line is logged in."""

    def __init__(self, cloud: "str | None" = None) -> None:
        super().__init__(cloud)


@_here
class ArmTokenAuthentication(AbstractAuthentication):
    """By a token."""

    def __init__(self, arm_access_token: str, cloud: "str | None" = "None") -> None:
        super().__init__(cloud)

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Nothing is kept."""


@_here
class ServicePrincipalAuthentication(AbstractAuthentication):
    """As a service."""

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: "str | None" = "AzureCloud",
        _enable_caching: bool = True,
    ) -> None:
        super().__init__(cloud)


@_here
class AzureMLTokenAuthentication(AbstractAuthentication):
    """By the token that a run of v1 had."""

    EXPIRATION_THRESHOLD_IN_SECONDS = 95
    REFRESH_INTERVAL_IN_SECONDS = 30

    def __init__(
        self,
        azureml_access_token: "Any",
        expiry_time: "Any" = None,
        host: "Any" = None,
        subscription_id: "Any" = None,
        resource_group_name: "Any" = None,
        workspace_name: "Any" = None,
        experiment_name: "Any" = None,
        run_id: "Any" = None,
        user_email: "Any" = None,
        experiment_id: "Any" = None,
        cloud: "str | None" = "AzureCloud",
    ) -> None:
        super().__init__(cloud)


@_here
class MsiAuthentication(AbstractAuthentication):
    """As a machine at Azure."""

    def __init__(self, cloud: "str | None" = None, **kwargs: "Any") -> None:
        super().__init__(cloud)


@_here
class TokenAuthentication(AbstractAuthentication):
    """By a function that gives tokens."""

    def __init__(self, get_token_for_audience: "Any", cloud: "str | None" = None) -> None:
        super().__init__(cloud)
        self._get_token_for_audience = get_token_for_audience

    def get_token(self, audience: "Any" = Audience.ARM) -> "Any":
        """What the function gives."""
        return self._get_token_for_audience(audience)
