"""Input that nobody should send: a clear error before the first node, or carried through as it is."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from swarm import Graph, InputError, LimitExceededError, Limits, SpecError, Swarm, tool
from swarm.errors import SwarmError
from swarm.events import Event
from swarm.stores.files import FileRunLog


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


@tool(effect="pure")
async def scribble(x: dict[str, Any]) -> str:
    """Change what is given."""
    x["added"] = True
    return "done"


def echo(kind: Any = "any", **more: Any) -> Swarm:
    """Return a swarm that gives its input `x` back."""
    graph = Graph("echo", input={"x": kind})
    graph.output(graph.tool("kept", keep, x=graph.input.x))
    return Swarm(graph, **more)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (nested(10_000), "nests more than 64 deep"),
        (circle(), "nests more than 64 deep"),
        (math.nan, "x: nan is not plain data"),
        ([1.0, -math.inf], "x[1]: -inf is not plain data"),
        (10**5_000, "x: the number is too long"),
        ({"a": object()}, "x.a: object is not plain data"),
        (b"bytes", "x: bytes is not plain data"),
        ({1: "a", "1": "b"}, "two keys are '1' as text"),
        ({None: "a"}, "the key None is not text"),
        ((number for number in range(3)), "x: generator is not plain data"),
    ],
    ids=["deep", "circle", "nan", "inf", "digits", "object", "bytes", "twins", "no key", "generator"],
)
async def test_what_is_no_plain_data_is_refused_before_the_run_and_named(value: Any, said: str) -> None:
    told: list[Event] = []
    async with echo(listeners=[told.append]) as swarm:
        with pytest.raises(InputError) as caught:
            await swarm.run(x=value)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1_000
    assert told == []


async def test_every_misfit_is_named_at_once() -> None:
    graph = Graph("two", input={"a": "number", "b": "string"})
    graph.output(graph.reply("r", "{{ input.b }}"))
    async with Swarm(graph) as swarm:
        with pytest.raises(InputError) as caught:
            await swarm.run(a=math.nan, c=1)
    assert all(said in str(caught.value) for said in ("a: nan", "b: missing", "c: unknown"))


async def test_ten_megabytes_are_refused_with_the_limit_and_how_to_raise_it() -> None:
    async with echo("string") as swarm:
        with pytest.raises(LimitExceededError, match=r"4,000,000 bytes\n  fix: .*Limits\(input_bytes"):
            await swarm.run(x="x" * 10_000_000)
    async with echo("string", limits=Limits(input_bytes=20_000_000)) as swarm:
        assert (await swarm.run(x="x" * 500_000)).status == "completed"


async def test_many_inputs_count_together() -> None:
    graph = Graph("many", input={name: "string" for name in ("a", "b", "c")})
    graph.output(graph.reply("r", "{{ input.a }}{{ input.b }}{{ input.c }}"))
    async with Swarm(graph, limits=Limits(input_bytes=1_000)) as swarm:
        with pytest.raises(LimitExceededError):
            await swarm.run(a="x" * 400, b="x" * 400, c="x" * 400)


@pytest.mark.parametrize("text", ["", " \n ", "a\0b", "half \ud800 pair", "\u202eevil", "pаypal", "🦊" * 100])
async def test_any_text_goes_through_and_its_json_and_its_saved_run_are_whole(
    text: str, tmp_path: Path
) -> None:
    log = FileRunLog(tmp_path, warn=pytest.fail)
    async with echo("string", listeners=[log.append]) as swarm:
        result = await swarm.run(x=text)
    assert result.output == text
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["output"] == text
    raw = (tmp_path / f"{result.id}.jsonl").read_bytes()
    assert all(json.loads(line) for line in raw.decode("utf-8").splitlines())
    assert log.read(result.id).damaged == ()


async def test_python_values_that_have_a_plain_form_take_it() -> None:
    @dataclass
    class Order:
        number: int
        placed: date

    async with echo() as swarm:
        result = await swarm.run(x=(Order(7, date(2026, 3, 14)), {3, 1}))
    assert result.output == [{"number": 7, "placed": "2026-03-14"}, [1, 3]]


async def test_what_the_caller_changes_later_does_not_reach_the_run() -> None:
    given = {"a": [1]}

    def listen(_event: Event) -> None:
        given["a"].append(2)

    async with echo(listeners=[listen]) as swarm:
        result = await swarm.run(x=given)
    assert result.output == {"a": [1]}


async def test_a_default_is_not_shared_between_runs() -> None:
    graph = Graph("default", input={"x": {"type": ["integer"], "default": [1]}})
    graph.reply("hello", "Hello!")
    graph.output(graph.input.x)
    async with Swarm(graph) as swarm:
        (await swarm.run()).output.append(2)
        assert (await swarm.run()).output == [1]


async def test_a_tool_that_changes_its_arguments_changes_them_for_nobody_else() -> None:
    graph = Graph("shared", input={"x": "any"})
    one = graph.tool("one", scribble, x=graph.input.x)
    two = graph.tool("two", scribble, x=graph.input.x, after=one)
    graph.output(graph.tool("kept", keep, x=graph.input.x, after=two))
    given: dict[str, Any] = {}
    async with Swarm(graph) as swarm:
        assert (await swarm.run(x=given)).output == {}
    assert given == {}


HOSTILE_FILES = {
    "an open bracket": "{",
    "json": '{"swarm": 1,',
    "brackets, deep": "[" * 10_000,
    "dashes, deep": "- " * 20_000,
    "question marks, deep": "? " * 5_000,
    "aliases": "a: &a [x]\nb: *a\n",
    "a tag": "name: !!python/object/apply:os.system [ls]\n",
    "ten megabytes": "x: '" + "y" * 10_000_000 + "'\n",
    "nul": "name: a\0b\n",
    "half a pair": 'name: "\\ud800"\n',
    "nothing": "",
    "a list": "[1, 2]",
    "a look-alike field": "nоdes: {}\n",
    "a key twice": "name: a\nname: b\n",
    "a template of brackets": "nodes: {a: {reply: '" + "{{ " * 5_000 + "'}}\n",
    "a template of ifs": "nodes: {a: {reply: '" + "{% if input %}" * 200 + "{% endif %}" * 200 + "'}}\n",
    "a condition of brackets": "nodes: {a: {reply: x, when: '" + "(" * 400 + "input" + ")" * 400 + "'}}\n",
    "a number of 400 digits": f"nodes: {{a: {{reply: x, timeout: {'9' * 400}}}}}\n",
}


@pytest.mark.parametrize("text", HOSTILE_FILES.values(), ids=HOSTILE_FILES.keys())
def test_a_file_that_is_an_attack_is_a_list_of_problems(text: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.swarm.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        Swarm.load(path)
    assert caught.value.problems
    assert len(str(caught.value)) < 20_000, "an error is for a person: cut what it quotes"


NAMED = {
    "a folder above": "examples: ../../secret",
    "an absolute path": "examples: /etc/hostname",
    "the home folder": "examples: ~/secret",
    "a link outside": "examples: link.jsonl",
    "a file behind a link": "examples: folder/secret.jsonl",
    "a pipe": "examples: pipe.jsonl",
    "a name too long": f"examples: {'a' * 5_000}",
    "a pattern above": "documents: ['../*.md']",
    "a pattern behind a link": "documents: ['folder/*.jsonl']",
    "a prompt above": "prompt: ../prompt.md",
    "an expert above": "use: ../../secret",
}


@pytest.mark.parametrize("line", NAMED.values(), ids=NAMED.keys())
def test_a_file_that_names_what_is_not_its_own_is_refused(line: str, tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret.jsonl").write_text('{"text": "SECRET", "label": "a"}\n')
    (inside / "link.jsonl").symlink_to(outside / "secret.jsonl")
    (inside / "folder").symlink_to(outside)
    os.mkfifo(inside / "pipe.jsonl")
    use = (
        ""
        if line.startswith("use")
        else "use: writer, "
        if "doc" in line or "prompt" in line
        else "use: intent, "
    )
    path = inside / "g.swarm.yaml"
    path.write_text(
        f"swarm: 1\nname: g\nexperts: {{e: {{{use}{line}}}}}\nnodes: {{a: {{reply: hello}}}}\noutput: a\n"
    )
    with pytest.raises(SpecError) as caught:
        Swarm.load(path)
    assert "SECRET" not in str(caught.value)


def test_documents_in_folders_that_lead_in_a_circle_are_found_once(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("Parcels take two days.")
    (tmp_path / "docs" / "again").symlink_to(tmp_path)
    path = tmp_path / "g.swarm.yaml"
    path.write_text(
        "swarm: 1\nname: g\ninput: {q: string}\nexperts: {e: {use: writer, documents: ['**/*.md']}}\n"
        "nodes: {a: {expert: e, with: {question: input.q}}}\noutput: a\n"
    )
    node = Swarm.load(path).plan.nodes[0]
    assert node.expert is not None
    assert [one.name for one in node.expert.documents] == ["docs/a.md"]


async def test_an_error_is_one_of_ours_whatever_is_wrong() -> None:
    async with echo("messages") as swarm:
        values: list[Any] = ["text", [1], [{"role": "root", "content": "x"}], [{"role": "user"}], {}, None]
        for value in values:
            with pytest.raises(SwarmError):
                await swarm.run(x=value)
