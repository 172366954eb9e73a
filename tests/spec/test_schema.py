"""The schemas given to editors: they accept what `check` accepts and refuse what is plainly wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from swarm.spec.load import read_yaml
from swarm.spec.schema import expert_schema, graph_schema

ROOT = Path(__file__).parents[2]
GRAPHS = sorted(ROOT.glob("examples/*/*.swarm.yaml"))
EXPERTS = sorted(ROOT.glob("experts/*/expert.yaml"))
GRAPH: dict[str, Any] = {
    "swarm": 1,
    "name": "g",
    "input": {
        "message": "string", "tags": ["string"], "at": {"city": "string?"}, "long": {"type": "[string]", "optional": True},
    },
    "models": {"small": "ollama/x", "own": {"model": "openai/x", "key": "env:KEY"}},
    "experts": {"triage": {"use": "intent", "labels": {"a": "b", "c": None}, "confidence": {"at_least": 0.6}}},
    "nodes": {
        "e": {"expert": "writer", "with": {"question": "input.message"}, "timeout": "10s", "params": {"n": 1}},
        "t": {"tool": "look", "retry": {"attempts": 3, "on": ["timeout"]}, "timeout": 2, "after": ["e"]},
        "r": {"reply": "Hello", "when": "e.confident", "refusal": True},
        "o": {"route": "all"},
        "p": {"route": ["writer", "coder"]},
        "l": {"each": "input.tags", "as": "tag", "do": {"expert": "writer"}},
        "w": {"repeat": {"x": "e.text"}, "do": {"nodes": {"j": {"reply": "x"}}}, "until": "j.ok", "max": 3},
        "g": {"graph": "other.swarm.yaml", "on_error": "skip"},
        "a": {"ask": "Sure?", "answer": {"ok": "boolean"}},
    },
    "output": ["r", "e"],
}  # fmt: skip


def complaints(schema: dict[str, Any], data: Any) -> list[str]:
    """Return what an editor would underline: the place of every error."""
    errors = Draft7Validator(schema).iter_errors(data)  # pyright: ignore[reportUnknownMemberType]
    return sorted("/".join(map(str, error.absolute_path)) for error in errors)


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return GRAPH with the value at `path` replaced, or added."""
    graph = copy.deepcopy(GRAPH)
    *way, last = path.split("/")
    place: Any = graph
    for key in way:
        place = place[key]
    place[last] = value
    return graph


@pytest.mark.parametrize("schema", [graph_schema(), graph_schema(["writer"], ["look"]), expert_schema()])
def test_a_schema_is_valid_json_schema(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_a_graph_with_every_kind_of_node_is_accepted() -> None:
    assert complaints(graph_schema(), GRAPH) == []


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_every_example_is_accepted(path: Path) -> None:
    assert complaints(graph_schema(), read_yaml(path.read_text()).data) == []


@pytest.mark.parametrize("path", EXPERTS, ids=lambda path: path.parent.name)
def test_every_bundled_expert_is_accepted(path: Path) -> None:
    assert complaints(expert_schema(), read_yaml(path.read_text()).data) == []


WRONG: list[tuple[str, Any, str]] = [
    ("swarm", 2, "swarm"),
    ("nods", {}, ""),
    ("nodes", {}, "nodes"),
    ("nodes/Bad-Name", {"reply": "x"}, "nodes"),
    ("nodes/e/whem", "x", "nodes/e"),
    ("nodes/e/tool", "look", "nodes/e"),
    ("nodes/e/retry", {"attempts": 2}, "nodes/e"),
    ("nodes/e/timeout", "soon", "nodes/e/timeout"),
    ("nodes/e/when", ["x"], "nodes/e/when"),
    ("nodes/x", {"with": {}}, "nodes/x"),
    ("nodes/x", "reply", "nodes/x"),
    ("nodes/r/refusal", "yes", "nodes/r/refusal"),
    ("nodes/t/retry", {"attempts": 99}, "nodes/t/retry/attempts"),
    ("nodes/o/route", "writer", "nodes/o/route"),
    ("nodes/l/do", {"expert": "a", "tool": "b"}, "nodes/l/do"),
    ("nodes/l/do", {"expert": "a", "nodes": {}}, "nodes/l/do"),
    ("nodes/w/do/nodes/j", {"replay": "x"}, "nodes/w/do/nodes/j"),
    ("nodes/w", {"repeat": {}, "do": {"reply": ""}}, "nodes/w"),
    ("experts/triage", {"labels": {"a": "b"}}, "experts/triage"),
    ("experts/triage/confidence", {"at_least": 2}, "experts/triage/confidence/at_least"),
    ("input/message", "text", "input/message"),
    ("input/message", {"type": "string", "optionel": True}, "input/message"),
    ("input/message", ["string", "string"], "input/message"),
    ("models/own", {"model": "x", "key": "sk-123"}, "models/own"),
    ("output", 3, "output"),
]


@pytest.mark.parametrize(("path", "value", "place"), WRONG)
def test_what_is_wrong_is_underlined_where_it_is(path: str, value: Any, place: str) -> None:
    places = complaints(graph_schema(), changed(path, value))

    assert places, "the mistake was not noticed"
    assert all(found == place or found.startswith(place) for found in places), places


def test_a_mistake_in_one_node_gives_one_complaint_and_not_one_for_each_kind() -> None:
    assert complaints(graph_schema(), changed("nodes/e/whem", "x")) == ["nodes/e"]


def test_known_names_are_offered_and_others_stay_allowed() -> None:
    schema = graph_schema(["writer", "coder"], ["lookup_order"])

    assert schema["definitions"]["ExpertNode"]["properties"]["expert"]["anyOf"][0] == {
        "enum": ["coder", "writer"]
    }
    assert schema["definitions"]["ToolNode"]["properties"]["tool"]["anyOf"][0] == {"enum": ["lookup_order"]}
    assert complaints(schema, GRAPH) == []


@pytest.mark.parametrize("schema", [graph_schema(), expert_schema()])
def test_every_key_says_what_it_is_for(schema: dict[str, Any]) -> None:
    definitions = {"the file": schema, **schema["definitions"]}
    silent = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, inner in definition.get("properties", {}).items()
        if not inner.get("description") and "$ref" not in inner
    ]

    assert silent == [], "give these fields a description in swarm/spec"


@pytest.mark.parametrize("schema", [graph_schema(), expert_schema()])
def test_no_definition_leads_straight_to_itself(schema: dict[str, Any]) -> None:
    def straight(part: Any) -> set[str]:
        """Return the definitions that apply to the same value as `part`."""
        found = {part["$ref"].rsplit("/", 1)[-1]} if "$ref" in part else set[str]()
        for word in ("anyOf", "oneOf", "allOf"):
            for option in part.get(word, []):
                found |= straight(option)
        for word in {"if", "then", "else"} & part.keys():
            found |= straight(part[word])
        return found

    definitions = schema["definitions"]
    for name in definitions:
        seen: set[str] = set()
        waiting = straight(definitions[name])
        while waiting:
            seen |= waiting
            waiting = {inner for one in waiting for inner in straight(definitions[one])} - seen
        assert name not in seen, f"{name} refers to itself without a property in between"


def test_expert_files_without_a_name_or_a_kind_are_refused() -> None:
    assert complaints(expert_schema(), {"swarm": 1, "name": "x", "kind": "write"}) == []
    assert complaints(expert_schema(), {"swarm": 1, "kind": "write"}) == [""]
    assert complaints(expert_schema(), {"swarm": 1, "name": "x"}) == [""]
    assert complaints(expert_schema(), {"swarm": 1, "name": "x", "kind": "writes"}) == ["kind"]
