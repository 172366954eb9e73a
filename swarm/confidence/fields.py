"""Read plain data by the letter: a key that is missing, unknown or of the wrong kind is an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, cast

from swarm.errors import InputError

__all__ = ["Fields"]

T = TypeVar("T")
_MISSING: Any = object()
HINT = (
    "make the file anew: swarm calibrate --outcomes FILE --target-error 0.05 --policy-out FILE; or delete it"
)


class Fields:
    """One object of a JSON file; each key is asked for once, then `end` refuses what is left.

    Every method raises InputError, naming the key, when the value is not of its kind.
    """

    def __init__(self, data: Mapping[str, Any], path: str, where: str) -> None:
        self._data, self._path, self._where = dict(data), path, where

    @classmethod
    def of(cls, data: object, *, where: str = "", path: str = "") -> Fields:
        """Return the fields of an object; `path` is its place in the file."""
        if not isinstance(data, Mapping):
            raise InputError(
                f"`{path}` is no object {{...}}" if path else "this is no policy: not an object {...}",
                where=where, hint=HINT, code="invalid_policy",
            )  # fmt: skip
        return cls(cast("Mapping[str, Any]", data), path, where)

    def end(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._data:
            self._refuse(str(key), "is not a key that belongs here")

    def any(self, key: str) -> Any:
        """Return whatever is there, None where nothing is."""
        return self._data.pop(key, None)

    def within(self, key: str, read: Callable[[Any], T], value: object) -> T:
        """Return what `read` makes of the value, with the key's place in its error."""
        try:
            return read(value)
        except InputError as error:
            raise InputError(
                f"`{self._name(key)}`: {error.what}", where=self._where, hint=error.hint or HINT,
                code="invalid_policy",
            ) from error  # fmt: skip

    def version(self, key: str, known: int) -> None:
        """Refuse another version of the format."""
        value = self._data.pop(key, None)
        if value != known or isinstance(value, bool):
            self._refuse(key, f"is {value!r}; this version reads {known}")

    def text(self, key: str, default: str = _MISSING) -> str:
        """Return a text."""
        value = self._take(key, default)
        return value if isinstance(value, str) else self._refuse(key, f"is {value!r}: no text")

    def choice(self, key: str, words: Sequence[str]) -> str:
        """Return one of these words; the first where the key is missing."""
        value = self.text(key, words[0])
        return value if value in words else self._refuse(key, f"is {value!r}: {' or '.join(words)}")

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, default)
        return value if isinstance(value, bool) else self._refuse(key, f"is {value!r}: true or false")

    def count(self, key: str, default: int) -> int:
        """Return a whole number, 0 or more."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self._refuse(key, f"is {value!r}: a whole number, 0 or more")
        return value

    def number_or_none(self, key: str) -> float | None:
        """Return a finite number, or None."""
        return self._number(key, self._take(key, None))

    def share(self, key: str) -> float:
        """Return a number in [0, 1]."""
        value = self._share(key, self._take(key, _MISSING))
        return self._refuse(key, "is null: a number from 0 to 1") if value is None else value

    def share_or_none(self, key: str) -> float | None:
        """Return a number in [0, 1], or None."""
        return self._share(key, self._take(key, None))

    def shares(self, key: str) -> dict[str, float | None]:
        """Return named numbers in [0, 1], each or None."""
        table = Fields.of(self._take(key, {}), where=self._where, path=self._name(key))
        return {name: table.share_or_none(name) for name in list(table._data)}

    def texts(self, key: str) -> dict[str, str]:
        """Return named texts."""
        table = Fields.of(self._take(key, {}), where=self._where, path=self._name(key))
        return {name: table.text(name) for name in list(table._data)}

    def rising_shares(self, key: str) -> tuple[float, ...]:
        """Return a list of numbers in [0, 1], none lower than the one before; empty where there is none."""
        values = self._take(key, [])
        if not isinstance(values, list):
            self._refuse(key, "is no list of numbers")
        found = [self._share(f"{key}[{at}]", value) for at, value in enumerate(cast("list[object]", values))]
        shares = tuple(value for value in found if value is not None)
        if len(shares) < len(found) or list(shares) != sorted(shares):
            self._refuse(key, "is no list of rising numbers")
        return shares

    def each(self, key: str, read: Callable[[object], T]) -> dict[str, T]:
        """Return what `read` makes of each value of an object, empty where there is none."""
        table = Fields.of(self._take(key, {}), where=self._where, path=self._name(key))
        return {name: table.within(name, read, value) for name, value in table._data.items()}

    def table(self, key: str) -> Fields:
        """Return the object of this name, empty where there is none."""
        return Fields.of(self._take(key, {}), where=self._where, path=self._name(key))

    def tables(self, key: str) -> list[Fields]:
        """Return a list of at least one object."""
        rows = self._take(key, _MISSING)
        if not isinstance(rows, list) or not rows:
            self._refuse(key, "is no list with at least one object")
        numbered = enumerate(cast("list[object]", rows))
        return [Fields.of(row, where=self._where, path=f"{self._name(key)}[{i}]") for i, row in numbered]

    def _share(self, key: str, value: object) -> float | None:
        number = self._number(key, value)
        if number is not None and not 0 <= number <= 1:
            self._refuse(key, f"is {value!r}: a number from 0 to 1")
        return number

    def _number(self, key: str, value: object) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            self._refuse(key, f"is {value!r}: a number, or null")
        try:
            return float(value)
        except OverflowError:
            self._refuse(key, "is too large for a number")

    def _take(self, key: str, default: object) -> Any:
        value = self._data.pop(key, default)
        return self._refuse(key, "is missing") if value is _MISSING else value

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _refuse(self, key: str, why: str) -> NoReturn:
        raise InputError(f"`{self._name(key)}` {why}", where=self._where, hint=HINT, code="invalid_policy")
