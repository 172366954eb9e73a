"""`swarm ask`: the router chooses an expert for a request, and it answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console

if TYPE_CHECKING:
    from swarm._engine.result import RunResult
    from swarm.routing.base import RouteDecision

__all__ = ["ask"]


@click.command(short_help="Let the router choose an expert and answer.")
@click.argument("text")
@click.option("--expert", "name", metavar="NAME", help="Ask this expert; do not route.")
@click.option("--label", "labels", multiple=True, help="A label to sort the text into, for `intent`.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision and the result as JSON.")
@click.pass_context
def ask(ctx: click.Context, text: str, name: str | None, labels: tuple[str, ...], as_json: bool) -> None:
    """\b
    swarm ask "Shorten this: ..."

    Chooses the expert that serves TEXT (a dash reads it from standard input), or says that none does. The
    answer goes to standard output; who was chosen, and why, to standard error.
    """
    from swarm._cli.exits import OK, exit_code_of
    from swarm._cli.settings import load_settings, use_ollama_of

    use_ollama_of(load_settings())
    text = sys.stdin.read() if text == "-" else text
    decision, result = _ask(text, name, labels, verbose=ctx.obj.verbose)
    if as_json:
        console.data_json(_document(decision, name, result))
    elif result is None:
        console.data("None of the experts serves this request.")
    elif result.error is not None:
        console.complain(f"error: {result.error}")
    else:
        console.data(result.text)
    ctx.exit(OK if result is None else exit_code_of(result))


def _ask(
    text: str, name: str | None, labels: tuple[str, ...], *, verbose: int
) -> tuple[RouteDecision | None, RunResult | None]:
    from swarm._app.detect import detect_ollama
    from swarm._app.router import Router
    from swarm._cli.loop import Loop
    from swarm._cli.needs import who_answers
    from swarm._cli.session import log_listeners
    from swarm.spec.registry import Registry

    registry = Registry()
    with Loop() as loop:
        router = Router(registry)
        try:
            experts = tuple(router.experts.values()) if name is None else (registry.get(name),)
            for line in who_answers(experts, loop.run(detect_ollama())):
                console.say(line, "dim")
            decision = loop.run(router.route(text)) if name is None else None
            chosen = decision.expert if decision is not None else name
            if decision is not None:
                console.say(f"expert: {chosen or 'none of them'} ({decision.way}: {decision.reason})", "dim")
            if chosen is None:
                console.say(router.offer(), "dim")
                return decision, None
            listeners = log_listeners(verbose)
            return decision, loop.run(router.answer(chosen, text, labels=labels, listeners=listeners))
        finally:
            loop.run(router.aclose())


def _document(decision: RouteDecision | None, name: str | None, result: RunResult | None) -> dict[str, Any]:
    route = None
    if decision is not None:
        route = {
            "expert": decision.expert,
            "scores": dict(decision.scores),
            "way": decision.way,
            "confidence": decision.confidence,
            "reason": decision.reason,
        }
    chosen = decision.expert if decision is not None else name
    return {"expert": chosen, "route": route, "result": None if result is None else result.to_json()}
