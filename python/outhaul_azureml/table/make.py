"""Makes `v1.json` out of the list of facts: `python -m outhaul_azureml.table.make ../shared/azureml-v1/api.json`."""

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_LEFT_OUT = ("azureml._model_management._constants",)
"""Modules of v1's inside: texts and addresses of its services, no calls."""


def default(value: "Any") -> str:
    """A default as source text."""
    if isinstance(value, dict) and list(value) == ["$expr"]:
        return str(value["$expr"])
    return repr(value)


def signature(params: "list[dict[str, Any]]") -> str:
    """Parameters as they stand between the brackets of a `def`."""
    parts = []
    starred = False
    for param in params:
        kind, name = param["kind"], param["name"]
        if kind == "var_positional":
            starred = True
            parts.append("*" + name)
            continue
        if kind == "var_keyword":
            parts.append("**" + name)
            continue
        if kind == "keyword_only" and not starred:
            starred = True
            parts.append("*")
        parts.append(name + ("=" + default(param["default"]) if "default" in param else ""))
    return ", ".join(parts)


def entry(found: "dict[str, Any]") -> "dict[str, Any]":
    """A class of the list as a class of the table."""
    kinds = {"method": "", "staticmethod": "static ", "classmethod": "class "}
    made = {"bases": found["bases"]}  # type: dict[str, Any]
    made["methods"] = {
        one["name"]: kinds[one["kind"]] + "(" + signature(one["params"]) + ")" for one in found["methods"]
    }
    if found.get("properties"):
        made["properties"] = [one["name"] for one in found["properties"]]
    if found.get("instance_attributes"):
        made["attributes"] = found["instance_attributes"]
    if found.get("constants"):
        made["constants"] = found["constants"]
    if found.get("nested"):
        made["nested"] = {one["name"]: entry(one) for one in found["nested"]}
    return made


def table(facts: "dict[str, Any]") -> "dict[str, Any]":
    """The whole table."""
    modules = {}  # type: dict[str, Any]
    for area, found in facts["areas"].items():
        for one in found:
            if one["module"] in _LEFT_OUT:
                continue
            modules[one["module"]] = {
                "area": area,
                "classes": {cls["name"]: entry(cls) for cls in one["classes"]},
                "functions": {call["name"]: "(" + signature(call["params"]) + ")" for call in one["functions"]},
                "constants": one["constants"],
            }
    everything = {
        name[: -len(".__all__")]: value for name, value in facts["resolved_values"].items() if name.endswith(".__all__")
    }
    return {"versions": facts["versions"], "all": everything, "modules": modules}


def text(facts: "dict[str, Any]") -> str:
    """The table as it is stored: a line for each module."""
    made = table(facts)
    lines = [json.dumps(name) + ": " + json.dumps(one, sort_keys=False) for name, one in made["modules"].items()]
    head = '{"versions": ' + json.dumps(made["versions"]) + ',\n"all": ' + json.dumps(made["all"]) + ',\n"modules": {\n'
    return head + ",\n".join(lines) + "\n}}\n"


def main(arguments: "list[str]") -> int:
    """Read the facts named on the command line and write the table beside this file."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m outhaul_azureml.table.make API_JSON\n")
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        made = text(json.load(file))
    with open(os.path.join(os.path.dirname(__file__), "v1.json"), "w", encoding="utf-8") as file:
        file.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
