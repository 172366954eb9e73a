"""Python functions as tools: `@tool` on a function, and it can be a node or be given to an expert.

Arguments are checked against the schema of the function's hints before the call, and results
after it. The function itself stays what it was: it can be called and tested as before.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from swarm.errors import SwarmError, ToolError, describe
from swarm.messages import ToolSignature
from swarm.spec.schema_types import from_schema
from swarm.spec.types import Type
from swarm.tools.check import SchemaCheck
from swarm.tools.result import MAX_RESULT_BYTES, plain
from swarm.tools.schema import KEY_PARAMETER, blueprint
from swarm.tools.threads import in_thread

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

__all__ = ["FunctionTool", "tool"]

P = ParamSpec("P")
R = TypeVar("R")
Effect = Literal["pure", "idempotent", "unsafe"]

EFFECTS = ("pure", "idempotent", "unsafe")
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
SURROGATE = re.compile("[\ud800-\udfff]")


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *, effect: Effect = "unsafe", name: str | None = None
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None, /, *, effect: Effect = "unsafe", name: str | None = None
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a tool of a function: its hints give the schema, its docstring the description.

    A sync function runs in a thread of its own, so that it holds nothing up, unless it is `pure`
    (then it should be quick). A parameter `idempotency_key: str` is filled by the engine.

    Args:
        effect: `pure` (only computes or looks up), `idempotent` (calling twice is calling once),
            or `unsafe` (each call does something: never repeated, and a person is asked before a
            model may call it).
        name: what graphs call it; by default the function's name.

    Raises:
        TypeError: a parameter that cannot be filled by name.
        ValueError: an unknown effect, or a name that is not allowed.
    """
    if function is None:
        return lambda function: FunctionTool(function, effect=effect, name=name)
    return FunctionTool(function, effect=effect, name=name)


class FunctionTool(Generic[P, R]):
    """A function with a signature that models and graphs can read; made by `@tool`."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        effect: Effect = "unsafe",
        name: str | None = None,
        limit_bytes: int = MAX_RESULT_BYTES,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._calls: Callable[..., Any] = function  # the same, with arguments by name
        self.name: str = getattr(function, "__name__", "") if name is None else name
        self.effect: Effect = effect
        self._limit_bytes = limit_bytes
        self._sync = not inspect.iscoroutinefunction(function)
        self._compiled: _Compiled | None = None
        self._takes_key = KEY_PARAMETER in inspect.signature(function).parameters
        _refuse_what_cannot_work(function, self.name, effect)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, unchecked: a tool can be used and tested as what it is."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name!r}, {self.effect}>"

    @property
    def signature(self) -> ToolSignature:
        """Return the name, the schemas and the effect.

        Raises:
            ToolError: code `tool_signature`; the hints cannot be turned into a schema.
        """
        return (self._compiled or self._compile()).signature

    async def call(self, arguments: Mapping[str, Any], *, idempotency_key: str = "") -> Any:
        """Call the function with plain data by name; return plain data.

        Raises:
            ToolError: code `tool_arguments` when the arguments do not fit, `timeout` when the
                function raised a TimeoutError, `tool_result` when the result does not fit, else
                `error`; chained to what the function raised.
            LimitExceededError: the result is larger than 1 MB.
        """
        compiled = self._compiled or self._compile()
        values = dict(arguments)
        if not compiled.takes(values):
            values = compiled.values(values)
        if self._takes_key:
            values[KEY_PARAMETER] = idempotency_key
        try:
            result: Any = await (self._run(values) if self._sync else self._calls(**values))
        except SwarmError:
            raise
        except (Exception, SystemExit) as error:  # a tool's sys.exit() is its failure, not the end of ours
            raise ToolError(
                f"raised {describe(error)}",
                where=f"tool {self.name!r}",
                code="timeout" if isinstance(error, TimeoutError) else "",
            ) from error
        return compiled.result(result, self._limit_bytes)

    async def _run(self, values: dict[str, Any]) -> Any:
        """Call a sync function; what it returns may be awaitable all the same."""
        function = self._calls
        if self.effect == "pure":
            result: Any = function(**values)
        else:
            result = await in_thread(lambda: function(**values), name=f"tool {self.name}")
        return await cast("Awaitable[Any]", result) if isinstance(result, Awaitable) else result

    def _compile(self) -> _Compiled:
        self._compiled = _Compiled(self.function, self.name, self.effect, self._sync, self._takes_key)
        return self._compiled


class _Compiled:
    """A function's schemas, made once: checks and converts what goes in and what comes out."""

    def __init__(
        self, function: Callable[..., Any], name: str, effect: Effect, sync: bool, takes_key: bool
    ) -> None:
        plan = blueprint(function, name=name)
        self.signature = ToolSignature(
            name=name,
            description=plan.description,
            parameters=plan.parameters,
            returns=plan.returns,
            effect=effect,
            sync=sync,
            takes_key=takes_key,
        )
        self._where = f"tool {name!r}"
        self._parameters = SchemaCheck(plan.parameters)
        # Says at once of most arguments that nothing is to be done to them.
        self.takes = _never if plan.converted else self._parameters.fits
        self._returns = SchemaCheck(plan.returns) if plan.returns is not None else None
        shape = from_schema(plan.returns)
        self._shape = shape if _may_leave_out(shape) else None
        self._adapters = plan.adapters
        self._converted = plan.converted

    def values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as the function's hints want them; changed in place."""
        converted = self._converted
        if not self._parameters.fits(values):
            problems = self._parameters.problems(values)
            if problems:
                raise self._misfit(problems)
            converted = values.keys()  # such as 3.0 for an integer: it fits, and is not yet an int
        for name in converted & values.keys():
            values[name] = self._convert(name, values[name])
        return values

    def result(self, value: Any, limit_bytes: int) -> Any:
        """Return the result as plain data that fits the schema; a field that may be left out is null then."""
        try:
            data = plain(value, limit_bytes=limit_bytes, where=self._where)
        except SwarmError:
            raise
        except Exception as error:  # the code of a property or a serializer of the author's own
            text = f"its result cannot be read: {describe(error)}"
            raise ToolError(text, where=self._where, code="tool_result") from error
        returns = self._returns
        if returns is not None and not returns.fits(data) and (problems := returns.problems(data)):
            raise ToolError(
                f"its result does not fit its return type: {'; '.join(problems)}",
                where=self._where,
                hint="correct the function, or its return annotation",
                code="tool_result",
            )
        return data if self._shape is None else self._shape.filled(data)

    def _convert(self, name: str, value: Any) -> Any:
        from pydantic import ValidationError

        adapter = self._adapters[name]
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            if any(detail["type"] == "string_unicode" for detail in error.errors()):
                return self._convert_without_surrogates(adapter, name, value)
            raise self._misfit(_sentences(name, error)) from error

    def _convert_without_surrogates(self, adapter: TypeAdapter[Any], name: str, value: Any) -> Any:
        """Convert text that holds half of a surrogate pair, which pydantic cannot take as it is."""
        from pydantic import ValidationError

        try:
            return adapter.validate_python(_without_surrogates(value))
        except ValidationError as error:
            raise self._misfit(_sentences(name, error)) from error

    def _misfit(self, problems: tuple[str, ...]) -> ToolError:
        wanted = ", ".join(self.signature.parameters["properties"]) or "none"
        return ToolError(
            f"the arguments do not fit: {'; '.join(problems)}",
            where=self._where,
            hint=f"its parameters are: {wanted}",
            code="tool_arguments",
        )


def _sentences(name: str, error: ValidationError) -> tuple[str, ...]:
    details = error.errors(include_url=False, include_input=False)[:5]
    return tuple(f"{'.'.join(map(str, (name, *detail['loc'])))}: {detail['msg']}" for detail in details)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _without_surrogates(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _refuse_what_cannot_work(function: Callable[..., Any], name: str, effect: str) -> None:
    code = getattr(function, "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}: " if code else ""
    if effect not in EFFECTS:
        raise ValueError(f"{where}the effect of tool {name!r} is one of {', '.join(EFFECTS)}, not {effect!r}")
    if not NAME.match(name):
        raise ValueError(f"{where}{name!r} is no name for a tool: write @tool(name='lower_case_words')")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(
                f"{where}tool {name!r} is called with arguments by name, and {parameter} cannot be:"
                " give each argument a name of its own"
            )


def _never(_values: dict[str, Any]) -> bool:
    return False


def _may_leave_out(kind: Type) -> bool:
    """Return whether a value of this type may lack a field that the graph may refer to."""
    if kind.item is not None and _may_leave_out(kind.item):
        return True
    return any(not field.required or _may_leave_out(field) for field in kind.fields.values())
