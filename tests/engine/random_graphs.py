"""Random graphs: conditions, joins, maps, loops, bodies, failures; nearly all of them are accepted.

A case is made of two numbers. The graph of `nodes - 1` is that of `nodes` without its last node, so
that hypothesis, which makes `nodes` smaller, finds the shortest beginning of a graph that fails.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from shapes import Case, Const, Expr, First, Level, Node, Op, Ref, refs_in

from swarm import SpecError

__all__ = ["Taste", "cases", "is_contradiction", "random_case"]

SHAPES = ("number", "number", "record", "record", "flag", "list", "falsy")
KINDS = ("tool",) * 12 + ("reply", "each", "each", "repeat", "graph")
DEEPEST = 2  # bodies inside bodies


@dataclass(frozen=True, kw_only=True)
class Taste:
    """How large the graphs are, and what is in them.

    Attributes:
        asks: nodes that ask a person; retries, timeouts: of tools, which then take time to wait.
        failing: the share of tools that may fail.
    """

    asks: bool = False
    retries: bool = False
    timeouts: bool = False
    failing: float = 0.25


@dataclass(frozen=True, kw_only=True)
class Known:
    """A name that a node may read: of what shape, and whether it surely has a value there."""

    ref: Ref
    shape: str
    sure: bool = True
    near: bool = False  # a node beside the one that reads

    def read(self, *fields: str, optional: bool = False) -> Ref:
        return replace(self.ref, fields=(*self.ref.fields, *fields), optional=optional and self.near)


@dataclass(kw_only=True)
class Maker:
    """Draws one case."""

    draw: random.Random
    taste: Taste
    nodes: int
    made: int = 0
    inner: dict[str, Level] = field(default_factory=dict[str, Level])

    def case(self) -> Case:
        if self.draw.random() < 0.4:
            self._inner_graph()
        given = {
            "k": self.draw.randint(0, 2),
            "flag": self.draw.random() < 0.5,
            "items": [self.draw.randint(0, 2) for _ in range(self.draw.randint(0, 4))],
            "maybe": self.draw.choice([None, 0, 1]),
        }
        top = [
            Known(ref=Ref("input", ("k",)), shape="number"),
            Known(ref=Ref("input", ("flag",)), shape="flag"),
            Known(ref=Ref("input", ("items",)), shape="list"),
            Known(ref=Ref("input", ("maybe",)), shape="number"),
        ]
        return Case(level=self.level(top, None, 0), inner=self.inner, given=given)

    def _inner_graph(self) -> None:
        given = Known(ref=Ref("input", ("given",)), shape="falsy")
        level = self.level([given], self.draw.randint(1, 4), DEEPEST)
        last = Ref(level.nodes[-1].name, optional=True)  # so that it never ends without an output
        self.inner["inner.swarm.yaml"] = replace(level, outputs=(*level.outputs, last))

    def level(self, around: Sequence[Known], size: int | None, depth: int, *, output: bool = True) -> Level:
        """Draw `size` nodes (None: as many as are left) that may read `around` and each other."""
        nodes: list[Node] = []
        known: list[Known] = []
        waiting: list[str] = []  # handlers that nodes before them have named
        ends = random.Random(self.draw.random())
        while waiting or not nodes or (self.made < self.nodes if size is None else len(nodes) < size):
            if waiting and self.draw.random() < 0.5:
                name = waiting.pop(0)
                handled = [one.kind for one in nodes if one.on_error == name]
                node = self._node(name, around, known, depth, handles=handled == ["tool"])
            else:
                node = self._on_error(self._node(self._name(), around, known, depth), waiting)
            nodes.append(node)
            known.append(self._seen(node, nodes, known))
        return Level(tuple(nodes), self._outputs(known, depth, ends) if output else ())

    def _name(self) -> str:
        self.made += 1
        return f"n{self.made}"

    def _on_error(self, node: Node, waiting: list[str]) -> Node:
        """Say what happens when it fails: nodes that may fail are mostly taken care of."""
        risky = node.kind in ("each", "repeat", "graph") or bool(node.work.get("fails")) or node.attempts > 1
        draw = self.draw.random()
        if draw > (0.85 if risky else 0.15):
            return node
        if draw < 0.1 and waiting:
            return replace(node, on_error=waiting[0])
        if draw < 0.35 and not waiting:
            waiting.append(self._name())
            return replace(node, on_error=waiting[-1])
        return replace(node, on_error="skip")

    def _node(
        self, name: str, around: Sequence[Known], known: Sequence[Known], depth: int, *, handles: bool = False
    ) -> Node:
        kind = self.draw.choice(KINDS)
        if kind in ("each", "repeat") and depth >= DEEPEST:
            kind = "tool"
        if kind == "graph" and not self.inner:
            kind = "tool"
        if kind == "reply" and self.taste.asks and self.draw.random() < 0.6:
            kind = "ask"
        when = self._when([*around, *known]) if self.draw.random() < 0.4 else None
        held = {ref.name for ref in refs_in(when) if not ref.optional}
        sure = [replace(one, sure=one.sure or one.ref.name in held) for one in known]
        after = (
            self.draw.sample([one.ref.name for one in known], 1) if known and self.draw.random() < 0.1 else []
        )
        node = Node(name=name, kind=kind, when=when, after=tuple(after))
        return self._filled(node, [*around, *sure], depth, handles=handles)

    def _filled(self, node: Node, seen: Sequence[Known], depth: int, *, handles: bool) -> Node:
        match node.kind:
            case "tool":
                return self._tool(node, seen, handles=handles)
            case "reply":
                return replace(node, values={"x": self._value(seen)})
            case "graph":
                values = {"given": self._value(seen)} if self.draw.random() < 0.8 else {}
                return replace(node, file="inner.swarm.yaml", values=values)
            case "each":
                return self._each(node, seen, depth)
            case "repeat":
                return self._repeat(node, seen, depth)
            case _:
                return node

    def _tool(self, node: Node, seen: Sequence[Known], *, handles: bool) -> Node:
        parts = [self._part(seen) for _ in range(self.draw.randint(0, 3))]
        if handles and self.draw.random() < 0.5:
            parts.append(Ref("error", ("code",)))
        whole = self.draw.random() < 0.2 and len(parts) > 1
        x = First(tuple(parts)) if whole else Op("list", tuple(parts))
        work: dict[str, Any] = {
            "tag": node.name,
            "shape": self.draw.choice(SHAPES),
            "fails": self.draw.choice([1, 2, 3]) if self.draw.random() < self.taste.failing else 0,
            "error": self.draw.choice(["error", "error", "timeout"]),
            "flaky": 0,
            "slow": False,
        }
        node = replace(node, values={"x": x}, work=work)
        if self.taste.retries and self.draw.random() < 0.2:
            on = self.draw.choice([("error",), ("timeout",), ("error", "timeout")])
            work["flaky"] = self.draw.randint(0, 2)
            node = replace(node, attempts=self.draw.randint(2, 3), retry_on=on)
        if self.taste.timeouts and self.draw.random() < 0.2:
            work["slow"] = self.draw.random() < 0.3
            node = replace(node, timeout_s=1.0)
        return node

    def _each(self, node: Node, seen: Sequence[Known], depth: int) -> Node:
        name = f"i{self._name()}"
        lists = [one for one in seen if one.shape in ("list", "rows")]
        items: Expr = Op("list", (Const(0), Const("b")))
        if self.draw.random() < 0.05:  # perhaps no list at all
            lists = [one for one in seen if one.shape == "falsy"] or lists
        item = "number"
        if lists:
            one = self.draw.choice(lists)
            items, item = one.read(optional=not one.sure), "opaque" if one.shape == "rows" else "number"
        inside = self._body_sees(seen)
        inside += [Known(ref=Ref(name), shape=item), Known(ref=Ref("index"), shape="number")]
        bound = {"concurrency": self.draw.randint(1, 3), "max": self.draw.choice([1, 20, 20, 20])}
        return replace(node, as_=name, items=items, body=self._body(inside, depth), bound=bound)

    def _repeat(self, node: Node, seen: Sequence[Known], depth: int) -> Node:
        loop = [
            Known(ref=Ref("loop", ("v",)), shape="number"),
            Known(ref=Ref("loop", ("round",)), shape="number"),
        ]
        body = self._body([*self._body_sees(seen), *loop], depth, output=False)
        last = body.nodes[-1]
        step = First((Ref(last.name, optional=True), Ref("loop", ("v",))))
        until = Op("==", (Ref("loop", ("v",)), Const(self.draw.randint(0, 2))))
        if self.draw.random() < 0.3:
            until = Op("!=", (Ref(last.name, optional=True), Const(None)))
        numbers = [one.read(optional=not one.sure) for one in seen if one.shape == "number"]
        return replace(
            node, values={"v": self.draw.choice([Const(0), *numbers])}, body=body,
            next={"v": step} if self.draw.random() < 0.9 else {}, until=until if self.draw.random() < 0.8 else None,
            bound={"max": self.draw.randint(1, 4)},
        )  # fmt: skip

    def _body(self, inside: Sequence[Known], depth: int, *, output: bool = True) -> Level:
        size = self.draw.choice([1, 1, 2, 3])
        body = self.level(inside, size, depth + 1, output=output)
        if size == 1 and len(body.nodes) == 1 and self.draw.random() < 0.5:
            (node,) = body.nodes
            return Level((replace(node, name="do"),), (Ref("do"),) if output else ())
        return body

    def _body_sees(self, seen: Sequence[Known]) -> list[Known]:
        """Return what nodes in a body may read: of the nodes around it only those sure to have a value."""
        return [replace(one, near=False) for one in seen if one.sure or not one.near]

    def _seen(self, node: Node, nodes: Sequence[Node], known: Sequence[Known]) -> Known:
        handles = any(one.on_error == node.name for one in nodes)
        names = {one.ref.name for one in known if not one.sure}
        strict = {
            ref.name
            for bound in (*node.values.values(), node.items)
            for ref in refs_in(bound)
            if not ref.optional
        }
        sure = node.when is None and node.on_error == "fail" and not handles and not strict & names
        if node.body is not None:
            sure = sure and not names  # its body may need one of them
        shapes = {"reply": "text", "ask": "text", "each": "rows", "repeat": "rounds", "graph": "opaque"}
        shape = shapes.get(node.kind) or str(node.work["shape"])
        return Known(ref=Ref(node.name), shape=shape, sure=sure, near=True)

    def _outputs(
        self, known: Sequence[Known], depth: int, draw: random.Random
    ) -> tuple[Expr | Mapping[str, Expr], ...]:
        picked = [draw.choice(known) for _ in range(draw.randint(1, 4))]
        if depth == 0 and draw.random() < 0.3:
            return ({f"o{i}": one.read(optional=draw.random() < 0.8) for i, one in enumerate(picked)},)
        last = [known[-1].read(optional=True)] if draw.random() < 0.5 else []
        return tuple([one.read() for one in picked] + last)

    def _value(self, seen: Sequence[Known]) -> Expr | First:
        if self.draw.random() < 0.2:
            return First(tuple(self._part(seen) for _ in range(2)))
        return self._part(seen)

    def _part(self, seen: Sequence[Known]) -> Expr:
        """Return something to read, or a constant."""
        if not seen or self.draw.random() < 0.05:
            return Const(self.draw.choice([None, 0, 1]))
        one = self.draw.choice(seen)
        fields = {"record": ("n", "ok", "s"), "text": ("text",), "rounds": ("rounds", "reached", "v")}
        parts = (
            (self.draw.choice(fields[one.shape]),) if one.shape in fields and self.draw.random() < 0.5 else ()
        )
        return one.read(*parts, optional=not one.sure or self.draw.random() < 0.1)

    def _when(self, seen: Sequence[Known]) -> Expr:
        atoms = [self._atom(seen) for _ in range(self.draw.choice([1, 1, 1, 2, 3]))]
        return atoms[0] if len(atoms) == 1 else Op(self.draw.choice(["and", "or"]), tuple(atoms))

    def _atom(self, seen: Sequence[Known]) -> Expr:
        near = [one for one in seen if one.near]  # many conditions on few names would contradict each other
        one = self.draw.choice(near if near and self.draw.random() < 0.8 else seen)
        optional = self.draw.random() < 0.4
        small = Const(self.draw.randint(0, 2))
        whole, truth = one.read(optional=optional), Const(self.draw.random() < 0.5)
        choices: list[Expr] = [Op("!=", (whole, Const(None)))]
        if optional and one.near:
            choices.append(Op("==", (whole, Const(None))))
        match one.shape:
            case "number":
                within = Op("list", tuple(Const(self.draw.randint(0, 2)) for _ in range(2)))
                choices += [Op(word, (whole, small)) for word in ("==", "!=", "<", "<", ">")]
                choices += [Op(word, (whole, within)) for word in ("in", "not in")]
            case "flag":
                choices += [Op("==", (whole, truth)), whole]
                choices += [] if whole.optional else [Op("not", (whole,))]
            case "record":
                choices += [
                    Op("==", (one.read("ok", optional=optional), truth)),
                    one.read("ok", optional=optional),
                ]
                choices += [Op("<", (one.read("n", optional=optional), small))]
                choices += [Op("==", (one.read("s", optional=optional), Const("a")))]
            case "rounds":
                choices += [Op(">", (one.read("rounds", optional=optional), small))]
            case "falsy":
                choices += [Op("==", (whole, small)), *([whole] if self.draw.random() < 0.2 else [])]
            case _:
                pass
        return self.draw.choice(choices)


def random_case(seed: int, nodes: int, taste: Taste) -> Case:
    """Return a random graph of about `nodes` nodes, those of bodies included, and an input for it."""
    return Maker(draw=random.Random(seed), taste=taste, nodes=nodes).case()


def cases(taste: Taste, nodes: int) -> SearchStrategy[Case]:
    """Return the random graphs of at most `nodes` nodes as hypothesis draws and shrinks them."""
    return st.builds(random_case, st.integers(0, 2**32), st.integers(1, nodes), st.just(taste))


def is_contradiction(error: SpecError) -> bool:
    """Return whether all that is wrong is that conditions contradict each other: `a == 1`, then `a == 2`."""
    return {problem.code for problem in error.problems} <= {"SW022", "SW020"}  # 20: inside an inner graph
