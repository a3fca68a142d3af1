"""Azure's resource ids: taking them apart, with v1's rules and words. Pure."""

from outhaul_azureml.errors import ComputeTargetException

PARTS = 9
_PROVIDER = 6


def is_placeholder(text: "str | None") -> bool:
    """Whether a text is printed in place of a value, such as `<resource_id>`."""
    return bool(text) and str(text).startswith("<") and str(text).endswith(">") and "/" not in str(text)


def check(resource_id: str, provider: str, what: str) -> None:
    """Refuse what is no resource id of the provider. As in v1, the case of the provider counts.

    A placeholder passes: whether the workspace's addresses know it turns out when the target is attached.
    """
    if is_placeholder(resource_id):
        return
    parts = resource_id.split("/")
    if len(parts) != PARTS:
        raise ComputeTargetException("Invalid resource_id provided: {}".format(resource_id))
    if parts[_PROVIDER] != provider:
        raise ComputeTargetException(
            "Invalid resource_id provided: {}, resource type {} does not match for {}".format(
                resource_id, parts[_PROVIDER], what
            )
        )


def made(subscription_id: str, resource_group: str, provider: str, kind: str, name: str) -> str:
    """A resource id out of its parts."""
    return "/subscriptions/{}/resourceGroups/{}/providers/{}/{}/{}".format(
        subscription_id, resource_group, provider, kind, name
    )


def of_compute(workspace: "object", name: str) -> str:
    """The id of a compute target, as v1 shows it."""
    return "{}/computes/{}".format(of_workspace(workspace), name)


def of_workspace(workspace: "object") -> str:
    """The id of a workspace, as v1 shows it."""
    return made(
        workspace.subscription_id,  # type: ignore[attr-defined]
        workspace.resource_group,  # type: ignore[attr-defined]
        "Microsoft.MachineLearningServices",
        "workspaces",
        workspace.name,  # type: ignore[attr-defined]
    )
