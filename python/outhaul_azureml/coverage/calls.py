"""Finds the uses of v1 in a syntax tree: imports, and what is called on what they give. Nothing is executed.

Types are followed through assignments in the order of the text, by what `types` says that calls give. What cannot be
followed (a parameter of a function, say) is passed over.
"""

import ast

from outhaul_azureml.coverage import judge, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

_ROOT = "azureml"


class Use:
    """One use: its line, its name as v1 has it, and what is said of it."""

    def __init__(self, line: int, name: str, verdict: "judge.Verdict") -> None:
        self.line = line
        self.name = name
        self.status = verdict.status
        self.why = verdict.why
        self.where = ""


class _Class:
    """A class itself, as the value of an expression."""

    def __init__(self, cls: type) -> None:
        self.cls = cls


class _Instance:
    """An object of a class; `many` is `[]` for several of them, `{}` for a dict of them by their names."""

    def __init__(self, cls: type, many: str = "") -> None:
        self.cls = cls
        self.many = many


class _Module:
    """A module."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Function:
    """A function."""

    def __init__(self, name: str, thing: "Any") -> None:
        self.name = name
        self.thing = thing


class Finder(ast.NodeVisitor):
    """Walks through a tree and notes uses. One for a whole notebook: later cells see the names of earlier ones."""

    def __init__(self) -> None:
        self.uses = []  # type: list[Use]
        self.names = {}  # type: dict[str, Any]

    def note(self, node: "Any", name: str, verdict: "judge.Verdict") -> None:
        """Adds a use."""
        self.uses.append(Use(node.lineno, name, verdict))

    # Imports

    def visit_Import(self, node: ast.Import) -> None:
        """`import azureml.core`."""
        for alias in node.names:
            if alias.name.split(".")[0] != _ROOT:
                continue
            if judge.load(alias.name) is None:
                self.note(node, alias.name, judge.of_name(alias.name))
            self.names[alias.asname or _ROOT] = _Module(alias.name if alias.asname else _ROOT)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from azureml.core import Workspace`."""
        if node.level or not node.module or node.module.split(".")[0] != _ROOT:
            return
        for alias in node.names:
            qualified = "{}.{}".format(node.module, alias.name)
            value = _value(qualified)
            if value is None and alias.name != "*":
                self.note(node, qualified, judge.of_name(qualified))
            self.names[alias.asname or alias.name] = value

    # What gets a name

    def visit_Assign(self, node: ast.Assign) -> None:
        """`run = experiment.submit(config)`."""
        value = self.value(node.value)
        for target in node.targets:
            self.bind(target, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """The same with a type."""
        self.bind(node.target, self.value(node.value) if node.value is not None else None)

    def visit_With(self, node: ast.With) -> None:
        """`with experiment.start_logging() as run:`."""
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        for statement in node.body:
            self.visit(statement)

    def visit_For(self, node: ast.For) -> None:
        """`for run in experiment.get_runs():`."""
        self.bind(node.target, _one(self.value(node.iter)))
        for statement in node.body + node.orelse:
            self.visit(statement)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """The same in a comprehension."""
        self.bind(node.target, _one(self.value(node.iter)))
        for condition in node.ifs:
            self.value(condition)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        """`[run.id for run in runs]`."""
        for one in node.generators:
            self.visit(one)
        self.value(node.elt)

    def bind(self, target: "Any", value: "Any") -> None:
        """Gives a name a type, or takes the one that it had."""
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Attribute):
            self.value(target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            # Pairs come from the items of a dict: a name, and one of v1's things.
            for one in target.elts[:-1]:
                self.bind(one, None)
            if target.elts:
                self.bind(target.elts[-1], value)

    def generic_visit(self, node: ast.AST) -> None:
        """All else: expressions are looked at, statements walked through."""
        if isinstance(node, ast.expr):
            self.value(node)
        else:
            super().generic_visit(node)

    # What an expression is

    def value(self, node: "Any") -> "Any":
        """The type of an expression, as far as it is known; uses in it are noted."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Attribute):
            return self.attribute(node, self.value(node.value), None)
        if isinstance(node, ast.Subscript):
            owner = self.value(node.value)
            self.value(node.slice)
            return _Instance(owner.cls) if isinstance(owner, _Instance) and owner.many else None
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            self.visit_ListComp(node)  # type: ignore[arg-type]
            return None
        if isinstance(node, ast.Await):
            return self.value(node.value)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, (ast.comprehension, ast.keyword)):
                self.generic_visit(child)
        return None

    def call(self, node: ast.Call) -> "Any":
        """A call; gives what it gives."""
        for argument in node.args:
            self.value(argument)
        for keyword in node.keywords:
            self.value(keyword.value)
        given = [keyword.arg for keyword in node.keywords if keyword.arg]
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            if isinstance(owner, _Module):
                return self.called(node, self.attribute(node.func, owner, given), given)
            return self.attribute(node.func, owner, given)
        return self.called(node, self.value(node.func), given)

    def called(self, node: ast.Call, target: "Any", given: "list[str]") -> "Any":
        """A class or function that is called."""
        if isinstance(target, _Class):
            name = judge.full_name(target.cls)
            verdict = judge.of_class(target.cls)
            self.note(node, name, _with_parameters(verdict, target.cls, given))
            return _type(types.GIVES.get(name, name))
        if isinstance(target, _Function):
            self.note(node, target.name, _with_parameters(judge.of_function(target.thing), target.thing, given))
            return _type(types.GIVES.get(target.name))
        return None

    def attribute(self, node: ast.Attribute, owner: "Any", given: "Optional[list[str]]") -> "Any":
        """`owner.name`, called if parameters are `given`."""
        if isinstance(owner, _Module):
            return _value("{}.{}".format(owner.name, node.attr))
        if not isinstance(owner, (_Class, _Instance)) or (isinstance(owner, _Instance) and owner.many):
            if isinstance(owner, _Instance) and node.attr in ("get", "pop"):
                return _Instance(owner.cls)
            # The items of a dict of v1's things are as good as its values: `bind` knows which half of a pair is the thing.
            several = isinstance(owner, _Instance) and node.attr in ("values", "items")
            return _Instance(owner.cls, "[]") if several else None
        inner = getattr(owner.cls, node.attr, None)
        if isinstance(owner, _Class) and isinstance(inner, type):
            return _Class(inner)
        name = "{}.{}".format(judge.full_name(owner.cls), node.attr)
        verdict = judge.of_member(owner.cls, node.attr)
        noted = given is not None or verdict.status != judge.WORKS or name in types.GIVES
        if noted:
            self.note(node, name, _with_parameters(verdict, inner, given or []))
        return _type(_gives(owner.cls, node.attr))


def _gives(cls: type, attribute: str) -> "Optional[str]":
    for base in cls.__mro__:
        found = types.GIVES.get("{}.{}".format(judge.full_name(base), attribute))
        if found is not None:
            return found
    return None


def _with_parameters(verdict: "judge.Verdict", thing: "Any", given: "list[str]") -> "judge.Verdict":
    if verdict.status != judge.WORKS or thing is None:
        return verdict
    strange = judge.strange_parameters(thing, given)
    if not strange:
        return verdict
    return judge.Verdict(judge.UNKNOWN, "it has no parameter {}".format(", ".join(strange)))


def _type(text: "Optional[str]") -> "Any":
    if text is None:
        return None
    many = text[:2] if text[:2] in ("[]", "{}") else ""
    cls = judge.load(text[len(many) :])
    return _Instance(cls, many) if isinstance(cls, type) else None


def _one(value: "Any") -> "Any":
    """What a walk over a value gives: over a dict it gives names."""
    return _Instance(value.cls) if isinstance(value, _Instance) and value.many == "[]" else None


def _value(qualified: str) -> "Any":
    found = judge.load(qualified)
    if isinstance(found, type):
        return _Class(found)
    if found is None:
        return None
    if type(found).__name__ == "module":
        return _Module(qualified)
    return _Function(qualified, found) if callable(found) else _Function(qualified, None)


def find(parts: "list[tuple[str, str]]", path: str) -> "list[Use]":
    """The uses in all pieces of a file, in the order of their lines."""
    finder = Finder()
    found = []  # type: list[Use]
    for where, text in parts:
        tree = ast.parse(text, filename=path)
        finder.uses = []
        for statement in tree.body:
            finder.visit(statement)
        finder.uses.sort(key=lambda use: use.line)
        for use in finder.uses:
            use.where = where
        found.extend(finder.uses)
    return found
