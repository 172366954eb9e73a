"""What is checked before anything runs: all problems at once, in a file and in Python alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm import Expert, Graph, InputError, LimitExceededError, Limits, SpecError, Swarm, tool

SORTED = Expert(
    kind="classify",
    description="Sorts.",
    labels={"refund": "Money back", "other": "Anything else"},
    examples=[{"text": f"give me my money back {n}", "label": "refund"} for n in range(5)]
    + [{"text": f"what a nice day {n}", "label": "other"} for n in range(5)],
    input={"text": "string"},
    cascade=["embedded/ngram"],
)


@tool(effect="pure")
async def lookup(order_id: str) -> dict[str, str]:
    """Find an order."""
    return {"id": order_id}


def codes(error: SpecError) -> list[str]:
    return sorted(problem.code for problem in error.problems)


def load(folder: Path, text: str) -> Swarm:
    path = folder / "graph.swarm.yaml"
    path.write_text(text, encoding="utf-8")
    return Swarm.load(path, tools=[lookup])


def test_everything_wrong_with_a_file_is_told_at_once_each_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(
            tmp_path,
            """swarm: 1
name: wrong
input:
  message: string
nodes:
  order:
    tool: lookup
    with: {order: input.message}
  call:
    tool: phone
  paint:
    reply: red
    colour: red
  end:
    reply: "{{ input.mesage }} {{ ordr.id }}"
    when: input.urgent
output: [end, nowhere]
""",
        )
    found = {(problem.code, problem.line) for problem in caught.value.problems}
    assert found >= {
        ("SW044", 6),  # lookup is not given its `order_id`
        ("SW045", 8),  # and takes no `order`
        ("SW041", 10),  # no tool `phone`
        ("SW010", 13),  # no field `colour`
        ("SW032", 15),  # `mesage`
        ("SW051", 15),  # `ordr`
        ("SW032", 16),  # `urgent`
        ("SW043", 17),  # `nowhere`
    }
    assert "did you mean 'message'?" in str(caught.value)
    assert all(
        problem.file.endswith("graph.swarm.yaml") and problem.col > 0 for problem in caught.value.problems
    )


def test_a_circle_is_told_with_its_nodes() -> None:
    graph = Graph("circle")
    graph.reply("a", "{{ b.text }}")
    graph.reply("b", "{{ c.text }}")
    graph.output(graph.reply("c", "{{ a.text }}"))
    with pytest.raises(SpecError) as caught:
        Swarm(graph)
    (problem,) = [problem for problem in caught.value.problems if problem.code == "SW021"]
    assert all(name in problem.message for name in "abc")


def test_a_node_that_can_never_run_is_told() -> None:
    graph = Graph("never", input={"n": int})
    one = graph.reply("one", "one", when="input.n == 1")
    graph.output(graph.reply("two", f"{one.text}", when="input.n == 2"))
    with pytest.raises(SpecError):
        Swarm(graph)


def test_a_name_that_is_taken_is_refused() -> None:
    graph = Graph("twice")
    graph.reply("one", "1")
    with pytest.raises(SpecError, match="another node called 'one'"):
        graph.reply("one", "2")


def test_a_value_of_the_wrong_type_between_two_nodes_is_refused() -> None:
    @tool(effect="pure")
    async def count() -> int:
        return 1

    graph = Graph("types")
    graph.output(graph.tool("order", lookup, order_id=graph.tool("count", count)))
    with pytest.raises(SpecError) as caught:
        Swarm(graph)
    assert codes(caught.value) == ["SW046"]


def test_a_label_that_never_comes_is_refused() -> None:
    graph = Graph("labels", input={"message": str})
    triage = graph.expert("triage", SORTED, text=graph.input.message)
    graph.output(graph.reply("end", "ok", when=triage.label == "refunds"), graph.reply("rest", "no"))
    with pytest.raises(SpecError) as caught:
        Swarm(graph)
    assert codes(caught.value) == ["SW034"]
    assert "did you mean 'refund'?" in str(caught.value)


def test_a_value_that_some_way_through_the_graph_does_not_give_is_refused() -> None:
    graph = Graph("maybe", input={"flag": bool})
    maybe = graph.reply("maybe", "yes", when=graph.input.flag)
    graph.output(graph.reply("end", f"{maybe.text}"))
    with pytest.raises(SpecError) as caught:
        Swarm(graph)
    assert codes(caught.value) == ["SW033"]
    assert "maybe?" in str(caught.value)


async def test_a_graph_in_python_and_its_file_are_the_same_graph(tmp_path: Path) -> None:
    graph = Graph("support", input={"message": str, "order_id": "string?"})
    triage = graph.expert("triage", SORTED, text=graph.input.message)
    order = graph.tool("order", lookup, order_id=graph.input.message, when=triage.label == "other")
    refund = graph.reply("refund", "Money back: {{ input.message }}", when=triage.label == "refund")
    graph.output(refund, order)
    text = graph.to_yaml()
    async with Swarm(graph) as composed, load(tmp_path, text) as loaded:
        for message in ("give me my money back 7", "what a nice day 8"):
            one, two = await composed.run(message=message), await loaded.run(message=message)
            assert (one.status, one.output, one.path) == (two.status, two.output, two.path)
            assert one.confidence == two.confidence
    assert Graph.from_spec(graph.spec, tools=[lookup]).to_yaml() == text


def test_a_mistake_in_python_and_in_a_file_is_the_same_mistake(tmp_path: Path) -> None:
    graph = Graph("same", input={"message": str})
    order = graph.tool("order", lookup, order_id=graph.input.message)
    graph.output(graph.reply("end", f"{graph.input.mesage}", when=order.idd == "1"))
    with pytest.raises(SpecError) as composed:
        Swarm(graph)
    with pytest.raises(SpecError) as loaded:
        load(tmp_path, graph.to_yaml())
    assert codes(composed.value) == codes(loaded.value)
    assert [p.message for p in composed.value.problems] == [p.message for p in loaded.value.problems]


@pytest.mark.parametrize(
    "line",
    [
        "tools: !!python/object/apply:os.system ['touch pwned']",
        "description: !!python/name:os.system ''",
        "tools: ../../secret.py",
    ],
)
def test_reading_a_file_runs_nothing_and_leaves_its_folder_for_nothing(tmp_path: Path, line: str) -> None:
    with pytest.raises(SpecError):
        load(tmp_path, f'swarm: 1\nname: evil\n{line}\nnodes:\n  end: {{reply: "hi"}}\noutput: end\n')
    assert not (tmp_path / "pwned").exists()


def test_checking_a_file_does_not_import_its_tools(tmp_path: Path) -> None:
    from swarm._app.check import check_file

    (tmp_path / "tools.py").write_text(
        "from pathlib import Path\nfrom swarm import tool\n"
        f"Path({str(tmp_path / 'imported')!r}).touch()\n"
        '@tool(effect="pure")\nasync def now() -> str:\n    """Say when."""\n    return "now"\n',
        encoding="utf-8",
    )
    (tmp_path / "g.swarm.yaml").write_text(
        "swarm: 1\nname: g\ntools: tools.py\nnodes:\n  now: {tool: now}\noutput: now\n", encoding="utf-8"
    )
    assert check_file(tmp_path / "g.swarm.yaml") == ()
    assert not (tmp_path / "imported").exists()


async def test_every_misfit_of_an_input_is_told_before_anything_runs() -> None:
    graph = Graph("inputs", input={"message": str, "count": int, "note": "string?"})
    graph.output(graph.reply("end", "{{ input.message }} {{ input.count }} {{ input.note }}"))
    async with Swarm(graph) as swarm:
        with pytest.raises(InputError) as caught:
            await swarm.run(count="three", colour="red")
        assert (await swarm.run(message="m", count=3)).text == "m 3 "
    for part in ("message: missing", "count: expected integer", "colour: unknown", "note: string?"):
        assert part in str(caught.value)


async def test_an_input_larger_than_the_limit_is_refused_with_the_limit() -> None:
    graph = Graph("large", input={"message": str})
    graph.output(graph.reply("end", "{{ input.message }}"))
    async with Swarm(graph, limits=Limits(input_bytes=1_000)) as swarm:
        with pytest.raises(LimitExceededError, match="1,000"):
            await swarm.run(message="x" * 2_000)
