"""Templates of replies and prompts: jinja2, cut down to what cannot surprise.

Text, `{{ name.field }}`, `if` and `for` over references, comparisons and ten filters. No calls,
arithmetic, assignments, includes, no attributes of Python objects, at most 1 MB of output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from swarm.errors import NodeError
from swarm.spec.filling import FILTERS, LOOP_FIELDS, MAX_OUTPUT, environment, guard, too_long, working

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["FILTERS", "Template", "TemplateError", "TemplateRef", "parse_template"]

MAX_SOURCE = 200_000
MAX_LOOPS = 3  # nested


class TemplateError(ValueError):
    """A template is written wrongly; `.pos` and `.length` are offsets in its text, from 0."""

    def __init__(
        self, message: str, *, pos: int = 0, length: int = 1, hint: str = "", code: str = "SW050"
    ) -> None:
        super().__init__(message)
        self.pos, self.length, self.hint, self.code = pos, length, hint, code


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRef:
    """`name.field.field` in a template; `pos` and `end` are offsets in its text."""

    name: str
    fields: tuple[str, ...] = ()
    pos: int = 0
    end: int = 0


class Template:
    """A parsed template: what it refers to, and how to render it."""

    __slots__ = ("_compiled", "refs", "source")

    def __init__(self, source: str, refs: tuple[TemplateRef, ...], compiled: Any) -> None:
        self.source, self.refs, self._compiled = source, refs, compiled

    def render(self, scope: Mapping[str, Any]) -> str:
        """Return the text for these values; null renders as nothing, data as JSON.

        Raises:
            NodeError: a name or field is not there, or a value is of a kind that cannot be used so.
            LimitExceededError: more than 1 MB would come out, or it takes too much work.
        """
        from jinja2 import TemplateError as JinjaError

        if self._compiled is None:
            return self.source
        pieces: list[str] = []
        size = 0
        try:
            with working():
                for piece in self._compiled.generate(scope):
                    size += len(piece)
                    if size > MAX_OUTPUT:
                        raise too_long()
                    pieces.append(piece)
        except (JinjaError, TypeError) as error:  # a number has no length, null is not more than 3
            hint = "test the value first: {% if order %}...{% endif %}"
            raise NodeError(f"the template could not be filled: {error}", hint=hint) from error
        return "".join(pieces)


@lru_cache(maxsize=512)
def parse_template(source: str) -> Template:
    """Return the template written as `source`.

    Raises:
        TemplateError: with the offset where it goes wrong.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"a template has at most {MAX_SOURCE:,} characters")
    if "{{" not in source and "{%" not in source and "{#" not in source:
        return Template(source, (), None)
    from jinja2 import TemplateSyntaxError

    env = environment()
    try:
        tree = env.parse(source)
        refs = tuple(_Walk(source).references(tree))
        compiled = env.from_string(guard(tree))
    except TemplateSyntaxError as error:
        pos, length = _line_span(source, error.lineno)
        raise TemplateError(f"the template is wrong: {error.message}", pos=pos, length=length) from error
    except (RecursionError, SyntaxError, MemoryError) as error:  # Python's own limits on nesting
        hint = "use fewer brackets and blocks inside each other"
        raise TemplateError("the template nests too deep", hint=hint) from error
    return Template(source, refs, compiled)


def _line_span(source: str, lineno: int) -> tuple[int, int]:
    lines = source.split("\n")
    row = min(max(lineno, 1), len(lines)) - 1
    start = sum(len(line) + 1 for line in lines[:row])
    found = re.search(r"\{[{%].*?[%}]\}|\{[{%].*", lines[row])
    if found:
        return start + found.start(), max(1, len(found[0]))
    return start, max(1, len(lines[row]))


class _Walk:
    """Goes through a parsed template: refuses what is not allowed, yields the references.

    A loop's variable stands for the path it iterates over, so `{% for t in notes.text %}{{ t.x }}`
    refers to `notes.text` and `notes.text.x`.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.used: dict[str, int] = {}

    def references(self, tree: nodes.Node) -> Iterator[TemplateRef]:
        yield from self.visit(tree, {}, 0)

    def visit(
        self, node: nodes.Node, bound: Mapping[str, tuple[str, ...]], loops: int
    ) -> Iterator[TemplateRef]:
        from jinja2 import nodes as n

        if isinstance(node, n.For):
            yield from self.loop(node, bound, loops)
            return
        if isinstance(node, n.Name | n.Getattr | n.Getitem):
            ref = self.reference(node, bound, loops)
            if ref is not None:
                yield ref
            return
        if isinstance(node, n.Filter) and node.name not in FILTERS:
            raise self.refuse(
                node, f"unknown filter {node.name!r}", f"one of {', '.join(FILTERS)}", node.name
            )
        if isinstance(node, n.Test) and node.name not in ("defined", "none"):
            raise self.refuse(node, f"unknown test {node.name!r}", "write a comparison", node.name)
        allowed = (
            n.Template,
            n.Output,
            n.TemplateData,
            n.Const,
            n.If,
            n.Filter,
            n.Test,
            n.Compare,
            n.Operand,
            n.And,
            n.Or,
            n.Not,
            n.CondExpr,
            n.List,
            n.Tuple,
        )
        if not isinstance(node, allowed):
            raise self.refuse(
                node, f"a template may not {_DEEDS.get(type(node).__name__, 'do this')}", _ADVICE
            )
        for child in node.iter_child_nodes():
            yield from self.visit(child, bound, loops)

    def loop(
        self, node: nodes.For, bound: Mapping[str, tuple[str, ...]], loops: int
    ) -> Iterator[TemplateRef]:
        from jinja2 import nodes as n

        if loops >= MAX_LOOPS:
            raise self.refuse(node, f"loops nest at most {MAX_LOOPS} deep", "")
        if not isinstance(node.iter, n.Name | n.Getattr) or node.recursive:
            raise self.refuse(node, "`for` goes over a reference", "{% for item in notes %}")
        if not isinstance(node.target, n.Name):
            raise self.refuse(node, "`for` binds one name", "{% for item in notes %}")
        ref = self.reference(node.iter, bound, loops)
        if ref is not None:
            yield ref
        path = (ref.name, *ref.fields) if ref else ()
        inner = {**bound, node.target.name: path}
        for child in (*node.body, *([node.test] if node.test else [])):
            yield from self.visit(child, inner, loops + 1)
        for child in node.else_:
            yield from self.visit(child, bound, loops)

    def reference(
        self, node: nodes.Node, bound: Mapping[str, tuple[str, ...]], loops: int
    ) -> TemplateRef | None:
        from jinja2 import nodes as n

        fields: list[str] = []
        while not isinstance(node, n.Name):
            if isinstance(node, n.Getattr):
                fields.append(node.attr)
            elif (
                isinstance(node, n.Getitem)
                and isinstance(node.arg, n.Const)
                and isinstance(node.arg.value, str)
            ):
                fields.append(node.arg.value)
            else:
                raise self.refuse(node, "only a name has fields", "write name.field")
            node = node.node
        fields.reverse()
        pos = self.find(node.name, fields, node.lineno)
        end = pos + len(".".join([node.name, *fields]))
        if node.name == "loop" and loops:
            if fields and fields[0] not in LOOP_FIELDS:
                raise TemplateError(
                    f"`loop` has no {fields[0]!r}",
                    pos=pos,
                    length=end - pos,
                    hint=f"one of {', '.join(LOOP_FIELDS)}",
                    code="SW051",
                )
            return None
        if node.name in bound:
            path = (*bound[node.name], *fields)
            return TemplateRef(name=path[0], fields=path[1:], pos=pos, end=end) if path else None
        return TemplateRef(name=node.name, fields=tuple(fields), pos=pos, end=end)

    def find(self, name: str, fields: Sequence[str], lineno: int) -> int:
        """Return the offset of the next use of `name.fields` on its line (jinja2 knows lines only)."""
        lines = self.source.split("\n")
        start = sum(len(line) + 1 for line in lines[: lineno - 1])
        dotted = r"\s*\.\s*".join(map(re.escape, [name, *fields]))
        pattern = re.compile(rf"(?<![\w.]){dotted}(?!\w)")
        seen = max(start, self.used.get(dotted, start))
        found = pattern.search(self.source, seen) or pattern.search(self.source, start)
        if found is None:
            return start
        self.used[dotted] = found.end()
        return found.start()

    def refuse(self, node: nodes.Node, message: str, hint: str, word: str = "") -> TemplateError:
        pos, length = _line_span(self.source, node.lineno)
        if word and (at := self.source.find(word, pos)) >= 0:
            pos, length = at, len(word)
        return TemplateError(message, pos=pos, length=length, hint=hint, code="SW053")


_ADVICE = (
    "allowed are {{ name.field }}, {% if %}, {% for x in name %} and filters; compute the rest in a tool"
)
_DEEDS = {
    "Call": "call anything",
    "Assign": "set variables",
    "AssignBlock": "set variables",
    "Include": "include files",
    "Import": "import",
    "FromImport": "import",
    "Extends": "extend another",
    "Macro": "define macros",
    "CallBlock": "call anything",
    **dict.fromkeys(
        ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow", "Neg", "Pos", "Concat"), "do arithmetic"
    ),
}
