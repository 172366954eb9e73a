"""A conversation with a graph: its turns, what is remembered of them, and the text as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from swarm import events as ev
from swarm._app.stream import EventQueue
from swarm._cli import console
from swarm._cli.asking import answer_all
from swarm._cli.exits import USAGE, exit_code_of
from swarm._cli.inputs import read_inputs
from swarm._cli.session import Session
from swarm._cli.tree import show_tree, summary_line
from swarm._engine.result import RunResult
from swarm._graph.plan import Plan
from swarm.errors import InputError
from swarm.messages import Message
from swarm.spec.types import Type

__all__ = ["Conversation"]

KEPT_TURNS = 20  # a small model's window is soon full; older turns are forgotten
KEPT_CHARS = 8_000


class Conversation:
    """Turns with one graph.

    Args:
        inputs: `name=value` of other inputs, the same in every turn.

    Raises:
        InputError: the graph has no text to put a message into, or needs inputs that are not given.
    """

    def __init__(self, session: Session, inputs: Sequence[str]) -> None:
        self._session = session
        plan = session.plan
        self._main = _main_input(plan)
        self._history = next((name for name, kind in plan.inputs.items() if kind.base == "messages"), "")
        own = {self._main, self._history}
        others = {name: kind for name, kind in plan.inputs.items() if name not in own}
        self._given = read_inputs(inputs, "", others, graph=plan.name)
        self._turns: list[Message] = []
        self._last = ""

    def turn(self, text: str) -> int:
        """Run the graph on a message and print its answer; return the exit code of the run."""
        given = {**self._given, self._main: text}
        if self._history:
            given[self._history] = [turn.to_json() for turn in self._turns]
        writer = _Writer(self._session.plan)
        try:
            result = self._session.loop.run(self._run(given, writer))
        except InputError as error:
            console.complain(f"error: {error}")
            return USAGE
        if result.ask is not None:
            writer.withdraw("")
            result = answer_all(self._session, result)
        self._last = result.id
        self._print(result, writer)
        if result.error is None and result.ask is None:
            self._remember(text, result.text)
        return exit_code_of(result)

    def why(self) -> None:
        """Show what happened in the last turn."""
        if not self._last:
            console.say("nothing was said yet", "dim")
            return
        story = self._session.story(self._last)
        console.say(summary_line(story), "dim")
        show_tree(story, reasons=True)

    def reset(self) -> None:
        """Forget what was said."""
        self._turns.clear()
        self._last = ""

    async def _run(self, given: dict[str, Any], writer: _Writer) -> RunResult:
        queue = EventQueue()
        work = self._session.run_input(given, listeners=[queue], streams=True)
        running = asyncio.ensure_future(work)
        running.add_done_callback(lambda _: queue.close())
        try:
            async for event in queue:
                writer.see(event)
            return await running
        finally:
            running.cancel()
            await asyncio.wait({running})

    def _print(self, result: RunResult, writer: _Writer) -> None:
        if result.error is not None:
            writer.withdraw("")
            console.complain(f"error: {result.error}")
        elif result.ask is not None:
            console.say("this turn waits for an answer, and there is no more input")
        else:
            writer.finish(result.text)
            if result.confident is False:
                console.say("(not sure of this: /why)", "yellow")
        console.stdout().flush()

    def _remember(self, said: str, answered: str) -> None:
        self._turns += [Message(role="user", content=said), Message(role="assistant", content=answered)]
        del self._turns[: max(0, len(self._turns) - KEPT_TURNS)]
        while len(self._turns) > 2 and sum(len(turn.content) for turn in self._turns) > KEPT_CHARS:
            del self._turns[:2]


class _Writer:
    """Prints the answer as it is written, where nothing can take it back but a better model.

    Only a node whose text is the answer, and that no other node looks at, is shown while it
    writes: what a later node may still withhold is not shown before it is let through. From a
    pipe, only whole answers are read, so only those are printed.
    """

    def __init__(self, plan: Plan) -> None:
        ends = {choice.node for choice in plan.outputs if choice.node >= 0}
        self._nodes = {plan.nodes[index].name for index in ends if not plan.nodes[index].children}
        self._live = console.stdout().isatty()
        self._written = ""

    def see(self, event: ev.Event) -> None:
        """Print what an event adds to the answer."""
        if not self._live:
            return
        if isinstance(event, ev.ModelToken) and event.node in self._nodes:
            console.data(event.text, end="")
            console.stdout().flush()
            self._written += event.text
        elif isinstance(event, ev.ExpertEscalated) and event.node in self._nodes:
            self.withdraw(f"(not sure enough: asking {event.to_model})")
        elif isinstance(event, ev.ModelRequested) and event.attempt > 1 and event.node in self._nodes:
            self.withdraw("(no whole answer: asking again)")

    def withdraw(self, reason: str) -> None:
        """Say that what was written does not hold."""
        if self._written:
            console.data("")
            console.say(reason or "(withdrawn)", "dim")
            self._written = ""

    def finish(self, text: str) -> None:
        """Print the answer, or end the line of one that is written already."""
        if self._written.strip() == text.strip() and text.strip():
            console.data("")
            return
        self.withdraw("")
        console.data(text)


def _main_input(plan: Plan) -> str:
    """Return the name of the input that a message goes to: the first one, and it must take text."""
    name, kind = next(iter(plan.inputs.items()), ("", Type(base="any")))
    if kind.base not in ("string", "any") or not name:
        takes = ", ".join(f"{name}: {kind}" for name, kind in plan.inputs.items()) or "nothing"
        raise InputError(
            f"its first input takes no text; it takes {takes}",
            where=plan.name,
            hint="put an input of type string first, or use `swarm run`",
        )
    return name
