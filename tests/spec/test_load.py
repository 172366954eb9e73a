"""Loading a file: what it says, everything wrong with it at once, and where."""

import subprocess
import sys
from pathlib import Path

import pytest

from swarm.errors import Problem
from swarm.spec.findings import Finding
from swarm.spec.graph import EachNode, GraphSpec, ReplyNode
from swarm.spec.load import LoadedGraph, load_expert, load_graph, load_text

HEAD = "swarm: 1\nname: shop\n"
GOOD = HEAD + "nodes:\n  hello: {reply: Hello.}\noutput: hello\n"


def codes(loaded: LoadedGraph) -> list[str]:
    return [f"{problem.code}:{problem.line}:{problem.col}" for problem in loaded.problems()]


def only(loaded: LoadedGraph) -> Problem:
    (problem,) = loaded.problems()
    return problem


def with_params(text: str) -> LoadedGraph:
    return load_text(HEAD + f"nodes:\n  hello:\n    reply: Hello.\n    params:\n{text}\noutput: hello\n")


def params(text: str) -> dict[str, object]:
    loaded = with_params(text)
    assert loaded.problems() == ()
    assert loaded.spec is not None
    return loaded.spec.nodes["hello"].params


# --- what a file says


def test_a_file_gives_the_graph_that_its_data_would_give() -> None:
    text = HEAD + (
        "input: {message: string, count: integer?}\n"
        "models:\n  small: ollama/qwen3:4b\n  far: {model: openai/x, key: env:KEY}\n"
        "experts:\n  triage: {use: intent, labels: {a: first, b: second}}\n"
        "nodes:\n"
        "  triage: {expert: triage, with: {text: input.message}}\n"
        "  notes: {each: input.list, as: doc, do: {nodes: {a: {reply: A}, b: {reply: B}}, output: b}}\n"
        "  wait: {reply: Wait., timeout: 2d, after: [triage]}\n"
        "output: [wait, triage]\n"
    )
    data = {
        "swarm": 1,
        "name": "shop",
        "input": {"message": "string", "count": "integer?"},
        "models": {"small": "ollama/qwen3:4b", "far": {"model": "openai/x", "key": "env:KEY"}},
        "experts": {"triage": {"use": "intent", "labels": {"a": "first", "b": "second"}}},
        "nodes": {
            "triage": {"expert": "triage", "with": {"text": "input.message"}},
            "notes": {
                "each": "input.list",
                "as": "doc",
                "do": {"nodes": {"a": {"reply": "A"}, "b": {"reply": "B"}}, "output": "b"},
            },
            "wait": {"reply": "Wait.", "timeout": "2d", "after": ["triage"]},
        },
        "output": ["wait", "triage"],
    }
    loaded = load_text(text)
    assert loaded.problems() == ()
    assert loaded.spec == GraphSpec.model_validate(data)


def test_words_that_old_yaml_took_for_booleans_stay_text() -> None:
    assert params("      {a: yes, b: no, c: on, d: off, e: y}") == {
        "a": "yes", "b": "no", "c": "on", "d": "off", "e": "y",
    }  # fmt: skip


def test_scalars_mean_what_yaml_1_2_says_and_only_json_comes_out() -> None:
    text = (
        "      {a: 12, b: -1.5e3, c: 0x1F, d: true, e: ~, f: 2026-01-31, g: .inf, h: 1e999, i: 007, j: '12'}"
    )
    assert params(text) == {
        "a": 12, "b": -1500.0, "c": 31, "d": True, "e": None, "f": "2026-01-31", "g": ".inf", "h": "1e999",
        "i": 7, "j": "12",
    }  # fmt: skip


def test_every_key_is_text() -> None:
    assert params("      {404: not found, true: yes}") == {"404": "not found", "true": "yes"}


def test_a_number_with_thousands_of_digits_stays_text() -> None:
    assert params(f"      n: {'9' * 5000}") == {"n": "9" * 5000}


def test_an_optional_type_may_stand_inside_braces() -> None:
    loaded = load_text(GOOD.replace("nodes:", "input: {message: string?, list: [integer]}\nnodes:"))
    assert loaded.problems() == ()
    assert loaded.spec is not None
    assert str(loaded.spec.input["message"]) == "string?"


def test_importing_the_loader_does_not_import_the_yaml_library() -> None:
    code = "import sys, swarm.spec.load; print('ruamel.yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- everything wrong at once


def test_all_mistakes_of_a_file_are_reported_in_its_order() -> None:
    loaded = load_text(
        "name: shop\n"
        "input: {message: strng}\n"
        "nodes:\n"
        "  hello: {reply: Hello., refusal: yes}\n"
        "  both: {reply: Hi., tool: wave}\n"
        "  none: {when: input.message}\n"
        "  ok: {reply: Fine., retyr: 3}\n"
        "output: [ok, 5]\n"
    )
    assert codes(loaded) == [
        "SW017:2:18", "SW012:4:35", "SW013:5:22", "SW014:6:3", "SW010:7:22", "SW012:8:14",
    ]  # fmt: skip


def test_a_broken_node_does_not_hide_its_sound_siblings() -> None:
    loaded = load_text(HEAD + "nodes:\n  a: {reply: 1}\n  b: {reply: B}\noutput: b\n")
    assert loaded.spec is not None
    assert loaded.broken == {("nodes", "a")}
    assert loaded.spec.nodes == {"b": ReplyNode(reply="B")}


def test_a_broken_node_in_a_body_leaves_the_rest_of_the_body() -> None:
    loaded = load_text(
        HEAD
        + "input: {docs: [string]}\nnodes:\n  notes:\n    each: input.docs\n    do:\n      nodes:\n"
        + "        a: {reply: 1}\n        b: {reply: B}\n      output: b\noutput: notes\n"
    )
    assert codes(loaded) == ["SW012:9:20"]
    assert loaded.broken == {("nodes", "notes", "do", "nodes", "a")}
    assert loaded.spec is not None
    notes = loaded.spec.nodes["notes"]
    assert isinstance(notes, EachNode)
    assert notes.do.model_dump(include={"nodes"})["nodes"].keys() == {"b"}


def test_an_input_of_an_unknown_type_is_still_an_input() -> None:
    loaded = load_text(GOOD.replace("nodes:", "input: {message: strng}\nnodes:"))
    assert loaded.spec is not None
    assert loaded.spec.input["message"].base == "any"
    assert loaded.broken == {("input", "message")}


def test_wrong_fields_of_the_head_leave_the_nodes() -> None:
    loaded = load_text("swarm: 2\nnodes:\n  hello: {reply: Hello.}\noutput: 4\n")
    assert codes(loaded) == ["SW011:1:1", "SW012:1:8", "SW012:4:9"]
    assert loaded.spec is not None
    assert loaded.spec.nodes.keys() == {"hello"}
    assert loaded.broken == {("swarm",), ("name",), ("output",)}


def test_a_file_without_nodes_gives_no_graph() -> None:
    assert load_text(HEAD + "output: hello\n").spec is None
    assert load_text("- a\n- b\n").spec is None
    assert load_text("").spec is None


def test_of_two_keys_the_second_is_reported_and_stands() -> None:
    loaded = load_text(HEAD + "nodes:\n  a: {reply: First.}\n  a: {reply: Second.}\noutput: a\n")
    assert codes(loaded) == ["SW002:5:3"]
    assert loaded.spec is not None
    assert loaded.spec.nodes["a"] == ReplyNode(reply="Second.")


def test_a_refused_value_is_reported_once_and_its_node_is_opaque() -> None:
    loaded = load_text(HEAD + "nodes:\n  a: {reply: A}\n  b:\n    reply: !x B\n    when: a.text\noutput: a\n")
    assert codes(loaded) == ["SW003:6:12"]
    assert loaded.broken == {("nodes", "b")}


def test_messages_are_ours_and_say_what_to_write() -> None:
    problem = only(load_text(GOOD.replace("Hello.}", "Hello., refusal: no}")))
    assert problem.message == "'refusal': expected true or false, got 'no'"
    assert problem.hint == "write true or false, without quotes"


def test_an_unknown_field_that_another_kind_has_says_which() -> None:
    problem = only(load_text(GOOD.replace("Hello.}", "Hello., concurrency: 3}")))
    assert problem.hint == "only expert, tool, route and each nodes have 'concurrency'"


def test_a_comment_after_a_label_called_when_is_no_trap() -> None:
    loaded = load_text(
        GOOD.replace("nodes:", "experts:\n  t:\n    use: intent\n    labels:\n      when: time # c\nnodes:")
    )
    assert loaded.problems() == ()


def test_a_comment_after_quoted_or_folded_text_is_no_trap() -> None:
    text = 'nodes:\n  a:\n    reply: "Hi." # c\n  b:\n    reply: >- # c\n      Hello.\noutput: a\n'
    assert load_text(HEAD + text).problems() == ()


# --- where


@pytest.mark.parametrize(
    ("written", "line", "col"),
    [
        ("    when: one.a and bad.b\n", 6, 21),
        ('    when: "one.a and bad.b"\n', 6, 22),
        ("    when: 'one.a and bad.b'\n", 6, 22),
        ("    when: 'one == ''x'' and bad.b'\n", 6, 29),
        ('    when: "one == \\"x\\" and bad.b"\n', 6, 29),
        ('    when: "\\u006Fne.a and bad.b"\n', 6, 27),
        ("    when: one.a\n      and bad.b\n", 7, 11),
        ("    when: >-\n      one.a\n      and bad.b\n", 8, 11),
        ("    when: |  # comment\n      one.a\n\n      and bad.b\n", 9, 11),
        ('    when: "one.a\n      and bad.b"\n', 7, 11),
        ('    when: "one.a\\n and bad.b"\n', 6, 24),
    ],
)
def test_a_place_inside_a_text_is_found_however_it_is_written(written: str, line: int, col: int) -> None:
    loaded = load_text(HEAD + f"nodes:\n  hello:\n    reply: Hello.\n{written}output: hello\n")
    assert loaded.spec is not None
    when = loaded.spec.nodes["hello"].when
    assert when is not None
    path = ("nodes", "hello", "when")
    problem = loaded.source.problem(
        Finding(code="SW031", message="no", path=path, offset=when.index("bad"), length=3)
    )
    assert (problem.line, problem.col, problem.length) == (line, col, 3)
    assert problem.source[problem.col - 1 :].startswith("bad")


def test_a_place_that_is_not_there_falls_back_to_the_nearest_above() -> None:
    source = load_text(GOOD).source
    problem = source.problem(Finding(code="SW044", message="no", path=("nodes", "hello", "with", "x")))
    assert (problem.line, problem.col, problem.length) == (4, 3, 5)


def test_windows_line_ends_do_not_move_a_place() -> None:
    loaded = load_text(GOOD.replace("Hello.}", "Hello., x: 1}").replace("\n", "\r\n"))
    problem = only(loaded)
    assert (problem.line, problem.col, problem.source) == (4, 26, "  hello: {reply: Hello., x: 1}")


def test_line_separators_inside_text_do_not_move_a_line() -> None:
    loaded = load_text(HEAD + 'description: "a\u2028b\x85c"\nnodes:\n  a: {rply: x}\noutput: a\n')
    assert codes(loaded) == ["SW010:5:7"]


def test_of_two_errors_at_one_value_the_first_stands_and_warnings_give_way() -> None:
    source = load_text(GOOD).source
    path = ("nodes", "hello", "reply")
    first, second = (Finding(code=code, message=code, path=path) for code in ("SW050", "SW051"))
    warning = Finding(code="SW090", message="w", path=path, severity="warning")
    assert [problem.code for problem in source.problems([warning, first, second, first])] == ["SW050"]


def test_the_rendered_problem_has_place_line_caret_and_advice() -> None:
    problem = only(load_text(GOOD.replace("reply:", "rply:"), file="shop.swarm.yaml"))
    assert problem.render().splitlines() == [
        "error[SW010]: unknown field 'rply'",
        "  --> shop.swarm.yaml:4:11",
        "  |",
        "4 |   hello: {rply: Hello.}",
        "  |           ^^^^",
        "  = help: did you mean 'reply'?",
    ]


# --- files


def test_the_file_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.swarm.yaml"
    path.write_text(GOOD.replace("reply", "rply"), encoding="utf-8")
    assert only(load_graph(path)).file == str(path)
    assert only(load_graph(path, shown="shop.swarm.yaml")).file == "shop.swarm.yaml"
    assert load_graph(path).folder == tmp_path


def test_a_missing_file_offers_the_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "shop.swarm.yaml").write_text(GOOD, encoding="utf-8")
    problem = only(load_graph(tmp_path / "shpo.swarm.yaml"))
    assert (problem.code, problem.hint) == ("SW020", "did you mean 'shop.swarm.yaml'?")


@pytest.mark.parametrize(
    ("content", "code", "line", "col"),
    [
        (b"\xef\xbb\xbfname: shop\n", "SW009", 1, 1),
        (b"name: sh\xffop\n", "SW009", 1, 1),
        (b"name: shop\nx: a\x00b\n", "SW009", 2, 5),
        (b"name: \xed\xa0\x80\n", "SW009", 1, 1),
        (b"a: " + b"x" * 2_000_000, "SW005", 1, 1),
        (b"a: " + b"[" * 100_000, "SW005", 1, 36),
        (b"? " * 100_000, "SW007", 1, 69),
        (b"a: [" + b"1," * 110_000 + b"]", "SW005", 1, 200_001),
        (b"a: !" + b"x" * 900_000, "SW005", 1, 4),
    ],
    ids=["bom", "latin1", "nul", "surrogate", "2MB", "deep", "deep keys", "many", "long tag"],
)
def test_a_hostile_file_is_refused_with_a_place(
    tmp_path: Path, content: bytes, code: str, line: int, col: int
) -> None:
    path = tmp_path / "graph.swarm.yaml"
    path.write_bytes(content)
    loaded = load_graph(path)
    assert loaded.spec is None
    problem = loaded.problems()[0]
    assert (problem.code, problem.line, problem.col) == (code, line, col)


def test_a_folder_is_no_graph(tmp_path: Path) -> None:
    assert only(load_graph(tmp_path)).message.endswith("cannot be read: it is a folder")


def test_lone_surrogates_in_a_text_are_refused() -> None:
    assert only(load_text("name: \ud800\n")).code == "SW009"


def test_nothing_in_a_file_is_imported_or_run(tmp_path: Path) -> None:
    path = tmp_path / "graph.swarm.yaml"
    path.write_text(f"a: !!python/object/apply:pathlib.Path.touch [{tmp_path}/owned]\n", encoding="utf-8")
    assert {problem.code for problem in load_graph(path).problems()} >= {"SW003"}
    assert not (tmp_path / "owned").exists()


def test_an_expert_of_its_own_file_is_loaded_like_one_of_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "expert.yaml"
    path.write_text("swarm: 1\nname: sorter\nkind: classify\nlabels: {a: first}\n", encoding="utf-8")
    loaded = load_expert(path)
    assert loaded.problems() == ()
    assert loaded.spec is not None
    assert loaded.spec.labels == {"a": "first"}
    path.write_text("name: sorter\nlabel: {a: first}\n", encoding="utf-8")
    loaded = load_expert(path)
    assert loaded.spec is None
    assert [(p.code, p.line) for p in loaded.problems()] == [("SW011", 1), ("SW010", 2)]
