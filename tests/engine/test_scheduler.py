"""The scheduler's decisions, without an event loop."""

from collections.abc import Mapping, Sequence

import pytest

from swarm._engine.scheduler import (
    STARTED,
    Command,
    Done,
    EndRun,
    Failed,
    FailNode,
    RunNode,
    Scheduler,
    SkipNode,
)
from swarm._graph.compile import compile_graph
from swarm._graph.plan import Plan
from swarm.errors import NodeError
from swarm.messages import ToolSignature
from swarm.spec.catalogue import Catalogue
from swarm.spec.graph import GraphSpec

TOOLS = {
    name: ToolSignature(name=name, description="", parameters={"type": "object"}, effect="pure")
    for name in ("one", "two", "three", "four")
}


def plan_of(nodes: Mapping[str, object], output: object = "end") -> Plan:
    spec = GraphSpec.model_validate({"name": "g", "input": {"x": "any"}, "nodes": nodes, "output": output})
    plan, findings = compile_graph(spec, Catalogue(tools=TOOLS))
    assert plan is not None, findings
    return plan


def said(commands: Sequence[Command]) -> list[str]:
    words = {RunNode: "run", SkipNode: "skip", FailNode: "fail"}
    return [
        f"{words[type(c)]} {c.node.name}" if isinstance(c, RunNode | SkipNode | FailNode) else "end"
        for c in commands
    ]


DIAMOND = {
    "top": {"tool": "one", "with": {"x": "input.x"}},
    "left": {"tool": "two", "with": {"x": "top.ok"}, "when": "top.ok"},
    "right": {"tool": "three", "with": {"x": "top.ok"}, "when": "not top.ok"},
    "end": {"tool": "four", "with": {"a": "left?", "b": "right?"}},
}


def test_a_run_starts_the_nodes_that_wait_for_nothing():
    scheduler = Scheduler(plan_of(DIAMOND), {"input": {"x": 1}})
    assert said(scheduler.handle(STARTED)) == ["run top"]


def test_a_branch_not_taken_does_not_hold_up_the_join():
    scheduler = Scheduler(plan_of(DIAMOND), {"input": {"x": 1}})
    scheduler.handle(STARTED)
    assert sorted(said(scheduler.handle(Done(0, {"ok": True})))) == ["run left", "skip right"]
    commands = scheduler.handle(Done(1, "L"))
    assert said(commands) == ["run end"]
    assert isinstance(commands[0], RunNode)
    assert commands[0].arguments == {"a": "L", "b": None}


def test_a_run_ends_when_every_node_is_settled():
    scheduler = Scheduler(plan_of(DIAMOND), {"input": {"x": 1}})
    scheduler.handle(STARTED)
    scheduler.handle(Done(0, {"ok": True}))
    scheduler.handle(Done(1, "L"))
    (end,) = scheduler.handle(Done(3, 0))
    assert isinstance(end, EndRun)
    assert (end.value, end.error) == (0, None), "a falsy value is a value"


def test_a_failure_ends_the_run_and_starts_nothing_more():
    scheduler = Scheduler(plan_of(DIAMOND), {"input": {"x": 1}})
    scheduler.handle(STARTED)
    commands = scheduler.handle(Failed(0, NodeError("boom")))
    assert said(commands) == ["fail top", "end"]
    assert isinstance(commands[-1], EndRun)
    assert commands[-1].error is not None
    assert commands[-1].error.what == "boom"


def test_a_handler_runs_only_after_a_failure_and_sees_it():
    nodes = {
        "work": {"tool": "one", "with": {"x": "input.x"}, "on_error": "mend"},
        "mend": {"reply": "sorry: {{ error.message }}"},
        "end": {"tool": "two", "with": {"a": "work?", "b": "mend?.text"}},
    }
    scheduler = Scheduler(plan_of(nodes), {"input": {"x": 1}})
    scheduler.handle(STARTED)
    commands = scheduler.handle(Failed(0, NodeError("boom", code="timeout")))
    assert said(commands) == ["fail work", "run mend"]
    assert isinstance(commands[1], RunNode)
    assert commands[1].scope["error"] == {"message": "boom", "code": "timeout"}
    fresh = Scheduler(plan_of(nodes), {"input": {"x": 1}})
    fresh.handle(STARTED)
    assert said(fresh.handle(Done(0, 1))) == ["skip mend", "run end"]


def test_a_failure_that_may_be_skipped_leaves_its_dependants_out():
    nodes = {
        "work": {"tool": "one", "with": {"x": "input.x"}, "on_error": "skip"},
        "next": {"tool": "two", "with": {"x": "input.x"}, "when": "work.ok"},
        "end": {"tool": "three", "with": {"a": "next?"}},
    }
    scheduler = Scheduler(plan_of(nodes), {"input": {"x": 1}})
    scheduler.handle(STARTED)
    assert said(scheduler.handle(Failed(0, NodeError("boom")))) == ["fail work", "skip next", "run end"]


def test_no_output_is_a_named_error():
    nodes = {"end": {"tool": "one", "with": {"x": "input.x"}, "when": "input.x == 2"}}
    commands = Scheduler(plan_of(nodes), {"input": {"x": 1}}).handle(STARTED)
    assert said(commands) == ["skip end", "end"]
    assert isinstance(commands[-1], EndRun)
    assert commands[-1].error is not None
    assert commands[-1].error.code == "no_output"


def test_the_longest_path_is_started_first():
    nodes = {
        "short": {"tool": "one", "with": {"x": "input.x"}},
        "long": {"tool": "two", "with": {"x": "input.x"}},
        "middle": {"tool": "three", "with": {"x": "long"}},
        "end": {"tool": "four", "with": {"a": "short", "b": "middle"}},
    }
    commands = Scheduler(plan_of(nodes), {"input": {"x": 1}}).handle(STARTED)
    assert said(commands) == ["run long", "run short"]


def test_the_same_events_always_lead_to_the_same_commands():
    plan = plan_of(DIAMOND)
    runs = [Scheduler(plan, {"input": {"x": 1}}) for _ in range(2)]
    for event in (STARTED, Done(0, {"ok": False}), Done(2, "R")):
        first, second = (said(scheduler.handle(event)) for scheduler in runs)
        assert first == second


def test_a_condition_that_is_no_boolean_fails_its_node():
    nodes = {"end": {"tool": "one", "with": {"x": "input.x"}, "when": "input.x"}}
    commands = Scheduler(plan_of(nodes), {"input": {"x": "yes"}}).handle(STARTED)
    assert said(commands) == ["fail end", "end"]


@pytest.mark.parametrize("width", [1, 2, 50])
def test_a_join_runs_once_after_all_of_its_branches(width: int):
    nodes: dict[str, object] = {f"n{i}": {"tool": "one", "with": {"x": "input.x"}} for i in range(width)}
    nodes["end"] = {"tool": "two", "with": {f"a{i}": f"n{i}" for i in range(width)}}
    scheduler = Scheduler(plan_of(nodes), {"input": {"x": 1}})
    scheduler.handle(STARTED)
    for index in range(width - 1):
        assert scheduler.handle(Done(index, index)) == []
    assert said(scheduler.handle(Done(width - 1, 0))) == ["run end"]
