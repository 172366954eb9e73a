"""Reading a `tools.py` as syntax: what a graph's check knows of its tools."""

from pathlib import Path

import pytest

from swarm.messages import ToolSignature
from swarm.spec._resolving.datafiles import DataError
from swarm.spec._resolving.toolfile import parse_tools, read_tools
from swarm.spec.schema_types import from_schema

HEAD = """
from __future__ import annotations
import dataclasses, enum, typing as t
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict
from pydantic import BaseModel, ConfigDict
import swarm
from swarm import tool, tool as handy
"""


def one(text: str) -> ToolSignature:
    (found,) = parse_tools(HEAD + text)
    return found


def returned(annotation: str, classes: str = "") -> str:
    schema = one(f"{classes}\n@tool\ndef f() -> {annotation}: ...\n").returns
    return "unknown" if schema is None else str(from_schema(schema))


@pytest.mark.parametrize(
    "decorator", ["@tool", "@tool()", "@swarm.tool", "@swarm.tool(effect='unsafe')", "@handy"]
)
def test_a_function_is_a_tool_however_it_is_decorated(decorator: str) -> None:
    signature = one(f'{decorator}\ndef look(x: int):\n    """Look it up.\n\n    At length."""\n')
    assert (signature.name, signature.effect, signature.sync) == ("look", "unsafe", True)
    assert signature.description == "Look it up."


def test_other_functions_are_no_tools() -> None:
    text = "@dataclass\nclass A:\n    @tool\n    def inner(self): ...\n@cache\ndef f(): ...\ndef g(): ...\n"
    assert parse_tools(HEAD + text) == ()


def test_effect_name_and_async_are_read() -> None:
    signature = one("@tool(effect='idempotent', name='pay_out')\nasync def pay(cents: int): ...\n")
    assert (signature.name, signature.effect, signature.sync) == ("pay_out", "idempotent", False)


def test_parameters_with_a_default_are_not_required() -> None:
    signature = one("@tool\ndef f(a: str, b: int = 3, *, c: bool, d: str | None = None, e=unknown()): ...\n")
    assert signature.parameters == {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer", "default": 3},
            "c": {"type": "boolean"},
            "d": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "e": {},
        },
        "required": ["a", "c"],
        "additionalProperties": False,
    }


def test_the_idempotency_key_is_left_out_of_the_schema() -> None:
    signature = one("@tool(effect='idempotent')\ndef f(a: str, idempotency_key: str): ...\n")
    assert signature.takes_key
    assert list(signature.parameters["properties"]) == ["a"]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", "string"),
        ("int | None", "integer?"),
        ("Optional[float]", "number?"),
        ("t.Optional[bool]", "boolean?"),
        ("list[str]", "[string]"),
        ("tuple[int, ...]", "[integer]"),
        ("dict", "object"),
        ("dict[str, int]", "object"),
        ("Literal['a', 'b']", "string"),
        ("Annotated[str, 'words']", "string"),
        ("'int | None'", "integer?"),
        ("Any", "unknown"),
        ("pandas.DataFrame", "unknown"),
        ("str | Unknown", "unknown"),
    ],
)
def test_annotations_become_types(annotation: str, expected: str) -> None:
    assert returned(annotation) == expected


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (
            "@dataclass(frozen=True)\nclass A:\n    x: int\n    y: str | None = None\n",
            "{x: integer, y: string?}",
        ),
        ("@dataclasses.dataclass\nclass A:\n    x: list[int]\n", "{x: [integer]}"),
        ("class A(BaseModel):\n    x: int = 3\n    limit: t.ClassVar[int] = 9\n", "{x: integer}"),
        ("class A(TypedDict):\n    x: int\n", "{x: integer}"),
        ("class B(TypedDict):\n    y: str\nclass A(B):\n    x: B\n", "{y: string, x: {y: string}}"),
        ("class A(enum.Enum):\n    ONE = 'one'\n    TWO = 'two'\n", "string"),
        ("A = Literal['x'] | None\n", "string?"),
        ("class A:\n    x: int\n", "unknown"),
    ],
)
def test_classes_of_the_same_file_become_objects(classes: str, expected: str) -> None:
    assert returned("A", classes) == expected


def test_fields_of_a_partial_table_may_be_missing() -> None:
    schema = one(
        "class A(TypedDict):\n    x: int\n    y: NotRequired[int]\n@tool\ndef f() -> A: ...\n"
    ).returns
    assert schema is not None
    assert schema["required"] == ["x"]


def test_an_argument_s_fields_with_a_default_may_be_left_out() -> None:
    signature = one("@dataclass\nclass A:\n    x: int\n    y: int = 2\n@tool\ndef f(a: A): ...\n")
    assert signature.parameters["properties"]["a"]["required"] == ["x"]


def test_a_class_that_holds_itself_ends() -> None:
    signature = one("@dataclass\nclass A:\n    inner: 'A | None'\n@tool\ndef f() -> A: ...\n")
    assert signature.returns is not None


def test_a_model_that_takes_more_is_open() -> None:
    text = "class A(BaseModel):\n    model_config = ConfigDict(extra='allow')\n    x: int\n@tool\ndef f() -> A: ...\n"
    assert from_schema(one(text).returns).open


def test_nothing_of_the_file_runs(tmp_path: Path) -> None:
    path = tmp_path / "tools.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n1 / 0\n", encoding="utf-8")
    assert read_tools(path, "tools.py") == ()
    assert not (tmp_path / "ran").exists()


def test_a_syntax_error_has_its_line() -> None:
    with pytest.raises(DataError, match=r"^tools.py:2: not valid Python: ") as caught:
        parse_tools("x = 1\ndef f(:\n")
    assert caught.value.code == "SW012"


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match=r"tools.py:4: a second tool is called 'f'"):
        parse_tools("@tool\ndef f(): ...\n@tool\ndef f(): ...\n")


@pytest.mark.parametrize("text", ["x = " + "(" * 5000, "\x00", "x = " + "-" * 200_000 + "1"])
def test_hostile_syntax_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="not valid Python"):
        parse_tools(text)


def test_an_odd_escape_is_no_news() -> None:
    assert parse_tools("pattern = '\\d'") == ()


def test_a_class_named_like_its_imported_base_is_read() -> None:
    text = "from shop import Order\nclass Order(Order):\n    note: str\n@tool\ndef f() -> Order: ...\n"
    assert one(text).returns is None
