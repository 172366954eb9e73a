"""`--set path.in.the.file=value`: what it changes, and that its mistakes point at the option."""

import json
from pathlib import Path

import pytest

from swarm.errors import Problem
from swarm.spec.graph import ExpertNode, GraphSpec
from swarm.spec.load import LoadedGraph, load_graph, load_text
from swarm.spec.registry import Registry, catalogue

GRAPH = """swarm: 1
name: shop
input: {message: string}
models:
  small: ollama/qwen3:4b
tools: tools.py
experts:
  triage:
    use: intent
    labels: {a: first, b: second}
    cascade: [embedded/ngram, small]
nodes:
  triage: {expert: triage, with: {text: input.message}}
  notes:
    each: input.message
    do: {nodes: {inner: {reply: Hello.}}, output: inner}
  hello: {reply: Hello.}
output: [triage, hello]
"""


def load(*options: str) -> LoadedGraph:
    return load_text(GRAPH, file="shop.swarm.yaml", overrides=options)


def graph(*options: str) -> GraphSpec:
    loaded = load(*options)
    assert loaded.problems() == ()
    assert loaded.spec is not None
    return loaded.spec


def problem(*options: str) -> Problem:
    (found,) = load(*options).problems()
    return found


def test_a_field_is_replaced() -> None:
    assert graph("models.small=openai/gpt-x").models == {"small": "openai/gpt-x"}


def test_the_value_is_yaml() -> None:
    spec = graph("experts.triage.labels={x: One, y: Two}", "experts.triage.options.seed=7")
    assert spec.experts["triage"].labels == {"x": "One", "y": "Two"}
    assert spec.experts["triage"].options == {"seed": 7}


def test_a_field_that_was_not_there_is_added_with_what_is_above_it() -> None:
    policy = graph("experts.triage.confidence.at_least=0.8").experts["triage"].confidence
    assert policy is not None
    assert policy.at_least == 0.8


def test_an_entry_of_a_list_is_named_by_its_number() -> None:
    spec = graph("output.1=notes", "experts.triage.cascade.0=scripted/x")
    assert spec.output == ["triage", "notes"]
    assert spec.experts["triage"].cascade == ["scripted/x", "small"]


def test_a_node_in_a_body_is_reached() -> None:
    spec = graph("nodes.notes.do.nodes.inner.reply=Bye.")
    assert spec.nodes["notes"].model_dump()["do"]["nodes"]["inner"]["reply"] == "Bye."


def test_later_options_go_over_earlier_ones() -> None:
    spec = graph("nodes.triage={expert: other}", "nodes.triage.expert=writer")
    node = spec.nodes["triage"]
    assert isinstance(node, ExpertNode)
    assert (node.expert, node.with_) == ("writer", {})


def test_a_value_may_hold_an_equals_sign() -> None:
    assert graph('nodes.hello.when=input.message == "x"').nodes["hello"].when == 'input.message == "x"'


def test_a_mistake_in_a_value_points_at_the_option() -> None:
    found = problem("nodes.hello.refusal=maybe")
    assert (found.code, found.file, found.line, found.col, found.length) == (
        "SW012", "--set nodes.hello.refusal", 1, 21, 5,
    )  # fmt: skip
    assert found.source == "nodes.hello.refusal=maybe"
    assert found.where == "--set nodes.hello.refusal:1:21"


def test_a_mistake_inside_a_value_has_its_column() -> None:
    found = problem("experts.triage.confidence={at_last: 0.5}")
    assert (found.code, found.col, found.hint) == ("SW010", 28, "did you mean 'at_least'?")


def test_an_unknown_field_points_at_the_option() -> None:
    found = problem("experts.triage.lables={a: x, b: y}")
    assert (found.code, found.file, found.col, found.hint) == (
        "SW010", "--set experts.triage.lables", 1, "did you mean 'labels'?",
    )  # fmt: skip


def test_a_place_inside_an_option_s_expression_is_found() -> None:
    loaded = load("nodes.hello.when=triage.confident and bad.x")
    from swarm.spec.findings import Finding

    finding = Finding(code="SW031", message="no", path=("nodes", "hello", "when"), offset=21, length=3)
    found = loaded.source.problem(finding)
    assert found.source[found.col - 1 :] == "bad.x"


def test_a_problem_of_the_file_still_points_at_the_file() -> None:
    loaded = load_text(GRAPH.replace("reply: Hello.}\n", "rply: Hello.}\n"), overrides=["name=other"])
    assert [(p.code, p.file) for p in loaded.problems()] == [("SW010", "graph.swarm.yaml")]


def test_a_value_of_the_file_that_was_wrong_can_be_replaced() -> None:
    loaded = load_text(
        GRAPH.replace("hello: {reply: Hello.}", "hello: {reply: !x y}"), overrides=["nodes.hello.reply=Hi."]
    )
    assert loaded.problems() == ()


@pytest.mark.parametrize(
    ("option", "message", "hint"),
    [
        ("tools=mine.py", "'tools' cannot be changed by an option", "change it in the file"),
        ("swarm=2", "'swarm' cannot be changed by an option", "change it in the file"),
        ("name", "--set 'name' has no '='", "write `--set path.in.the.file=value`"),
        ("=x", "'' is no path", "write `--set path.in.the.file=value`"),
        ("nodes..reply=x", "'nodes..reply' is no path", "write `--set path.in.the.file=value`"),
        ("nodes.helo.reply=x", "'nodes' has no 'helo'", "did you mean 'hello'?"),
        ("experts.triag.use=x", "'experts' has no 'triag'", "did you mean 'triage'?"),
        ("node.hello.reply=x", "a graph has no 'node'", "did you mean 'nodes'?"),
        ("output.2=x", "'output' is a list of 2, counted from 0: it has no '2'", ""),
        ("output.first=x", "'output' is a list of 2, counted from 0: it has no 'first'", ""),
        ("name.first=x", "'name' is 'shop': there is nothing in it to change", ""),
    ],
)
def test_an_option_that_cannot_be_applied_says_why(option: str, message: str, hint: str) -> None:
    found = problem(option)
    assert (found.code, found.message, found.source) == ("SW070", message, option)
    assert found.hint.startswith(hint)
    assert found.file == f"--set {option.partition('=')[0]}"


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("nodes.hello.reply={{ input.message }}", "SW007"),
        ("nodes.hello.reply=!x y", "SW003"),
        ("nodes.hello.reply=*a", "SW004"),
        ('nodes.hello.reply="open', "SW001"),
        ("nodes.hello.reply=a\x00b", "SW009"),
        ("nodes.hello.reply=" + "[" * 100, "SW005"),
    ],
)
def test_yaml_s_traps_are_caught_in_options_too(option: str, code: str) -> None:
    found = problem(option)
    assert (found.code, found.file) == (code, "--set nodes.hello.reply")


def test_a_new_option_s_data_file_is_relative_to_the_working_directory_and_may_be_anywhere(
    tmp_path: Path,
) -> None:
    home, work = tmp_path / "graphs", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    (home / "shop.swarm.yaml").write_text(GRAPH.replace("tools: tools.py\n", ""), encoding="utf-8")
    rows = "".join(
        json.dumps({"text": f"t{n}", "label": "ab"[n % 2], "split": "x"}) + "\n" for n in range(20)
    )
    (tmp_path / "train.jsonl").write_text(rows, encoding="utf-8")
    (work / "train.jsonl").write_text(rows, encoding="utf-8")
    for path in ("train.jsonl", "../train.jsonl", str(tmp_path / "train.jsonl")):
        loaded = load_graph(home / "shop.swarm.yaml", overrides=[f"experts.triage.examples={path}"])
        found, findings = catalogue(loaded, registry=Registry(cwd=work))
        assert loaded.problems(findings) == ()
        assert len(found.experts["triage"].examples) == 20


def test_a_data_file_of_an_option_that_is_not_there_points_at_the_option(tmp_path: Path) -> None:
    loaded = load_text(GRAPH.replace("tools: tools.py\n", ""), overrides=["experts.triage.examples=no.jsonl"])
    _, findings = catalogue(loaded, registry=Registry(cwd=tmp_path))
    (found,) = loaded.problems(findings)
    assert (found.code, found.file, found.col) == ("SW020", "--set experts.triage.examples", 25)
