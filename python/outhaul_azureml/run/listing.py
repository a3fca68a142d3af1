"""Finding runs and making objects of what the server gives; values as requests carry them."""

from outhaul_azureml.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from outhaul_azureml.run.model import Run

MOST_CHILDREN = 100


def of(workspace: "Any", found: "dict[str, Any]") -> "Run":
    """The object for a run as the server gives it."""
    from outhaul_azureml.run.experiment import Experiment
    from outhaul_azureml.run.model import Run, ScriptRun

    experiment = Experiment(workspace, found["experiment"], _skip_name_validation=True)
    kind = ScriptRun if found.get("spec") else Run
    made = kind(experiment, found["id"])
    made._known = found if "version" in found else None
    return made


def listed(
    workspace: "Any",
    query: "dict[str, Any]",
    type: "str | None",
    tags: "Any",
    properties: "Any",
    include_children: bool,
) -> "Iterator[Run]":
    """The runs that a query finds and that have these tags and properties, newest first."""
    wanted = dict(query, workspace=workspace.name, limit=0)
    if include_children:
        wanted["children"] = True
    if isinstance(tags, str):
        tags = {tags: None}
    # An experiment is there as soon as it has a run: none is no error.
    for summary in workspace._server.find("/runs", wanted) or []:
        if not all(_has(summary["tags"], key, value) for key, value in (tags or {}).items()):
            continue
        made = of(workspace, workspace._server.get("/runs/" + summary["id"]))
        if type is not None and made.type != type:
            continue
        if isinstance(properties, str):
            properties = {properties: None}
        known = made._fetch().get("properties") or {}
        if all(_has(known, key, value) for key, value in (properties or {}).items()):
            yield made


def _has(found: "dict[str, str]", key: str, value: "Any") -> bool:
    return key in found and (value is None or found[key] == str(value))


def texts(pairs: "Any", what: str) -> "dict[str, str]":
    """Tags or properties as texts."""
    if not isinstance(pairs, dict):
        raise UserErrorException("{} must be a dict, not {}".format(what, type(pairs).__name__))
    return {str(key): "" if value is None else str(value) for key, value in pairs.items()}


def strict(value: "Any") -> "Any":
    """Numbers that JSON lacks, as the texts that the API has for them."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [strict(one) for one in value]
    if isinstance(value, dict):
        return {key: strict(one) for key, one in value.items()}
    return value


def check_children(count: "Any", tag_key: "Any", tag_values: "Any") -> "list[Any]":
    """The tag's values for the children that are asked for; `None` for each where there is no tag."""
    if (tag_key is None) != (tag_values is None) or (count is None) == (tag_values is None):
        raise UserErrorException("Give count, or tag_key and tag_values")
    values = [None] * int(count) if count is not None else list(tag_values)
    if not 0 < len(values) <= MOST_CHILDREN:
        raise UserErrorException("Between 1 and {} children can be created at once".format(MOST_CHILDREN))
    return values
