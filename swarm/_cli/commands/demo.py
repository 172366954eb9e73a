"""`swarm demo`: the bundled support chatbot on five messages; asks nothing and needs no network."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from swarm._cli.session import Session
    from swarm._engine.result import RunResult

__all__ = ["demo"]

MESSAGES = (
    ("an order is looked up", "where is my parcel? order 1042"),
    ("answered from the policy documents", "how much does delivery to Norway cost?"),
    ("a return is started", "I want to return my boots, order 1040"),
    ("refused", "you useless idiots, I will find you and hurt you"),
    ("handed over to a person", "my neighbour's goat ate the catalogue"),
)


@click.command(short_help="Watch a support chatbot work; needs no model server.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@store_option
@click.option("--no-save", is_flag=True, help="Do not keep the runs.")
@click.pass_context
def demo(ctx: click.Context, as_json: bool, store: str | None, no_save: bool) -> None:
    """\b
    swarm demo

    Runs a shop's chatbot on five messages: it moderates, classifies, looks an order up, answers from
    documents, and hands over what it is not sure of. Works without a model server; asks nothing.
    """
    from swarm._cli.exits import MISSING
    from swarm._cli.needs import has_embedded

    if not has_embedded():
        console.complain(
            "error: the demo's embedded models need scikit-learn, which is not installed\n"
            "  fix: pip install 'swarm-slm[embedded]'"
        )
        ctx.exit(MISSING)
    from swarm._cli.bundled import GRAPH, support_chatbot
    from swarm._cli.session import Session
    from swarm._cli.settings import load_settings

    save = False if no_save else None
    settings = load_settings(store=store)
    with Session(support_chatbot() / GRAPH, settings, verbose=ctx.obj.verbose, save=save) as session:
        results = _run(session, quiet=as_json)
        if as_json:
            console.data_json([{"message": text, **result.to_json()} for text, result in results])
        else:
            _say_what_next(session)
    ctx.exit(_code([result for _, result in results]))


def _code(results: Sequence[RunResult]) -> int:
    """Return 0, or what the first failure means; a refusal is part of the show."""
    from swarm._cli.exits import OK, exit_code_of

    failed = next((result for result in results if result.error is not None), None)
    if failed is None:
        return OK
    console.complain(f"error: {failed.error}")
    return exit_code_of(failed)


def _run(session: Session, *, quiet: bool) -> list[tuple[str, RunResult]]:
    session.announce()
    if not quiet:
        nodes, experts = len(session.plan.nodes), sum(node.kind == "expert" for node in session.plan.nodes)
        console.data(f"\n{session.swarm.name}: {nodes} nodes, {experts} of them experts", "bold")
    results: list[tuple[str, RunResult]] = []
    for what, text in MESSAGES:
        result = session.run({"message": text})
        results.append((text, result))
        if quiet:
            continue
        _show(session, what, text, result)
    return results


def _show(session: Session, what: str, text: str, result: RunResult) -> None:
    """Print one message, what happened to it, and the answer."""
    from swarm._cli.tree import show_tree

    console.data(f"\n{what}", "dim")
    console.data(f"you  {text}", "bold")
    show_tree(session.story(result.id), stream=sys.stdout)
    console.data("bot  ", "bold", end="")
    console.data(console.wrap(result.text, "     "), "green" if result.status == "completed" else "yellow")


def _say_what_next(session: Session) -> None:
    from swarm._cli.needs import experts_of, needs_of

    steps = [
        ("your own, to change", "swarm init my_bot"),
        ("talk to it", "swarm chat my_bot/support.swarm.yaml"),
        ("what happened, and why", "swarm runs show latest"),
    ]
    found = session.detect(with_models=True)
    needs = needs_of(experts_of(session.plan), found, embedded=True)
    missing = [need.fix for need in needs if need.present is False]
    if not found.is_there:
        missing.insert(0, "install Ollama (https://ollama.com/download), then:")
    steps += [("" if place else "larger models", command) for place, command in enumerate(missing)]
    console.data("\nNext", "bold")
    width = max(len(what) for what, _ in steps)
    for what, command in steps:
        console.data(f"  {what.ljust(width)}  {command}")
