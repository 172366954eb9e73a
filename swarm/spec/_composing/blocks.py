"""Blocks of nodes composed in Python: the methods that a graph and a body have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from swarm.spec._composing.checked import check_name, checked, refuse, without_defaults
from swarm.spec._composing.shared import Composed, HasSignature, Shared
from swarm.spec.condition import Ref
from swarm.spec.expert import Expert
from swarm.spec.findings import did_you_mean
from swarm.spec.graph import (
    AskNode,
    Body,
    EachNode,
    ExpertNode,
    GraphNode,
    Node,
    RepeatNode,
    ReplyNode,
    RetrySpec,
    RouteNode,
    ToolNode,
)
from swarm.spec.references import Condition, NodeRef, Reference, binding, split_bindings, text_of

__all__ = ["Block", "EachBody", "RepeatBody", "output_of"]

SINGLE = "do"  # the name of the node of a body that is written as a single node

When = Reference | Condition | str | None
After = NodeRef | str | Sequence[NodeRef | str]
Arguments = Mapping[str, object] | None


class Block:
    """Nodes under construction.

    Every method adds one node and returns a reference to its value. Common to all of them:

    Args:
        when: run the node only if this is true: `triage.label == "refund"`, `~guard.flagged`.
        after: nodes that must be settled first although no data comes from them.
        timeout: the node's deadline, in seconds or as `"10s"`, `"2d"`.
        on_error: `fail`, `skip`, or the node that takes over (it sees `graph.error`).
        concurrency: of an expert, tool or route node: how often it may be at work at once, in all runs.
        arguments: by name: references, or constants (a text is a constant here).
        with_, params: more arguments, for names that are options of the method (`when`,
            `description` ...); `params` takes constants only.

    Raises:
        SpecError: a name that is not allowed or is taken, or a value that does not fit.
        TypeError: an argument that is neither a reference nor plain data.
    """

    def __init__(self, shared: Shared, path: tuple[str | int, ...] = ()) -> None:
        self._shared = shared
        self._path = path
        self._nodes: dict[str, Node] = {}
        self._open: list[str] = []

    def __getitem__(self, name: str) -> NodeRef:
        """Return a reference to the node called `name`, which was added before."""
        if name not in self._nodes:
            raise refuse(
                "SW031", f"there is no node {name!r}", self._place(name), did_you_mean(name, self._nodes)
            )
        return NodeRef(Ref(name=name))

    def expert(
        self, name: str, expert: str | Expert, /, *, when: When = None, after: After = (),
        params: Arguments = None, timeout: float | str | None = None, on_error: str | NodeRef = "fail",
        description: str = "", concurrency: int | None = None, with_: Arguments = None, **arguments: object,
    ) -> NodeRef:  # fmt: skip
        """Ask an expert.

        Args:
            expert: the name of a registered one or of one of this graph; or an `Expert`, which
                becomes one of this graph under its own name, else the node's.
        """
        values = _options(
            name, when, after, timeout, on_error, description, _merged(with_, arguments), params
        )
        if isinstance(expert, Expert):
            expert = self._shared.add_expert(name, expert)
        return self._add(name, ExpertNode, {"expert": expert, "concurrency": concurrency, **values})

    def tool(
        self, name: str, tool: str | HasSignature, /, *, retry: RetrySpec | Mapping[str, Any] | None = None,
        when: When = None, after: After = (), params: Arguments = None, timeout: float | str | None = None,
        on_error: str | NodeRef = "fail", description: str = "", concurrency: int | None = None, with_: Arguments = None, **arguments: object,
    ) -> NodeRef:  # fmt: skip
        """Call a tool.

        Args:
            tool: a function marked `@tool`, or a tool's name.
            retry: `{"attempts": 3, "on": ["timeout", "error"]}`; not for unsafe tools.
        """
        values = _options(
            name, when, after, timeout, on_error, description, _merged(with_, arguments), params
        )
        return self._add(
            name, ToolNode,
            {"tool": self._shared.add_tool(tool), "retry": retry, "concurrency": concurrency, **values},
        )  # fmt: skip

    def reply(
        self, name: str, template: str | Reference, /, *, refusal: bool = False, when: When = None,
        after: After = (), params: Arguments = None, timeout: float | str | None = None,
        on_error: str | NodeRef = "fail", description: str = "", with_: Arguments = None, **arguments: object,
    ) -> NodeRef:  # fmt: skip
        """Make a text.

        Args:
            template: text with `{{ node.field }}`; in an f-string `{node.field}` writes that.
            refusal: as the output it makes the run `refused`.
        """
        values = _options(
            name, when, after, timeout, on_error, description, _merged(with_, arguments), params
        )
        return self._add(name, ReplyNode, {"reply": str(template), "refusal": refusal, **values})

    def route(
        self, name: str, experts: Literal["all"] | Sequence[str | Expert], /, *, when: When = None,
        after: After = (), params: Arguments = None, timeout: float | str | None = None,
        on_error: str | NodeRef = "fail", description: str = "", concurrency: int | None = None, with_: Arguments = None, **arguments: object,
    ) -> NodeRef:  # fmt: skip
        """Let the router choose one of several experts; the arguments are the chosen one's.

        Args:
            experts: `"all"`, or names; an `Expert` among them needs a `name` of its own.
        """
        values = _options(
            name, when, after, timeout, on_error, description, _merged(with_, arguments), params
        )
        if not isinstance(experts, str):
            experts = [
                self._shared.add_expert(f"{name}_{index}", one) if isinstance(one, Expert) else one
                for index, one in enumerate(experts, 1)
            ]
        return self._add(name, RouteNode, {"route": experts, "concurrency": concurrency, **values})

    def graph(
        self, name: str, graph: str | Composed, /, *, when: When = None, after: After = (),
        params: Arguments = None, timeout: float | str | None = None, on_error: str | NodeRef = "fail",
        description: str = "", with_: Arguments = None, **arguments: object,
    ) -> NodeRef:  # fmt: skip
        """Run another graph; the arguments are its whole input.

        Args:
            graph: a file beside this graph's, or a `Graph`.
        """
        values = _options(
            name, when, after, timeout, on_error, description, _merged(with_, arguments), params
        )
        return self._add(name, GraphNode, {"graph": self._shared.add_graph(graph), **values})

    def ask(
        self, name: str, text: str | Reference, /, *, answer: Mapping[str, object] | None = None,
        when: When = None, after: After = (), params: Arguments = None, timeout: float | str | None = None,
        on_error: str | NodeRef = "fail", description: str = "", with_: Arguments = None, **arguments: object,
    ) -> NodeRef:  # fmt: skip
        """Ask a person; the run pauses until there is an answer.

        Args:
            text: the question, a template as in `reply`.
            answer: the fields of the answer and their types, `{"approved": bool}`; one `text`
                when left out.
        """
        values = _options(
            name, when, after, timeout, on_error, description, _merged(with_, arguments), params
        )
        return self._add(name, AskNode, {"ask": str(text), "answer": dict(answer or {}), **values})

    def each(
        self, name: str, items: Reference | str, /, *, as_: str = "item", concurrency: int = 8,
        max: int = 1000, when: When = None, after: After = (), timeout: float | str | None = None,
        on_error: str | NodeRef = "fail", description: str = "",
    ) -> EachBody:  # fmt: skip
        """Run a body once for every item of a list; its nodes are added inside a `with` block.

            with graph.each("notes", graph.input.documents, as_="doc") as body:
                body.expert("summary", "summarizer", text=body.item.text)
            graph.output(body.node)

        Args:
            as_: what the body calls the item. `concurrency`: items at once.
            max: more items fail the node before the first runs.
        """
        values = _options(name, when, after, timeout, on_error, description)
        loop = {"each": _text(items), "as": as_, "concurrency": concurrency, "max": max}
        return EachBody(self, name, {**loop, **values})

    def repeat(
        self, name: str, state: Mapping[str, object], /, *, max: int, when: When = None, after: After = (),
        timeout: float | str | None = None, on_error: str | NodeRef = "fail", description: str = "",
    ) -> RepeatBody:  # fmt: skip
        """Run a body again and again; its nodes are added inside a `with` block.

            with graph.repeat("better", {"draft": answer.text}, max=4) as body:
                judge = body.expert("judge", "judge", text=body.loop.draft)
                again = body.expert("again", "writer", draft=body.loop.draft, when=~judge.good)
                body.next(draft=first(again.optional.text, body.loop.draft))
                body.until(judge.good)
            graph.output(body.node)

        Args:
            state: what the node's value is before round 1. `max`: rounds at most.
        """
        values = _options(name, when, after, timeout, on_error, description)
        state = {key: binding(value, where=f"{key!r} of node {name!r}") for key, value in state.items()}
        return RepeatBody(self, name, {"repeat": state, "max": max, **values})

    def _add(self, name: str, kind: type[Node], values: Mapping[str, Any]) -> NodeRef:
        self._claim(name)
        self._nodes[name] = checked(kind, without_defaults(kind, values), self._place(name), f"node {name!r}")
        return NodeRef(Ref(name=name))

    def _claim(self, name: str) -> None:
        """Refuse a name that is no name, is a word of the language, or is taken in this block."""
        check_name(name, self._place(name))
        if name in self._nodes or name in self._open:
            raise refuse("SW016", f"there is another node called {name!r}", self._place(name))

    def _place(self, name: str) -> tuple[str | int, ...]:
        return (*self._path, "nodes", name)

    def _finished(self) -> dict[str, Node]:
        """Return the nodes; a body that was begun and not ended is an error."""
        if self._open:
            name = self._open[0]
            hint = f"with ... as body: (then use body.node, after the block, for the value of {name!r})"
            raise refuse("SW011", f"the body of {name!r} was not closed", self._place(name), hint)
        if not self._nodes:
            raise refuse(
                "SW011", "there is no node", (*self._path, "nodes"), '.reply("hello", "Hello!") adds one'
            )
        return dict(self._nodes)


class _Body(Block):
    """The nodes inside an `each` or a `repeat`; ending the `with` block adds that node to the outer block.

    A body of one node called `do` is written as that node alone.
    """

    _kind: type[Node]

    def __init__(self, outer: Block, name: str, values: dict[str, Any]) -> None:
        outer._claim(name)
        outer._open.append(name)
        super().__init__(outer._shared, (*outer._place(name), "do"))
        self._outer, self._name, self._values = outer, name, values
        self._output: Any = None

    @property
    def node(self) -> NodeRef:
        """Return a reference to the node around this body, for use after the block."""
        return NodeRef(Ref(name=self._name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is not None:
            return
        nodes = self._finished()
        alone = list(nodes) == [SINGLE] and self._output is None
        body = (
            nodes[SINGLE]
            if alone
            else checked(Body, {"nodes": nodes, "output": self._output}, self._path, "the body")
        )
        self._outer._open.remove(self._name)
        self._outer._add(self._name, self._kind, {**self._values, "do": body})


class EachBody(_Body):
    """The body of an `each`: what runs for one item."""

    _kind = EachNode

    @property
    def item(self) -> Reference:
        """Return the item, whatever `as_` calls it: `body.item.text`."""
        return Reference(Ref(name=self._values["as"]))

    @property
    def index(self) -> Reference:
        """Return the item's place in the list, from 0."""
        return Reference(Ref(name="index"))

    def output(self, *nodes: Reference | str, **fields: Reference | str) -> None:
        """Say what the body's value is, if it has more than one end; written as `Graph.output`."""
        self._output = output_of(nodes, fields)


class RepeatBody(_Body):
    """The body of a `repeat`: what runs in one round."""

    _kind = RepeatNode

    @property
    def loop(self) -> Reference:
        """Return the state of this round: `body.loop.draft`, and `body.loop.round` from 1."""
        return Reference(Ref(name="loop"))

    def next(self, **state: object) -> None:
        """Say what the state is after a round; what is not named stays as it is."""
        self._values["next"] = {
            key: binding(value, where=f"{key!r} of node {self._name!r}") for key, value in state.items()
        }

    def until(self, condition: When) -> None:
        """Stop when `condition` is true; it is tested after `next`."""
        self._values["until"] = _text(condition)


def output_of(nodes: Sequence[Reference | str], fields: Mapping[str, Reference | str]) -> Any:
    """Return an `output` as a file writes it.

    Raises:
        TypeError: neither or both of a list and a mapping.
    """
    if bool(nodes) == bool(fields) or any(isinstance(node, Mapping) for node in nodes):
        raise TypeError(
            "output(...) takes nodes, or names with expressions: output(a, b) or output(text=a.text)"
        )
    if fields:
        return {name: _text(value) for name, value in fields.items()}
    texts = [_text(node) for node in nodes]
    return texts[0] if len(texts) == 1 else texts


def _text(value: When) -> str | None:
    """Return an expression as text; a text is an expression already."""
    return value if value is None or isinstance(value, str) else text_of(value)


def _merged(with_: Arguments, arguments: Mapping[str, object]) -> dict[str, object]:
    twice = set(with_ or {}) & set(arguments)
    if twice:
        raise TypeError(f"the argument {min(twice)!r} is given twice: by name and in `with_`")
    return {**(with_ or {}), **arguments}


def _options(
    name: str, when: When, after: After, timeout: float | str | None, on_error: str | NodeRef,
    description: str, arguments: Arguments = None, params: Arguments = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what the methods have in common as the keys of a node."""
    where = f"node {name!r}"
    bound, constants = split_bindings(arguments or {}, where=where)
    more, given = split_bindings(params or {}, where=where)
    if more:
        raise TypeError(f"`params` of {where} takes constants; give {min(more)!r} by its name instead")
    if twice := {*bound, *constants} & set(given):
        raise TypeError(f"the argument {min(twice)!r} of {where} is given twice: by name and in `params`")
    values = {"when": _text(when), "after": _names(after), "with": bound, "params": {**given, **constants}}
    return values | {"timeout": timeout, "on_error": _text(on_error), "description": description}


def _names(after: After) -> str | list[str]:
    if isinstance(after, str | NodeRef):
        return str(_text(after))
    names = [str(_text(one)) for one in after]
    return names[0] if len(names) == 1 else names
