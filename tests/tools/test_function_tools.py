"""Functions as tools: what a model is told of them, what is checked, and how they fail."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from swarm.errors import LimitExceededError, ToolError
from swarm.tools.check import SchemaCheck
from swarm.tools.function import FunctionTool, tool


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Turn(TypedDict):
    role: str
    content: str
    at: NotRequired[int]


class Address(BaseModel):
    street: str
    number: int = Field(ge=1)


@dataclass(frozen=True, kw_only=True)
class Item:
    name: str
    when: date | None = None


@dataclass(frozen=True, kw_only=True)
class Basket:
    items: list[Item] = field(default_factory=list[Item])


class Opaque:
    """Nothing that JSON knows."""


@tool(effect="pure")
def greet(name: str, times: int = 1, shout: bool | None = None) -> str:
    """Greet somebody.

    Says hello as often
    as it is told to.

    Args:
        name: whom to greet,
            in full.
        times (int): how often.

    Returns:
        The greeting.
    """
    return ("HELLO " if shout else "hello ") * times + name


async def refusal(tool: FunctionTool[..., Any], arguments: Mapping[str, Any]) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await tool.call(arguments)
    return caught.value


# --- what is known of a tool


def test_a_tool_describes_itself_by_its_hints_and_its_docstring() -> None:
    signature = greet.signature
    assert (signature.name, signature.effect, signature.sync) == ("greet", "pure", True)
    assert signature.description == "Greet somebody.\nSays hello as often as it is told to."
    assert signature.parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "whom to greet, in full."},
            "times": {"type": "integer", "description": "how often.", "default": 1},
            "shout": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    assert signature.returns == {"type": "string"}


def test_a_bare_decorator_makes_an_unsafe_tool_and_the_function_stays_a_function() -> None:
    @tool
    def pay(amount: float) -> dict[str, float]:
        """Pay."""
        return {"paid": amount}

    assert pay.signature.effect == "unsafe"
    assert pay(2.5) == {"paid": 2.5}
    assert (pay.name, pay.__doc__) == ("pay", "Pay.")


def test_a_tool_may_have_another_name_than_its_function() -> None:
    @tool(name="find_order")
    async def lookup(order_id: str) -> None: ...

    assert (lookup.signature.name, lookup.signature.sync) == ("find_order", False)


def test_nothing_is_known_of_the_result_of_a_function_without_a_return_annotation() -> None:
    loose = tool(name="loose")(eval("lambda x: x"))
    assert loose.signature.returns is None
    assert loose.signature.parameters["properties"] == {"x": {}}


def test_a_parameter_called_title_keeps_its_name_while_generated_titles_go() -> None:
    @tool
    def write(title: str, address: Address) -> None: ...

    text = json.dumps(write.signature.parameters)
    assert list(write.signature.parameters["properties"]) == ["title", "address"]
    assert '"title": "' not in text


def test_limits_and_descriptions_of_an_annotation_reach_the_schema_and_are_kept() -> None:
    @tool(effect="pure")
    def pick(n: Annotated[int, Field(ge=1, le=3, description="which")]) -> int:
        return n

    assert pick.signature.parameters["properties"]["n"] == {
        "type": "integer", "minimum": 1, "maximum": 3, "description": "which",
    }  # fmt: skip
    with pytest.raises(ToolError, match="n: 4 is greater than the maximum of 3"):
        asyncio.run(pick.call({"n": 4}))


def many(*names: str) -> None: ...
def named(**names: str) -> None: ...
def placed(name: str, /) -> None: ...
def Shout(name: str) -> None: ...


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: tool(effect=cast("Any", "harmless"))(named), ValueError, "one of pure, idempotent, unsafe"),
        (lambda: tool(Shout), ValueError, "'Shout' is no name for a tool"),
        (lambda: tool(many), TypeError, r"\*names: str cannot be"),
        (lambda: tool(named), TypeError, r"\*\*names: str cannot be"),
        (lambda: tool(placed), TypeError, "name: str cannot be"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_where_it_is_written(
    make: Callable[[], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        make()
    assert "test_function_tools.py:" in str(caught.value)


def test_an_annotation_that_nothing_can_describe_names_the_parameter() -> None:
    @tool
    def send(to: Opaque) -> None: ...

    with pytest.raises(ToolError, match=r"tool 'send': the type of its parameter 'to' cannot be described"):
        send.signature


def test_an_annotation_that_cannot_be_resolved_says_so() -> None:
    send = tool(name="send")(eval("lambda to: to"))
    send.function.__annotations__["to"] = "Nowhere"
    with pytest.raises(ToolError, match=r"its annotations cannot be read: name 'Nowhere' is not defined"):
        send.signature


def test_typed_dicts_are_described_wherever_they_stand() -> None:
    @tool
    def talk(
        turns: list[Turn], last: Turn | None, marked: Annotated[Turn, "note"], by: dict[str, Turn | int]
    ) -> Turn:
        return turns[0]

    shape = talk.signature.parameters["$defs"]["Turn"]
    assert shape["required"] == ["role", "content"]
    assert list(shape["properties"]) == ["role", "content", "at"]
    assert talk.signature.returns is not None
    assert talk.signature.returns["required"] == ["role", "content"]


# --- arguments


async def test_arguments_that_fit_reach_the_function() -> None:
    assert await greet.call({"name": "Ann", "times": 2}) == "hello hello Ann"
    assert await greet.call({"name": "Ann", "shout": True}) == "HELLO Ann"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "'name' is a required property"),
        ({"name": 7}, "name: 7 is not of type 'string'"),
        ({"name": None}, "name: None is not of type 'string'"),
        ({"name": "x", "times": "2"}, "times: '2' is not of type 'integer'"),
        ({"name": "x", "times": True}, "times: True is not of type 'integer'"),
        ({"name": "x", "times": 1.5}, "times: 1.5 is not of type 'integer'"),
        ({"name": "x", "shout": "yes"}, "shout: 'yes' is not of type 'boolean' or 'null'"),
        ({"name": "x", "tmies": 2}, "'tmies' was unexpected"),
    ],
)
async def test_arguments_that_do_not_fit_are_named_and_the_function_is_not_called(
    arguments: Mapping[str, Any], says: str
) -> None:
    error = await refusal(greet, arguments)
    assert error.code == "tool_arguments"
    assert says in error.what
    assert error.hint == "its parameters are: name, times, shout"


async def test_all_misfits_are_named_at_once_and_a_huge_value_is_not_quoted_whole() -> None:
    error = await refusal(greet, {"name": ["x" * 1_000_000], "times": "2"})
    assert "name: " in error.what
    assert "times: " in error.what
    assert len(error.what) < 1000


async def test_plain_data_becomes_what_the_annotation_says() -> None:
    seen: list[object] = []

    @tool(effect="pure")
    def take(
        day: date, colour: Colour, item: Item, address: Address, pair: tuple[int, str], item_list: list[Item]
    ) -> None:
        seen.extend([day, colour, item, address, pair, item_list])

    await take.call(
        {
            "day": "2026-03-05",
            "colour": "blue",
            "item": {"name": "lamp", "when": "2026-01-02"},
            "address": {"street": "Elm", "number": 3},
            "pair": [1, "a"],
            "item_list": [{"name": "pen"}],
        }
    )
    lamp = Item(name="lamp", when=date(2026, 1, 2))
    elm = Address(street="Elm", number=3)
    assert seen == [date(2026, 3, 5), Colour.BLUE, lamp, elm, (1, "a"), [Item(name="pen")]]


async def test_a_value_that_fits_its_schema_but_cannot_be_converted_is_a_wrong_argument() -> None:
    @tool(effect="pure")
    def on(day: date) -> None: ...

    error = await refusal(on, {"day": "the day after tomorrow"})
    assert (error.code, "day: " in error.what) == ("tool_arguments", True)


async def test_a_whole_number_written_as_a_float_reaches_an_int_as_an_int() -> None:
    @tool(effect="pure")
    def kind(n: int) -> str:
        return type(n).__name__

    assert await kind.call({"n": 3.0}) == "int"


async def test_lone_surrogates_and_nul_are_tolerated_in_text() -> None:
    @tool(effect="pure")
    def echo(
        text: str, turns: list[Turn], item: Item, short: Annotated[str, Field(max_length=9)]
    ) -> list[str]:
        return [text, turns[0]["content"], item.name, short]

    hostile = "a\ud800\x00b"
    turns = [{"role": "user", "content": hostile}]
    answer = await echo.call({"text": hostile, "turns": turns, "item": {"name": hostile}, "short": hostile})
    assert answer == [hostile, hostile, hostile, "a\ufffd\x00b"]


async def test_the_idempotency_key_is_given_by_the_engine_and_hidden_from_the_model() -> None:
    @tool(effect="idempotent")
    async def book(seat: str, idempotency_key: str) -> str:
        return f"{seat} {idempotency_key}"

    assert book.signature.takes_key
    assert list(book.signature.parameters["properties"]) == ["seat"]
    assert await book.call({"seat": "4a"}, idempotency_key="run-1") == "4a run-1"
    assert (await refusal(book, {"seat": "4a", "idempotency_key": "mine"})).code == "tool_arguments"


async def test_the_callers_arguments_are_left_as_they_are() -> None:
    @tool(effect="idempotent")
    def book(day: date, idempotency_key: str) -> None: ...

    arguments = {"day": "2026-03-05"}
    await book.call(arguments, idempotency_key="k")
    assert arguments == {"day": "2026-03-05"}


# --- results


@tool(effect="pure")
def give(what: str) -> Any:
    """Return one of the things that tests ask for."""
    return {
        "basket": Basket(items=[Item(name="lamp", when=date(2026, 1, 2))]),
        "model": Address(street="Elm", number=3),
        "enum": {Colour.RED: Colour.BLUE, 7: "seven"},
        "tuple": (1, ("a", None)),
        "set": {"b", "a", "c"},
        "text": [Decimal("1.50"), UUID(int=5), Path("a/b"), timedelta(seconds=3)],
        "opaque": {"items": [1, 2, {"when": Opaque()}]},
        "nan": {"share": [0.5, float("nan")]},
        "bytes": b"abc",
        "key": {(1, 2): 3},
        "keys": {1: "a", "1": "b"},
        "large": ["x" * 600_000, "y" * 600_000],
        "deep": _nested(200),
        "cycle": _cycle(),
        "generator": (n for n in range(3)),
        "class": Item,
    }[what]


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def _cycle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("basket", {"items": [{"name": "lamp", "when": "2026-01-02"}]}),
        ("model", {"street": "Elm", "number": 3}),
        ("enum", {"red": "blue", "7": "seven"}),
        ("tuple", [1, ["a", None]]),
        ("set", ["a", "b", "c"]),
        ("text", ["1.50", "00000000-0000-0000-0000-000000000005", "a/b", "PT3S"]),
    ],
)
async def test_a_result_becomes_plain_data(what: str, data: object) -> None:
    assert await give.call({"what": what}) == data


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("opaque", "result.items[2].when: Opaque is not plain data"),
        ("nan", "result.share[1]: nan is not plain data"),
        ("bytes", "result: bytes is not plain data"),
        ("key", "result: the key (1, 2) is not text"),
        ("keys", "result: two keys are '1' as text"),
        ("deep", "nests more than 64 deep"),
        ("cycle", "nests more than 64 deep"),
        ("generator", "result: generator is not plain data"),
        ("class", "result: type is not plain data"),
    ],
)
async def test_a_result_that_is_no_plain_data_is_named_by_its_path(what: str, says: str) -> None:
    error = await refusal(give, {"what": what})
    assert error.where == "tool 'give'"
    assert says in error.what


async def test_a_result_over_a_megabyte_is_a_limit_that_says_what_to_do() -> None:
    with pytest.raises(LimitExceededError, match=r"larger than 1,000,000 bytes\n  fix: return less"):
        await give.call({"what": "large"})


async def test_a_result_is_a_copy_so_that_the_tool_shares_nothing_with_the_run() -> None:
    held: list[int] = [1]

    @tool(effect="pure")
    def share() -> list[int]:
        return held

    first = await share.call({})
    held.append(2)
    assert first == [1]


async def test_a_result_that_does_not_fit_its_annotation_is_an_error() -> None:
    @tool(effect="pure")
    def count() -> int:
        return cast("int", "three")

    error = await refusal(count, {})
    assert (error.code, error.what) == (
        "tool_result", "its result does not fit its return type: 'three' is not of type 'integer'",
    )  # fmt: skip


async def test_none_is_a_result_where_the_annotation_allows_it() -> None:
    @tool(effect="pure")
    def find(name: str) -> Item | None:
        return Item(name=name) if name else None

    assert await find.call({"name": ""}) is None
    assert await find.call({"name": "a"}) == {"name": "a", "when": None}


# --- running


async def test_a_tool_that_raises_is_a_tool_error_chained_to_what_it_raised() -> None:
    @tool
    def fail() -> None:
        raise KeyError("missing")

    error = await refusal(fail, {})
    assert str(error) == "tool 'fail': raised KeyError: 'missing'"
    assert isinstance(error.__cause__, KeyError)


@pytest.mark.parametrize("effect", ["pure", "unsafe"])
@pytest.mark.parametrize("raised", [StopIteration("end"), SystemExit(3), RecursionError("deep")])
async def test_no_exception_of_a_tool_ends_the_program_or_hangs_it(
    effect: Literal["pure", "unsafe"], raised: BaseException
) -> None:
    @tool(effect=effect)
    def fail() -> None:
        raise raised

    async with asyncio.timeout(5):
        assert (await refusal(fail, {})).code == "error"


async def test_a_timeout_that_a_tool_raises_itself_is_known_as_one() -> None:
    @tool
    async def slow() -> None:
        raise TimeoutError("the shop does not answer")

    assert (await refusal(slow, {})).code == "timeout"


async def test_an_error_that_already_says_what_to_do_is_passed_on_as_it_is() -> None:
    @tool
    def fail() -> None:
        raise ToolError("no such shop", hint="set SHOP")

    assert (await refusal(fail, {})).hint == "set SHOP"


async def test_cancelling_a_call_cancels_the_function() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    task = asyncio.create_task(wait.call({}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


async def test_a_blocking_tool_does_not_hold_the_loop_up_and_can_be_given_up() -> None:
    release = threading.Event()

    @tool
    def block() -> None:
        release.wait(5)

    tasks = [asyncio.create_task(block.call({})) for _ in range(50)]
    assert await greet.call({"name": "Ann"}) == "hello Ann"  # the loop still turns
    for task in tasks:
        task.cancel()
    assert all(
        isinstance(end, asyncio.CancelledError)
        for end in await asyncio.gather(*tasks, return_exceptions=True)
    )
    release.set()


async def test_a_tool_in_a_thread_sees_the_context_of_its_caller() -> None:
    user: ContextVar[str] = ContextVar("user")

    @tool
    def whoami() -> str:
        return user.get()

    user.set("ann")
    assert await whoami.call({}) == "ann"


def test_a_tool_that_hangs_does_not_keep_the_program_from_ending() -> None:
    hang = threading.Event()

    @tool
    def block() -> None:
        hang.wait()

    async def main() -> None:
        task = asyncio.create_task(block.call({}))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(main())  # with the loop's own threads this would wait for `hang`
    hang.set()


async def test_a_sync_function_that_hands_back_a_coroutine_is_awaited() -> None:
    async def inner() -> int:
        return 3

    @tool(effect="pure")
    def outer() -> Any:
        return inner()

    assert await outer.call({}) == 3


# --- the quick check and jsonschema agree

SCHEMAS: list[dict[str, Any]] = [
    dict(greet.signature.parameters),
    {"type": "array", "items": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]}},
    {
        "$defs": {"I": {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}},
        "anyOf": [{"$ref": "#/$defs/I"}, {"type": "null"}],
    },
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "integer", "minimum": 2},
    {"$defs": {"T": {"type": "array", "items": {"$ref": "#/$defs/T"}}}, "$ref": "#/$defs/T"},
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["a", "b", "zz"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "times", "shout", "n", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def jsonschema_accepts(schema: dict[str, Any], value: Any) -> bool:
    validator = cast("Any", Draft202012Validator(schema))
    return bool(validator.is_valid(value))


@settings(max_examples=300, deadline=None)
@given(value=VALUES, which=st.integers(0, len(SCHEMAS) - 1))
def test_the_quick_check_accepts_only_what_jsonschema_accepts(value: Any, which: int) -> None:
    check = SchemaCheck(SCHEMAS[which])
    valid = jsonschema_accepts(SCHEMAS[which], value)
    assert valid or not check.fits(value)
    assert valid == (check.problems(value) == ())


def test_simple_tools_are_checked_without_importing_jsonschema() -> None:
    code = (
        "import asyncio, sys\n"
        "from swarm.tools.function import tool\n"
        "assert 'pydantic' not in sys.modules\n"
        "f = tool(effect='pure', name='f')(eval('lambda x: x'))\n"
        "asyncio.run(f.call({'x': 1}))\n"
        "assert 'jsonschema' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert ended.returncode == 0
