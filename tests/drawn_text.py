"""A reading of the source: what text reaches the places that are drawn as Markdown, HTML or Plotly's tags.

A text is known when it is a literal, a number, what `plain` (or `html.escape`) gives, or made of such: by
f-strings, joins, choices, local names, constants, and functions of the project, which are read too. A
parameter is known when every caller hands over what is known: a function that draws its parameter is a
drawing function itself. Everything else, as an attribute of a record, is not known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_NUMERIC_NAMES = {"int", "float", "bool", "None", "datetime", "date", "timedelta"}
_NUMERIC_SPECS = set("bcdeEfFgGnoxX%,")
_NUMBERS_OF = {"len", "round", "sum", "abs", "int", "float", "ord", "bool", "divmod"}
_SAME_AS_PARTS = {
    "list",
    "tuple",
    "sorted",
    "reversed",
    "filter",
    "dict",
    "set",
    "zip",
    "next",
    "iter",
    "max",
    "min",
    "str",
    "repr",
}
_SAME_AS_TEXT = {
    "strip", "lstrip", "rstrip", "lower", "upper", "capitalize", "removesuffix", "removeprefix", "split",
    "items", "values", "copy", "__getitem__", "title",
}  # fmt: skip
_MADE_OF_ARGUMENTS = {"join", "replace", "format", "get", "pop", "setdefault", "fromkeys"}
_ADDS_TO_A_NAME = {"append", "extend", "add", "insert", "update"}


class NotKnownError(Exception):
    """Some part of a text whose origin is not known."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function of the project."""

    function: Function = field(repr=False)
    module: Module = field(repr=False)
    name: str


@dataclass(frozen=True, eq=False)
class Module:
    """One source file."""

    name: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def inside(self) -> dict[ast.AST, ast.AST]:
        """Give what each part stands in."""
        return {part: whole for whole in ast.walk(self.tree) for part in ast.iter_child_nodes(whole)}

    @cached_property
    def imports(self) -> dict[str, tuple[str, str | None]]:
        """Give what imported names mean: a module, or a name in one. Imports inside functions count too."""
        found: dict[str, tuple[str, str | None]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.asname or alias.name: (alias.name, None) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
        return found

    def functions_around(self, node: ast.AST) -> Iterator[Function]:
        """Give the functions that a part stands in, from the innermost."""
        while (whole := self.inside.get(node)) is not None:
            if isinstance(whole, Function) and not _is_in_head(whole, node):
                yield whole
            node = whole


def _is_in_head(function: Function, part: ast.AST) -> bool:
    """Tell whether a part is evaluated outside: a decorator, a default."""
    return not isinstance(function, ast.Lambda) and part in (*function.decorator_list, function.args)


class Sources:
    """All sources, by the name of their module."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.modules = {name: Module(name, ast.parse(source)) for name, source in sources.items()}

    @classmethod
    def of(cls, root: Path, folders: Sequence[str]) -> Sources:
        """Read all Python files of some folders of a project."""
        files = [
            file
            for folder in folders
            for file in ([root / folder] if folder.endswith(".py") else sorted((root / folder).rglob("*.py")))
        ]
        return cls(
            {
                ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(
                    ".__init__"
                ): file.read_text(encoding="utf-8")
                for file in files
            }
        )

    def calls(self, folders: Sequence[str]) -> Iterator[tuple[Module, ast.Call]]:
        """Give all calls in the modules of some folders."""
        for module in self.modules.values():
            if module.name.startswith(tuple(folders)):
                for node in ast.walk(module.tree):
                    if isinstance(node, ast.Call):
                        yield module, node

    def resolved(self, module: Module, expression: ast.expr) -> tuple[Module, str] | None:
        """Give module and name of a thing of the project that a name or an attribute of a module means."""
        if isinstance(expression, ast.Name):
            if expression.id in module.imports:
                origin, name = module.imports[expression.id]
                return (self.modules[origin], name) if name and origin in self.modules else None
            return module, expression.id
        if isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name):
            origin, name = module.imports.get(expression.value.id, ("", None))
            whole = f"{origin}.{name}" if name else origin
            return (self.modules[whole], expression.attr) if whole in self.modules else None
        return None

    def function(self, module: Module, expression: ast.expr) -> tuple[Module, Function] | None:
        """Give the function that an expression calls, where it is one of the project."""
        if isinstance(expression, ast.Name) and expression.id not in module.imports:
            for around in (*module.functions_around(expression), module.tree):
                if (inner := _functions_in(around).get(expression.id)) is not None:
                    return module, inner
            return None
        if (found := self.resolved(module, expression)) is None:
            return None
        origin, name = found
        if name in origin.imports:
            return self.function(origin, ast.Name(name))
        function = _functions_in(origin.tree).get(name)
        return None if function is None else (origin, function)

    def function_meant(self, module: Module, value: ast.expr) -> Function | None:
        """Give the function that is handed on as a value."""
        if isinstance(value, ast.Lambda):
            return value
        found = self.function(module, value)
        return None if found is None else found[1]

    def functions_as_values(self, folders: Sequence[str]) -> set[Function]:
        """Give the functions that are mentioned without being called: who calls them is not seen."""
        found = set()
        for module in self.modules.values():
            if module.name.startswith(tuple(folders)):
                for node in ast.walk(module.tree):
                    whole = module.inside.get(node)
                    is_called = isinstance(whole, ast.Call) and whole.func is node
                    is_shown = isinstance(whole, ast.keyword) and whole.arg == "format_func"
                    if isinstance(node, ast.Name | ast.Attribute) and not is_called and not is_shown:
                        found.add(self.function_meant(module, node))
        return {function for function in found if function is not None}

    def constant(self, module: Module, name: str) -> list[ast.expr]:
        """Give what is assigned to a name of a module."""
        return list(_assigned(module.tree, name))


class Reading:
    """Tells what parameters a text depends on; raises NotKnownError where it depends on what is not known."""

    def __init__(self, sources: Sources, *, escapes: frozenset[str]) -> None:
        self.sources = sources
        self.escapes = escapes
        self._seen: set[object] = set()

    def needs(self, module: Module, text: ast.expr, *, each: bool = False) -> set[Parameter]:
        """Give the parameters that a text is made of, or `each` that a loop takes from it.

        Raises NotKnownError.
        """
        match text:
            case ast.Constant() | ast.Compare() | ast.UnaryOp():
                return set()
            case ast.JoinedStr():
                return self._all(module, text.values)
            case ast.FormattedValue():
                return set() if _is_numeric_spec(text.format_spec) else self.needs(module, text.value)
            case ast.BinOp(op=ast.Add() | ast.Mult() | ast.BitOr()):
                sides = [text.left, text.right]
                if any(isinstance(side, ast.Constant) and isinstance(side.value, int) for side in sides):
                    return set()
                return self._all(module, sides, each=each)
            case ast.BinOp(op=ast.Mod()):
                raise NotKnownError(ast.unparse(text))
            case ast.BinOp():
                return set()
            case ast.IfExp():
                return self._all(module, [text.body, text.orelse], each=each)
            case ast.BoolOp():
                return self._all(module, text.values, each=each)
            case ast.List() | ast.Tuple() | ast.Set():
                return self._all(module, text.elts)
            case ast.Dict():
                spread = [value for key, value in zip(text.keys, text.values, strict=True) if key is None]
                keys = [key for key in text.keys if key is not None]
                return self._all(module, [*keys, *spread] if each else text.values, each=each)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return self.needs(module, text.elt)
            case ast.DictComp():
                return self.needs(module, text.key if each else text.value)
            case ast.Starred():
                return self.needs(module, text.value, each=True)
            case ast.Subscript() | ast.NamedExpr():
                return self.needs(module, text.value)
            case ast.Lambda():
                return self.needs(module, text.body)
            case ast.Name():
                return self._of_name(module, text, each=each)
            case ast.Call():
                return self._of_call(module, text)
            case ast.Attribute():
                found = self.sources.resolved(module, text)
                if found is not None and (values := self.sources.constant(*found)):
                    return self._all(found[0], values, each=each)
                if text.attr == "__getitem__":
                    return self.needs(module, text.value)
        raise NotKnownError(ast.unparse(text))

    def returned(self, module: Module, function: Function) -> set[Parameter]:
        """Give the parameters that what a function returns is made of. Raises NotKnownError."""
        if function in self._seen:
            return set()
        self._seen.add(function)
        try:
            if isinstance(function, ast.Lambda):
                return self.needs(module, function.body)
            given = [
                node
                for node in _own_nodes(function)
                if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom)
            ]
            return self._all(module, [node.value for node in given if node.value is not None])
        finally:
            self._seen.discard(function)

    def _all(self, module: Module, texts: Sequence[ast.expr], *, each: bool = False) -> set[Parameter]:
        return {need for text in texts for need in self.needs(module, text, each=each)}

    def _of_name(self, module: Module, name: ast.Name, *, each: bool) -> set[Parameter]:
        if name.id in self.escapes:
            return set()
        if comprehended := [*_comprehended(module, name)]:
            return self._of_assigned(module, name, comprehended, each=each)
        for function in module.functions_around(name):
            if (argument := _argument(function, name.id)) is not None:
                if _is_numeric(self.sources, module, argument.annotation):
                    return set()
                return {Parameter(function, module, name.id)}
            if values := [*_assigned(function, name.id)]:
                return self._of_assigned(module, (function, name.id), values, each=each)
        if (called := self.sources.function(module, name)) is not None:
            return self.returned(*called)
        if (found := self.sources.resolved(module, name)) is not None:
            origin, known = found
            if known in origin.imports:
                return self._of_name(origin, ast.Name(known), each=each)
            if values := self.sources.constant(origin, known):
                return self._of_assigned(origin, (origin.name, known), values, each=each)
        raise NotKnownError(name.id)

    def _of_assigned(
        self, module: Module, place: object, values: Sequence[ast.expr], *, each: bool
    ) -> set[Parameter]:
        if place in self._seen:
            return set()
        self._seen.add(place)
        try:
            return self._all(module, values, each=each)
        finally:
            self._seen.discard(place)

    def _of_call(self, module: Module, call: ast.Call) -> set[Parameter]:
        if ast.unparse(call.func) in self.escapes:
            return set()
        handed = [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(call.func, ast.Name):
            if call.func.id in _NUMBERS_OF:
                return set()
            if call.func.id in _SAME_AS_PARTS:
                parts = [one for one in handed if not isinstance(one, ast.Lambda)]
                return self._all(module, parts, each=call.func.id not in ("dict", "str", "repr"))
            if call.func.id == "enumerate":
                return self.needs(module, call.args[0])
        if (found := self.sources.function(module, call.func)) is not None:
            return self._handed(module, call, *found)
        if isinstance(call.func, ast.Attribute):
            if call.func.attr == "strftime":
                return set()
            if call.func.attr == "keys":
                return self.needs(module, call.func.value, each=True)
            if call.func.attr in _SAME_AS_TEXT:
                return self.needs(module, call.func.value)
            if call.func.attr in _MADE_OF_ARGUMENTS:
                texts = handed[1:] if call.func.attr in ("get", "pop", "setdefault") else handed
                return self._all(
                    module, [call.func.value, *texts] if call.func.attr != "fromkeys" else handed
                )
        raise NotKnownError(ast.unparse(call))

    def _handed(self, module: Module, call: ast.Call, origin: Module, function: Function) -> set[Parameter]:
        """Give what a call's result is made of: what the function returns, with what is handed to it."""
        found: set[Parameter] = set()
        for need in self.returned(origin, function):
            if need.function is function:
                found |= self._all(module, handed_over(call, need))
            else:
                found.add(need)
        return found


def handed_over(call: ast.Call, parameter: Parameter) -> list[ast.expr]:
    """Give what a call hands to a parameter. Raises NotKnownError where that is part of a list or dict."""
    arguments = parameter.function.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if arguments.vararg is not None and arguments.vararg.arg == parameter.name:
        return list(call.args[len(positional) :])
    found = [one.value for one in call.keywords if one.arg == parameter.name]
    if parameter.name in positional and positional.index(parameter.name) < len(call.args):
        found.append(call.args[positional.index(parameter.name)])
    is_from_list = parameter.name in positional and any(isinstance(one, ast.Starred) for one in call.args)
    if not found and (is_from_list or any(one.arg is None for one in call.keywords)):
        raise NotKnownError(ast.unparse(call))
    return found


def _argument(function: Function, name: str) -> ast.arg | None:
    arguments = function.args
    extra = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]
    return next((one for one in every if one.arg == name), None)


@cache
def _own_nodes(whole: ast.AST) -> tuple[ast.AST, ...]:
    """Give what stands in a function or module, without what stands in its inner functions."""
    found: list[ast.AST] = []
    for part in ast.iter_child_nodes(whole):
        found.append(part)
        if not isinstance(part, Function | ast.ClassDef):
            found += _own_nodes(part)
    return tuple(found)


@cache
def _functions_in(scope: ast.AST) -> dict[str, ast.FunctionDef]:
    """Give the functions that are defined in a function or module itself, by name."""
    return {node.name: node for node in _own_nodes(scope) if isinstance(node, ast.FunctionDef)}


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """Give all that a name of a function or module is made of there."""
    for node in _own_nodes(scope):
        match node:
            case ast.Assign():
                for target in node.targets:
                    yield from _parts_for(target, node.value, name)
            case ast.AnnAssign(value=ast.expr()) | ast.AugAssign() | ast.NamedExpr():
                assert node.value is not None
                yield from _parts_for(node.target, node.value, name)
            case ast.For():
                yield from _parts_for(node.target, node.iter, name, is_loop=True)
            case ast.withitem(optional_vars=ast.expr() as target):
                yield from _parts_for(target, node.context_expr, name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr=method)):
                if found == name and method in _ADDS_TO_A_NAME:
                    yield from node.args


def _comprehended(module: Module, name: ast.Name) -> Iterator[ast.expr]:
    """Give what a name runs through in the comprehensions that it stands in."""
    node: ast.AST = name
    while (whole := module.inside.get(node)) is not None:
        for loop in getattr(whole, "generators", ()):
            yield from _parts_for(loop.target, loop.iter, name.id, is_loop=True)
        node = whole


def _parts_for(target: ast.expr, value: ast.expr, name: str, *, is_loop: bool = False) -> Iterator[ast.expr]:
    """Give the part of a value that a name gets, as near as the source tells it."""
    if isinstance(target, ast.Name):
        if target.id == name:
            yield _run_through(value) if is_loop else value
    elif isinstance(target, ast.Subscript):
        yield from _parts_for(target.value, value, name)
    elif isinstance(target, ast.Starred):
        yield from _parts_for(target.value, value, name, is_loop=is_loop)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = _elements(value, len(target.elts), is_loop=is_loop)
        for number, inner in enumerate(target.elts):
            for part in parts[number]:
                yield from _parts_for(inner, part, name)


def _run_through(value: ast.expr) -> ast.expr:
    """Give what a loop over a value takes, as if it were asked for by `iter`: of a dictionary its keys."""
    return ast.Call(ast.Name("iter"), [value], [])


def _elements(value: ast.expr, n: int, *, is_loop: bool) -> list[list[ast.expr]]:
    """Take a value apart that is unpacked into `n` names; where it cannot be, each may be any of it."""
    if is_loop and isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        if value.func.id == "enumerate":
            return [[ast.Constant(0)], [_run_through(value.args[0])]]
        if value.func.id == "zip" and len(value.args) == n:
            return [[_run_through(one)] for one in value.args]
    if (
        is_loop
        and isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "items"
    ):
        items = value.func.value
        return [[_run_through(items)], [items]]
    if is_loop and isinstance(value, ast.Tuple | ast.List | ast.Set):
        rows = [row.elts for row in value.elts if isinstance(row, ast.Tuple) and len(row.elts) == n]
        if len(rows) == len(value.elts):
            return [[row[number] for row in rows] for number in range(n)]
    if not is_loop and isinstance(value, ast.Tuple) and len(value.elts) == n:
        return [[part] for part in value.elts]
    return [[value]] * n


def _is_numeric_spec(spec: ast.expr | None) -> bool:
    """Tell whether a format is one that Python refuses for a text."""
    if not isinstance(spec, ast.JoinedStr) or not spec.values:
        return False
    last = spec.values[-1]
    if not isinstance(last, ast.Constant) or not isinstance(last.value, str):
        return False
    return last.value[-1] in _NUMERIC_SPECS or "," in last.value or "%" in last.value


def _is_numeric(sources: Sources, module: Module, annotation: ast.expr | None) -> bool:
    """Tell whether a type holds numbers and moments only, or texts of a closed list."""
    match annotation:
        case None:
            return False
        case ast.Constant(value=None):
            return True
        case ast.Constant(value=str() as written):
            return _is_numeric(sources, module, ast.parse(written, mode="eval").body)
        case ast.BinOp(op=ast.BitOr()):
            return _is_numeric(sources, module, annotation.left) and _is_numeric(
                sources, module, annotation.right
            )
        case ast.Subscript(value=ast.Name(id=("Literal" | "Sequence" | "tuple" | "list") as kind)):
            return kind == "Literal" or _is_numeric(sources, module, annotation.slice)
        case ast.Name():
            if annotation.id in _NUMERIC_NAMES:
                return True
            found = sources.resolved(module, annotation)
            values = [] if found is None else sources.constant(*found)
            return (
                bool(values) and all(_is_numeric(sources, found[0], value) for value in values)
                if found
                else False
            )
    return False
