"""Whether an answer is what it should be at all: JSON that fits its schema, Python that compiles.

Both are signals of 0 or 1. Neither shows that an answer is right; both show some that cannot be.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from typing import Any

__all__ = ["fits_schema", "python_compiles"]

MAX_CODE = 200_000  # characters; longer code is not looked at
FENCED = re.compile(r"^```[ \t]*(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
PYTHON = ("", "py", "python", "python3")


def fits_schema(value: Any, schema: Mapping[str, Any]) -> float:
    """Return 1.0 where a value satisfies a JSON Schema, else 0.0.

    Raises:
        jsonschema.SchemaError: the schema itself is wrong.
    """
    from jsonschema.validators import validator_for

    validator: Any = validator_for(schema)
    validator.check_schema(schema)
    return float(validator(schema).is_valid(value))


def python_compiles(text: str) -> float | None:
    """Return 1.0 where all Python of an answer parses and compiles, else 0.0; it is never run.

    Args:
        text: code, or an answer with code in fences (```python); fences of other languages are passed over.

    Returns:
        None where there is nothing to look at: no Python, or more than 200,000 characters.
    """
    blocks = FENCED.findall(text)
    code = [body for language, body in blocks if language.lower() in PYTHON] if blocks else [text]
    if not "".join(code).strip() or len(text) > MAX_CODE:
        return None
    return float(all(map(_compiles, code)))


def _compiles(code: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # `x is 1` warns; what code may warn of is no concern of a syntax check
        try:
            compile(ast.parse(code), "<answer>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False  # not Python, a null byte, nested beyond what the parser or the compiler takes
    return True
