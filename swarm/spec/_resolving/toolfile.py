"""Read a `tools.py` as syntax: which functions are tools, and what they take and give.

The file is never imported, so checking a graph runs none of its author's code. What the syntax
does not say (a type from another module, a computed default) is unknown, and fits everything.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from swarm.messages import ToolSignature
from swarm.spec._resolving.datafiles import DataError
from swarm.spec.load import read_text_file

__all__ = ["parse_tools", "read_tools"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 12
KEY_PARAMETER = "idempotency_key"
EFFECTS = ("pure", "idempotent", "unsafe")
Schema = dict[str, Any]
Function = ast.FunctionDef | ast.AsyncFunctionDef

WORDS: Mapping[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "dict": {"type": "object"},
    "Mapping": {"type": "object"},
    "list": {"type": "array"},
    "Sequence": {"type": "array"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "UUID": {"type": "string", "format": "uuid"},
    "Path": {"type": "string"},
}
ARRAYS = ("list", "List", "Sequence", "Iterable", "set", "frozenset", "tuple", "Tuple")
OBJECTS = ("dict", "Dict", "Mapping")
WRAPPERS = ("Annotated", "Required", "NotRequired", "Final", "ReadOnly")


def read_tools(path: Path, shown: str) -> tuple[ToolSignature, ...]:
    """Return the signatures of the tools that the file `path` defines.

    Raises:
        DataError: it cannot be read, or is not valid Python (with its line).
    """
    text, trouble = read_text_file(path, MAX_BYTES)
    if trouble is not None:
        raise DataError(trouble.code, trouble.message, trouble.hint)
    return parse_tools(text, shown)


def parse_tools(text: str, shown: str = "tools.py") -> tuple[ToolSignature, ...]:
    """Return the signatures of the tools in a Python text, in the order written.

    Raises:
        DataError: it is not valid Python, or two tools have the same name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in the author's file is not our news
            module = ast.parse(text)
    except SyntaxError as error:
        raise DataError("SW012", f"{shown}:{error.lineno}: not valid Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise DataError("SW012", f"{shown}: not valid Python: {error}") from error
    reader = _Annotations(module)
    found: dict[str, ToolSignature] = {}
    for function in _functions(module.body):
        decorator = _tool_decorator(function, _aliases(module))
        if decorator is not None:
            signature = _signature(function, decorator, reader)
            if signature.name in found:
                message = f"{shown}:{function.lineno}: a second tool is called {signature.name!r}"
                raise DataError("SW012", message, "write @tool(name=...)")
            found[signature.name] = signature
    return tuple(found.values())


def _functions(body: Sequence[ast.stmt]) -> Iterator[Function]:
    for statement in body:
        if isinstance(statement, Function):
            yield statement
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _functions(statement.body)


def _aliases(module: ast.Module) -> frozenset[str]:
    """Return the names that `tool` goes by in the file."""
    names = {"tool"}
    for statement in module.body:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] == "swarm":
            names |= {alias.asname or alias.name for alias in statement.names if alias.name == "tool"}
    return frozenset(names)


def _tool_decorator(function: Function, names: frozenset[str]) -> ast.expr | None:
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(target, ast.Name) and target.id in names:
            return decorator
        if isinstance(target, ast.Attribute) and target.attr == "tool":
            return decorator
    return None


def _signature(function: Function, decorator: ast.expr, reader: _Annotations) -> ToolSignature:
    options = {
        keyword.arg: _constant(keyword.value)
        for keyword in (decorator.keywords if isinstance(decorator, ast.Call) else ())
    }
    effect, name = options.get("effect", "unsafe"), options.get("name")
    properties: dict[str, Schema] = {}
    required: list[str] = []
    takes_key = False
    for argument, default in _arguments(function.args):
        if argument.arg == KEY_PARAMETER:
            takes_key = True
            continue
        properties[argument.arg] = dict(reader.schema(argument.annotation) or {})
        if default is None:
            required.append(argument.arg)
        elif isinstance(default, ast.Constant):
            properties[argument.arg]["default"] = _constant(default)
    return ToolSignature(
        name=name if isinstance(name, str) else function.name,
        description=(ast.get_docstring(function) or "").split("\n\n")[0].replace("\n", " "),
        parameters={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
        returns=reader.schema(function.returns, given=True),
        effect=effect if effect in EFFECTS else "unsafe",
        sync=isinstance(function, ast.FunctionDef),
        takes_key=takes_key,
    )


def _arguments(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield every parameter that has a name, with its default."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    yield from zip(plain, defaults, strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _constant(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _name(node: ast.expr | None) -> str:
    """Return the last word of a dotted name, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


class _Annotations:
    """Turns annotations into JSON Schema, with the classes and aliases of one module."""

    def __init__(self, module: ast.Module) -> None:
        self.classes: dict[str, ast.ClassDef] = {}
        self.aliases: dict[str, ast.expr] = {}
        for statement in module.body:
            match statement:
                case ast.ClassDef(name=name):
                    self.classes[name] = statement
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.BinOp() as value):
                    self.aliases[name] = value
                case _:
                    pass

    def schema(self, node: ast.expr | None, *, given: bool = False, depth: int = 0) -> Schema | None:
        """Return the schema of an annotation; None where nothing is known.

        Args:
            given: it describes a result, so that fields with a default are there as well.
        """
        if node is None or depth > MAX_DEPTH:
            return None
        if isinstance(node, ast.Constant):
            return self._constant(node, given, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union([node.left, node.right], given, depth)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, given, depth)
        name = _name(node)
        if name in self.classes:
            return self._class(self.classes[name], given, depth)
        if name in self.aliases:
            return self.schema(self.aliases[name], given=given, depth=depth + 1)
        return WORDS.get(name)

    def _constant(self, node: ast.Constant, given: bool, depth: int) -> Schema | None:
        if node.value is None:
            return WORDS["None"]
        if not isinstance(node.value, str):
            return None
        try:
            return self.schema(ast.parse(node.value, mode="eval").body, given=given, depth=depth + 1)
        except (SyntaxError, ValueError, RecursionError):
            return None

    def _subscript(self, node: ast.Subscript, given: bool, depth: int) -> Schema | None:
        name = _name(node.value)
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name in ("Optional", "Union"):
            return self._union(
                [*items, *([ast.Constant(value=None)] if name == "Optional" else [])], given, depth
            )
        if name == "Literal":
            values = [_constant(item) for item in items]
            return None if any(value is None for value in values) else {"enum": values, **_type_of(values)}
        if name in ARRAYS:
            return {"type": "array", "items": self.schema(items[0], given=given, depth=depth + 1) or {}}
        if name in OBJECTS:
            return {"type": "object"}
        return self.schema(items[0], given=given, depth=depth + 1) if name in WRAPPERS else None

    def _union(self, nodes: Sequence[ast.expr], given: bool, depth: int) -> Schema | None:
        options: list[Schema] = []
        for node in nodes:
            schema = self.schema(node, given=given, depth=depth + 1)
            if schema is None:
                return None
            options += schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
        return {"anyOf": options}

    def _class(self, node: ast.ClassDef, given: bool, depth: int) -> Schema | None:
        if "Enum" in "".join(map(_name, node.bases)):
            values = [_constant(s.value) for s in node.body if isinstance(s, ast.Assign)]
            return {"enum": values, **_type_of(values)} if values and None not in values else None
        if not self._is_record(node):
            return None
        fields, required = self._fields(node, given, depth)
        is_open = 'extra="allow"' in ast.unparse(node).replace("'", '"') or self._has_foreign_base(node)
        return {
            "type": "object",
            "properties": fields,
            "required": required,
            "additionalProperties": is_open,
        }

    def _is_record(self, node: ast.ClassDef, depth: int = 0) -> bool:
        decorators = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
        if any(_name(decorator) == "dataclass" for decorator in decorators):
            return True
        names = [_name(base) for base in node.bases]
        if any(name in ("TypedDict", "BaseModel", "NamedTuple") for name in names):
            return True
        # `class Order(Order)` is Python: the base is one that was imported
        known = [self.classes[name] for name in names if name in self.classes and depth < MAX_DEPTH]
        return any(self._is_record(base, depth + 1) for base in known)

    def _has_foreign_base(self, node: ast.ClassDef) -> bool:
        known = ("TypedDict", "BaseModel", "NamedTuple", "Generic", "Protocol")
        return any(_name(base) not in known and _name(base) not in self.classes for base in node.bases)

    def _fields(self, node: ast.ClassDef, given: bool, depth: int) -> tuple[dict[str, Schema], list[str]]:
        fields: dict[str, Schema] = {}
        required: list[str] = []
        for base in node.bases:
            if _name(base) in self.classes and depth < MAX_DEPTH:
                inherited, needed = self._fields(self.classes[_name(base)], given, depth + 1)
                fields, required = fields | inherited, required + needed
        partial = any(k.arg == "total" and _constant(k.value) is False for k in node.keywords)
        for statement in node.body:
            if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                continue
            wrapper = (
                _name(statement.annotation.value) if isinstance(statement.annotation, ast.Subscript) else ""
            )
            if wrapper == "ClassVar":
                continue
            name = statement.target.id
            fields[name] = self.schema(statement.annotation, given=given, depth=depth + 1) or {}
            optional = wrapper == "NotRequired" or (partial and wrapper != "Required")
            if not optional and (given or statement.value is None) and name not in required:
                required.append(name)
        return fields, required


def _type_of(values: Sequence[Any]) -> Schema:
    """Return the `type` that all the values have, if one."""
    for kind, word in ((str, "string"), (bool, "boolean"), (int, "integer")):
        if all(isinstance(value, kind) for value in values):
            return {"type": word}
    return {}
