"""YAML's own traps, caught with advice: text it cuts off, turns into a mapping, or stumbles over.

Everything here is a decision about text: no parser is called. What the parser said arrives as a
`Stumble`, and leaves as the finding that an author can act on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from swarm.spec.findings import Finding
from swarm.spec.source import Path, part_of

__all__ = [
    "Stumble",
    "Trap",
    "advice_on_alias",
    "advice_on_tag",
    "brackets_as_key",
    "explain",
    "trap_in_scalar",
]

TEXT_FIELDS = ("reply", "ask", "when", "until", "each")
QUOTE_IT = "put quotes round it"
SURROGATE = re.compile("[\ud800-\udfff]")


def trap_in_scalar(value: str, style: str, rest: str, path: Path) -> Finding | None:
    """Return what is wrong with a text as YAML read it, if anything.

    Args:
        style: "" for plain text.
        rest: what follows it in the file.
    """
    if "\0" in value or SURROGATE.search(value):
        message = "the text has a NUL or half of a surrogate pair in it"
        return Finding(code="SW009", message=message, path=path, hint="leave the escape out")
    if style == "" and value and _is_text_field(path) and re.match(r"[ \t]+#", rest):
        message = f"YAML cuts {str(path[-1])!r} off at ' #'"
        hint = f"{QUOTE_IT}, or move the comment to a line of its own"
        return Finding(code="SW006", message=message, path=path, hint=hint)
    return None


def _is_text_field(path: Path) -> bool:
    """Return whether `path` is a field of a node, in bodies too, that holds text or an expression."""
    return path[:1] == ("nodes",) and path[-1] in TEXT_FIELDS and 2 < len(path) == len(part_of(path)) + 1


def advice_on_tag(tag: str, path: Path) -> Finding:
    """Return the finding for a value with the tag `tag` (`!x`, or the long form of `!!x`)."""
    tag = tag.replace("tag:yaml.org,2002:", "!!")
    hint = f"leave it out, or {QUOTE_IT} if it is part of the text"
    if path and path[-1] in ("when", "until") and re.fullmatch(r"!\w.*", tag):
        hint = f"write `not {tag[1:]}`"
    return Finding(code="SW003", message=f"YAML tags are refused: {tag}", path=path, hint=hint)


def advice_on_alias(name: str, path: Path, *, alias: bool) -> Finding:
    """Return the finding for `*name` (`alias`) or `&name`."""
    sign = "*" if alias else "&"
    hint = f"write the value out, or {QUOTE_IT} if {sign!r} is part of the text"
    word = "aliases" if alias else "anchors"
    return Finding(code="SW004", message=f"YAML {word} are refused: {sign}{name}", path=path, hint=hint)


def brackets_as_key(path: Path) -> Finding:
    """Return the finding for `{{ ... }}` that was read as a mapping whose key is a mapping."""
    message = "YAML reads text that begins with a bracket as a mapping"
    return Finding(code="SW007", message=message, path=path, hint=f'{QUOTE_IT}: "{{{{ ... }}}}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Stumble:
    """Where the parser gave up: its words, and offsets into the text (`context` -1: none)."""

    problem: str
    at: int
    context: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """What the author should be told instead, and where."""

    code: str
    message: str
    at: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the text: where it starts, and what it says."""

    start: int
    text: str

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))

    @property
    def first(self) -> int:
        return self.start + self.indent


def explain(stumble: Stumble, text: str) -> Trap:
    """Return the advice for a place where the parser gave up.

    YAML notices most mistakes late; the advice points at the line where the mistake was made.
    """
    line = _line_at(text, min(stumble.at, len(text)))
    before = _line_before(text, line)
    for look in (_odd_character, _unclosed, _brackets_inside, _second_colon, _after_value, _indentation):
        trap = look(stumble, text, line, before)
        if trap is not None:
            return trap
    return Trap(code="SW001", message=f"this is not valid YAML: {stumble.problem}", at=stumble.at)


def _odd_character(stumble: Stumble, text: str, line: _Line, before: _Line) -> Trap | None:
    match = re.search(r"found character '(\\t|.)' that cannot start", stumble.problem)
    if match is None:
        if "escape" in stumble.problem:
            return Trap(
                code="SW001",
                message="unknown escape in double quotes",
                at=stumble.at,
                hint="use single quotes, or write the backslash twice",
            )
        if "expected a comment or a line break" in stumble.problem:
            message = "after `>` or `|` YAML wants the text on the next lines"
            return Trap(code="SW001", message=message, at=max(stumble.context, 0), hint=QUOTE_IT)
        return None
    if match[1] in ("\\t", "\t"):
        return Trap(
            code="SW001", message="a tab in the indentation", at=stumble.at, hint="YAML indents with spaces"
        )
    if match[1] == "%" and text[stumble.at - 1 : stumble.at] == "{":
        message = "YAML reads text that begins with `{` as a mapping"
        return Trap(code="SW007", message=message, at=stumble.at - 1, hint=QUOTE_IT)
    return Trap(code="SW001", message=f"text cannot begin with {match[1]!r}", at=stumble.at, hint=QUOTE_IT)


def _unclosed(stumble: Stumble, text: str, line: _Line, before: _Line) -> Trap | None:
    start = stumble.context
    if "unexpected end of stream" in stumble.problem or "document separator" in stumble.problem:
        if 0 <= start < len(text) and text[start] in "\"'":
            return Trap(code="SW001", message="this quote is never closed", at=start)
        return None
    if "expected ',' or" not in stumble.problem or start < 0:
        return None
    opening = _line_at(text, start)
    if opening.start == line.start:
        return None
    comment = re.search(r"\s#", opening.text)
    if comment is not None and comment.start() + opening.start > start:
        message = "YAML cuts this line off at ' #'"
        return Trap(code="SW006", message=message, at=opening.start + comment.start() + 1, hint=QUOTE_IT)
    return Trap(code="SW001", message=f"this {text[start]!r} is never closed", at=start)


def _brackets_inside(stumble: Stumble, text: str, line: _Line, before: _Line) -> Trap | None:
    if "expected ',' or" not in stumble.problem:
        return None
    message = "inside {...} and [...] YAML reads brackets, `,` and `: ` as its own"
    return Trap(code="SW007", message=message, at=stumble.at, hint=f"{QUOTE_IT}, or write one key a line")


def _second_colon(stumble: Stumble, text: str, line: _Line, before: _Line) -> Trap | None:
    if "sequence entries are not allowed" in stumble.problem:
        message = "YAML reads text that begins with '- ' as a list"
        return Trap(code="SW007", message=message, at=stumble.at, hint=f"{QUOTE_IT}, or begin a new line")
    if "mapping values are not allowed" not in stumble.problem:
        return None
    if re.match(r"\s*(- )?[^\s:#'\"]+:\s+\S", text[line.start : stumble.at]):
        message = "YAML reads text with ': ' in it as a mapping"
        return Trap(code="SW007", message=message, at=stumble.at, hint=QUOTE_IT)
    if re.fullmatch(r"\s*\w+:\S.*", before.text):
        return Trap(
            code="SW001", message="a space is missing after ':'", at=before.first, hint="write `key: value`"
        )
    if not re.match(r"\s*(- )?[^\s:]+:(\s|$)", before.text):
        message = "this line has no ':' after its key"
        return Trap(code="SW001", message=message, at=before.first, hint="write `key: value`")
    return Trap(
        code="SW001",
        message="this line is indented deeper than the one above, which already has a value",
        at=line.first,
        hint=f"begin it in column {before.indent + 1}",
    )


def _after_value(stumble: Stumble, text: str, line: _Line, before: _Line) -> Trap | None:
    if "expected <block end>" not in stumble.problem:
        return None
    lead = re.match(r"\s*(?:- )?[^\s:#]+:\s+(?=\S)", line.text)
    if lead is None or line.start + lead.end() >= stumble.at:
        return _cut_above(line, before) if "scalar" in stumble.problem else None
    start = line.start + lead.end()
    sign = text[start]
    if sign in "{[":
        word = "mapping" if sign == "{" else "list"
        message = f"YAML reads text that begins with {sign!r} as a {word}"
        return Trap(code="SW007", message=message, at=start, hint=QUOTE_IT)
    if sign == "*":
        message = f"YAML aliases are refused: {text[start : stumble.at].strip()}"
        hint = f"{QUOTE_IT} if '*' is part of the text"
        return Trap(code="SW004", message=message, at=start, hint=hint)
    if sign in "\"'":
        other = "'" if sign == '"' else '"'
        hint = f"put the whole in {other}...{other}"
        return Trap(
            code="SW001", message="there is more text after the closing quote", at=stumble.at, hint=hint
        )
    return None


def _cut_above(line: _Line, before: _Line) -> Trap | None:
    comment = re.search(r"\s#", before.text)
    if comment is None:
        return None
    message = "YAML cuts this text off at ' #'"
    return Trap(code="SW006", message=message, at=before.start + comment.start() + 1, hint=QUOTE_IT)


def _indentation(stumble: Stumble, text: str, line: _Line, before: _Line) -> Trap | None:
    if "expected <block end>" not in stumble.problem:
        return None
    message = "this line's indentation fits none of the lines above"
    return Trap(code="SW001", message=message, at=line.first, hint="align it with its siblings, with spaces")


def _line_at(text: str, at: int) -> _Line:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return _Line(start, text[start : len(text) if end < 0 else end].rstrip("\r"))


def _line_before(text: str, line: _Line) -> _Line:
    """Return the nearest line above that says something."""
    start = line.start
    while start > 0:
        above = _line_at(text, start - 1)
        if above.text.strip() and not above.text.lstrip().startswith("#"):
            return above
        start = above.start
    return _Line(0, "")
