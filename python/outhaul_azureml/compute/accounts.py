"""Targets that are an account of a service: Azure Batch, Databricks, Data Lake Analytics, Data Factory.

Their configurations are checked as in v1; attaching them is planned, and says so.
"""

from outhaul_azureml.compute import base, ids
from outhaul_azureml.compute.remote import DEPRECATED
from outhaul_azureml.errors import ComputeTargetException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _check(config: "Any", name: str, provider: str, what: str) -> None:
    """An account is named by its resource id, or by group and name."""
    given = [key for key in ("resource_group", name) if getattr(config, key)]
    if config.resource_id:
        if given:
            raise ComputeTargetException(
                "Since resource_id is provided, please do not provide {}.".format(", ".join(given))
            )
        ids.check(config.resource_id, provider, what)
    elif len(given) < 2:
        raise ComputeTargetException(
            "Please provide resource_group, {} or provide resource_id for {} being attached.".format(name, what)
        )


@known_as("azureml.core.compute.batch")
class BatchCompute(base.ComputeTarget):
    """An Azure Batch account."""

    _compute_type = "Batch"
    _kind_planned = True
    _not_deleted = "Delete is not supported for Batch object. Try to use detach instead."

    @staticmethod
    def attach_configuration(
        resource_group: "str | None" = None, account_name: "str | None" = None, resource_id: "str | None" = None
    ) -> "BatchAttachConfiguration":
        """Which account."""
        made = BatchAttachConfiguration(resource_group, account_name, resource_id)
        made.validate_configuration()
        return made

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "BatchCompute":
        """Out of what `serialize` gave."""
        return BatchCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


@known_as("azureml.core.compute.batch")
class BatchAttachConfiguration(base.ComputeTargetAttachConfiguration):
    """What `BatchCompute.attach_configuration` gives."""

    def __init__(
        self, resource_group: "str | None" = None, account_name: "str | None" = None, resource_id: "str | None" = None
    ) -> None:
        super().__init__(BatchCompute)
        self.resource_group = resource_group
        self.account_name = account_name
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Raise unless the account is named."""
        _check(self, "account_name", "Microsoft.Batch", "batch account")


@known_as("azureml.core.compute.databricks")
class DatabricksCompute(base.ComputeTarget):
    """A Databricks workspace."""

    _compute_type = "Databricks"
    _kind_planned = True
    _not_deleted = "Delete is not supported for Databricks object. Try to use detach instead."

    @staticmethod
    def attach(workspace: "Any", name: str, resource_id: str, access_token: str) -> "DatabricksCompute":  # type: ignore[override]
        """Given up in v1 already."""
        raise ComputeTargetException(DEPRECATED.format("DatabricksCompute"))

    @staticmethod
    def attach_configuration(
        resource_group: "str | None" = None,
        workspace_name: "str | None" = None,
        resource_id: "str | None" = None,
        access_token: str = "",
    ) -> "DatabricksAttachConfiguration":
        """Which workspace, and the token to use it with."""
        made = DatabricksAttachConfiguration(resource_group, workspace_name, resource_id, access_token)
        made.validate_configuration()
        return made

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "DatabricksCompute":
        """Out of what `serialize` gave."""
        return DatabricksCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


@known_as("azureml.core.compute.databricks")
class DatabricksAttachConfiguration(base.ComputeTargetAttachConfiguration):
    """What `DatabricksCompute.attach_configuration` gives."""

    def __init__(
        self,
        resource_group: "str | None" = None,
        workspace_name: "str | None" = None,
        resource_id: "str | None" = None,
        access_token: str = "",
    ) -> None:
        super().__init__(DatabricksCompute)
        self.resource_group = resource_group
        self.workspace_name = workspace_name
        self.resource_id = resource_id
        self.access_token = access_token

    def validate_configuration(self) -> None:
        """Raise unless the workspace is named."""
        _check(self, "workspace_name", "Microsoft.Databricks", "databricks workspace")


@known_as("azureml.core.compute.adla")
class AdlaCompute(base.ComputeTarget):
    """A Data Lake Analytics account."""

    _compute_type = "DataLakeAnalytics"
    _kind_planned = True

    @staticmethod
    def attach(workspace: "Any", name: str, resource_id: str) -> "AdlaCompute":
        """Given up in v1 already."""
        raise ComputeTargetException(DEPRECATED.format("AdlaCompute"))

    @staticmethod
    def attach_configuration(
        resource_group: "str | None" = None, account_name: "str | None" = None, resource_id: "str | None" = None
    ) -> "DataLakeAnalyticsAttachConfiguration":
        """Which account."""
        made = DataLakeAnalyticsAttachConfiguration(resource_group, account_name, resource_id)
        made.validate_configuration()
        return made

    def _inner(self) -> "dict[str, Any]":
        return {"isAttachedCompute": self.is_attached}

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "AdlaCompute":
        """Out of what `serialize` gave."""
        return AdlaCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


@known_as("azureml.core.compute.adla")
class DataLakeAnalyticsAttachConfiguration(base.ComputeTargetAttachConfiguration):
    """What `AdlaCompute.attach_configuration` gives."""

    def __init__(
        self, resource_group: "str | None" = None, account_name: "str | None" = None, resource_id: "str | None" = None
    ) -> None:
        super().__init__(AdlaCompute)
        self.resource_group = resource_group
        self.account_name = account_name
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Raise unless the account is named."""
        _check(self, "account_name", "Microsoft.DataLakeAnalytics", "data lake analytics account")


@known_as("azureml.core.compute.datafactory")
class DataFactoryCompute(base.ComputeTarget):
    """A data factory."""

    _compute_type = "DataFactory"
    _kind_planned = True

    @staticmethod
    def attach(workspace: "Any", name: str, resource_id: str) -> "DataFactoryCompute":
        """Given up in v1 already."""
        raise ComputeTargetException(DEPRECATED.format("DataFactoryCompute"))

    @staticmethod
    def attach_configuration(
        resource_group: "str | None" = None, factory_name: "str | None" = None, resource_id: "str | None" = None
    ) -> "DataFactoryAttachConfiguration":
        """Which factory."""
        made = DataFactoryAttachConfiguration(resource_group, factory_name, resource_id)
        made.validate_configuration()
        return made

    @staticmethod
    def deserialize(workspace: "Any", object_dict: "dict[str, Any]") -> "DataFactoryCompute":
        """Out of what `serialize` gave."""
        return DataFactoryCompute._deserialize(workspace, object_dict)  # type: ignore[no-any-return]


@known_as("azureml.core.compute.datafactory")
class DataFactoryAttachConfiguration(base.ComputeTargetAttachConfiguration):
    """What `DataFactoryCompute.attach_configuration` gives."""

    def __init__(
        self, resource_group: "str | None" = None, factory_name: "str | None" = None, resource_id: "str | None" = None
    ) -> None:
        super().__init__(DataFactoryCompute)
        self.resource_group = resource_group
        self.factory_name = factory_name
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Raise unless the factory is named."""
        _check(self, "factory_name", "Microsoft.DataFactory", "data factory")
