"""The errors a user may catch, drawn first.

SwarmError                      anything this package raises on purpose
|-- SpecError                   the author's turn: a graph or expert file is wrong (all problems at once)
|-- InputError                  the caller's turn: the input of a run does not fit the graph
|   `-- AnsweredError           the question was answered before; `.answer` is the first answer
|-- BackendError                the model server's turn; `.retryable` says whether asking again can help
|   |-- BackendUnavailable      nothing answers there
|   |-- ModelMissing            the server does not have this model
|   `-- BackendTimeout          it took longer than its deadline
|-- ToolError                   a tool failed, or was called with wrong arguments
|-- NodeError                   a node failed for a reason of its own (an expression, a template, a value)
|-- LowConfidenceError          raised only by `result.require()`; carries the best answer
|-- LimitExceededError          a limit was reached; names it and how to raise it
|-- StoreError                  saved runs cannot be read or written
|   `-- GraphChangedError       the graph is not what the run went through; `.changes` says where
`-- InternalError               our bug
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AnsweredError",
    "BackendError",
    "BackendTimeout",
    "BackendUnavailable",
    "GraphChangedError",
    "InputError",
    "InternalError",
    "LimitExceededError",
    "LowConfidenceError",
    "ModelMissing",
    "NodeError",
    "Problem",
    "SpecError",
    "StoreError",
    "SwarmError",
    "ToolError",
    "describe",
]


MAX_SHOWN = 200  # columns of a line of source


class SwarmError(Exception):
    """Say what happened, where, and what to do next.

    Args:
        what: one sentence; values quoted with `!r`.
        where: a place the reader can open (`file:line:col`, a node, a URL).
        hint: the next thing to type or change.
        code: a stable word for programs (`timeout`, `no_output`, `SW031`).
    """

    code = "error"

    def __init__(self, what: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        if code:
            self.code = code
        super().__init__(what)

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.where, self.what) if part)
        return head + (f"\n  fix: {self.hint}" if self.hint else "")


class Problem:
    """One thing that is wrong, or doubtful, in a file or a graph composed in Python.

    Attributes:
        code: `SW0xx`, stable.
        message: one sentence.
        file, line, col: where (line and column from 1); "" and 0 when there is no file.
        source: the text of that line. `length`: how many columns the caret underlines.
        path: the place in the structure, such as `("nodes", "triage", "when")`.
        hint: "did you mean ...", or what to write instead.
        severity: `error` or `warning`.
    """

    __slots__ = ("code", "col", "file", "hint", "length", "line", "message", "path", "severity", "source")

    def __init__(
        self,
        code: str,
        message: str,
        *,
        file: str = "",
        line: int = 0,
        col: int = 0,
        source: str = "",
        length: int = 1,
        path: tuple[str | int, ...] = (),
        hint: str = "",
        severity: str = "error",
    ) -> None:
        self.code, self.message, self.file, self.line, self.col = code, message, file, line, col
        self.source, self.length, self.path, self.hint, self.severity = source, length, path, hint, severity

    @property
    def where(self) -> str:
        """Return `file:line:col`, or the path in the structure when there is no file."""
        if self.file:
            return f"{self.file}:{self.line}:{self.col}"
        return ".".join(str(part) for part in self.path)

    def render(self) -> str:
        """Return the problem as a reader wants it: place, line, caret, advice."""
        lines = [f"{self.severity}[{self.code}]: {self.message}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        if self.source:
            number = str(self.line)
            pad = " " * len(number)
            shown, col = _window(self.source, self.col)
            lead = "".join("\t" if c == "\t" else " " for c in shown[: col - 1])
            carets = "^" * max(1, min(self.length, len(shown) - col + 1))
            lines += [f"{pad} |", f"{number} | {shown}", f"{pad} | {lead}{carets}"]
        if self.hint:
            lines.append(f"  = help: {self.hint}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return plain data, for `--json`."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "col": self.col,
            "path": list(self.path),
            "hint": self.hint,
        }

    def __repr__(self) -> str:
        return f"Problem({self.code!r}, {self.message!r}, where={self.where!r})"


def _window(line: str, col: int) -> tuple[str, int]:
    """Return the part of a long line that is worth showing, and the column in it."""
    if len(line) <= MAX_SHOWN:
        return line, col
    start = max(0, col - 1 - MAX_SHOWN // 4)
    before = "..." if start else ""
    after = "..." if start + MAX_SHOWN < len(line) else ""
    return f"{before}{line[start : start + MAX_SHOWN]}{after}", col - start + len(before)


class SpecError(SwarmError):
    """A graph or an expert is wrong; `.problems` holds every problem found, in the order of the file."""

    code = "invalid_spec"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(problem.render() for problem in self.problems))


class InputError(SwarmError):
    """The input of a run does not fit what the graph declares; every misfit is named."""

    code = "invalid_input"


class AnsweredError(InputError):
    """A question was answered before; the first answer stands, and is in `.answer`."""

    code = "answered"

    def __init__(self, what: str, *, answer: Mapping[str, object], where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.answer = answer


class BackendError(SwarmError):
    """A model server did not give a usable answer.

    Attributes:
        retryable: asking the same question again may work.
        model: the model that was asked, as `backend/name`, or "".
    """

    code = "backend"
    retryable = False

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        code: str = "",
        retryable: bool | None = None,
        model: str = "",
    ) -> None:
        super().__init__(what, where=where, hint=hint, code=code)
        self.model = model
        if retryable is not None:
            self.retryable = retryable


class BackendUnavailable(BackendError):
    """Nothing answers at the server's address."""

    code = "backend_unavailable"
    retryable = True


class ModelMissing(BackendError):
    """The server answers but does not have the model."""

    code = "model_missing"


class BackendTimeout(BackendError):
    """The server took longer than the deadline."""

    code = "timeout"
    retryable = True


class ToolError(SwarmError):
    """A tool failed, or was given arguments that do not fit its schema (code `tool_arguments`)."""

    code = "error"


class NodeError(SwarmError):
    """A node failed: its expression, template or value did not work on this input."""

    code = "error"


class LowConfidenceError(SwarmError):
    """An answer was required to be confident and is not; `.result` carries the best answer there is."""

    code = "low_confidence"

    def __init__(self, what: str, *, result: object, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.result = result


class LimitExceededError(SwarmError):
    """A limit was reached."""

    code = "limit"


class StoreError(SwarmError):
    """Saved runs cannot be read or written."""

    code = "store"


class GraphChangedError(StoreError):
    """A run cannot go on: its graph is no longer what it went through.

    Attributes:
        changes: what is different, a sentence each; none when it is a run of another graph.
    """

    code = "graph_changed"

    def __init__(self, what: str, *, changes: Sequence[str] = (), where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.changes = tuple(changes)

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.where, self.what) if part)
        return "\n  ".join(
            [head, *(f"- {one}" for one in self.changes), *([f"fix: {self.hint}"] if self.hint else [])]
        )


class InternalError(SwarmError):
    """This is our bug: please report it."""

    code = "internal"


def describe(error: BaseException) -> str:
    """Return an error in one line; of somebody else's code its type, and what it says if it can."""
    if isinstance(error, SwarmError):
        return error.what
    try:
        text = str(error)
    except Exception:  # the error's own code fails: its type is all there is to say
        text = "(it cannot be shown as text)"
    return f"{type(error).__name__}: {text}"[:2000]
