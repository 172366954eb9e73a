"""Code that compiles and JSON that fits its schema."""

import pytest
from jsonschema import SchemaError

from swarm.confidence.validity import fits_schema, python_compiles

FENCE = "Here it is:\n```python\n{}\n```\nIt doubles.\n"


def test_python_that_compiles_is_valid() -> None:
    assert python_compiles("def double(x):\n    return 2 * x\n") == 1.0
    assert python_compiles(FENCE.format("def double(x):\n    return 2 * x")) == 1.0


@pytest.mark.parametrize(
    "code",
    [
        "def double(x) return 2 * x",
        "return 1",
        "x = \0",
        "(" * 5_000,
        "-" * 90_000 + "1",
        "f(" * 300 + ")" * 300,
    ],
    ids=["no colon", "parses but does not compile", "null byte", "brackets", "minus signs", "calls"],
)
def test_python_that_does_not_compile_is_not(code: str) -> None:
    assert python_compiles(code) == 0.0
    assert python_compiles(FENCE.format(code)) == 0.0


def test_code_that_a_compiler_would_warn_of_is_valid() -> None:
    assert python_compiles("print(x is 1, '\\d')") == 1.0


def test_code_is_never_run() -> None:
    assert python_compiles("raise SystemExit(9**9**9)") == 1.0


def test_every_python_block_counts_and_others_do_not() -> None:
    shell = "```sh\npip install $(it)\n```\n"
    assert python_compiles(shell + FENCE.format("x = 1")) == 1.0
    assert python_compiles(FENCE.format("x = 1") + FENCE.format("x = = 1")) == 0.0


@pytest.mark.parametrize("text", ["", "  \n", "```sh\nls\n```\n", "x = 1\n" * 40_000])
def test_where_there_is_nothing_to_look_at_nothing_is_measured(text: str) -> None:
    assert python_compiles(text) is None


def test_a_value_fits_its_schema_or_not() -> None:
    schema = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
    assert fits_schema({"city": "Bern"}, schema) == 1.0
    assert fits_schema({"city": 3}, schema) == 0.0


def test_a_wrong_schema_is_the_callers_mistake() -> None:
    with pytest.raises(SchemaError):
        fits_schema({}, {"type": "thing"})
