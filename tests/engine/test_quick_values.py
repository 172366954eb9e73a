"""What is made quickly is what its class would make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

import swarm.events as ev
from swarm._engine import quick
from swarm._engine.result import Marks, NodeResult, RunResult
from swarm.messages import Usage

MARKS = Marks(confidence=0.5, confident=True, model="embedded/ngram", rung=0)
RESULT = RunResult(
    id="r", graph="g", status="completed", output="out", text="out", confidence=0.5, confident=True,
    path=("n",), nodes={"n": NodeResult(name="n", kind="tool", status="done")}, usage=Usage(input_tokens=1),
    latency_ms=2.0, notes=("note",),
)  # fmt: skip
MADE: dict[str, tuple[Any, Any]] = {
    "run.started": (
        quick.run_started("r", 1.0, "g", {"x": 1}),
        ev.RunStarted(run="r", at=1.0, graph="g", input={"x": 1}),
    ),
    "run.finished": (
        quick.run_finished(RESULT, 1.0),
        ev.RunFinished(
            run="r", at=1.0, status="completed", output="out", text="out", confidence=0.5,
            usage=RESULT.usage.to_json(), latency_ms=2.0,
        ),
    ),
    "run result": (
        quick.run_result(
            "r", "g", "completed", RESULT.nodes, output="out", text="out", marks=MARKS, usage=RESULT.usage,
            latency_ms=2.0, notes=("note",),
        ),
        RESULT,
    ),
    "node.started": (
        quick.node_started("r", 1.0, "n", "tool"),
        ev.NodeStarted(run="r", at=1.0, node="n", kind="tool"),
    ),
    "node.skipped": (
        quick.node_skipped("r", 1.0, "n", "why"),
        ev.NodeSkipped(run="r", at=1.0, node="n", reason="why"),
    ),
    "node.finished": (
        quick.node_finished("r", 1.0, "n", "value", 2.0, {"rung": 0}),
        ev.NodeFinished(run="r", at=1.0, node="n", value="value", latency_ms=2.0, marks={"rung": 0}),
    ),
    "model.token": (
        quick.model_token("r", 1.0, "n", "word"),
        ev.ModelToken(run="r", at=1.0, node="n", text="word"),
    ),
    "tool.called": (
        quick.tool_called("r", 1.0, "n", "t", {"x": 1}, 2),
        ev.ToolCalled(run="r", at=1.0, node="n", tool="t", arguments={"x": 1}, attempt=2),
    ),
    "tool.finished": (
        quick.tool_finished("r", 1.0, "n", "t", 2.0, "said"),
        ev.ToolFinished(run="r", at=1.0, node="n", tool="t", latency_ms=2.0, error="said"),
    ),
    "node result": (
        quick.node_done("n", "tool", "out", 2.0, MARKS),
        NodeResult(name="n", kind="tool", status="done", output="out", latency_ms=2.0, marks=MARKS),
    ),
}  # fmt: skip

each = pytest.mark.parametrize(("made", "usual"), MADE.values(), ids=MADE)


@each
def test_it_is_equal_to_what_its_class_makes(made: Any, usual: Any) -> None:
    assert type(made) is type(usual)
    assert made == usual
    assert repr(made) == repr(usual)
    assert replace(made) == usual


@each
def test_no_field_is_left_out(made: Any, usual: Any) -> None:
    assert [getattr(made, field.name) for field in fields(usual)] == [
        getattr(usual, field.name) for field in fields(usual)
    ]


@each
def test_it_cannot_be_written_to(made: Any, usual: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(usual)[0].name, "other")
    assert not hasattr(made, "__dict__"), "a slot less is a dict more for each event"


def test_every_maker_is_compared() -> None:
    makers: list[Callable[..., Any]] = [getattr(quick, name) for name in quick.__all__]
    assert len(makers) == len(MADE), "a maker is new: compare what it makes above"


@pytest.mark.parametrize("name", [name for name in MADE if "." in name])
def test_an_event_made_quickly_comes_back_from_json(name: str) -> None:
    made: ev.Event = MADE[name][0]
    assert ev.from_json(ev.to_json(made)) == made
