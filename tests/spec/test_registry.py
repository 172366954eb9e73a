"""Finding experts, and resolving everything a graph's names stand for."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from swarm.errors import Problem, SpecError
from swarm.messages import ToolSignature
from swarm.spec.catalogue import Catalogue
from swarm.spec.expert import Expert
from swarm.spec.graph import ExpertNode, GraphSpec
from swarm.spec.load import load_graph
from swarm.spec.registry import Registry, bundled, catalogue

HEAD = "swarm: 1\nname: shop\ninput: {message: string}\n"
SORTER = "kind: classify\ninput: {text: string}\ncascade: [embedded/ngram]\n"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def rows(*pairs: tuple[str, str]) -> str:
    return "".join(json.dumps({"id": "x", "text": text, "label": label}) + "\n" for text, label in pairs)


def resolve(folder: Path, text: str, *options: str, **more: object) -> tuple[Catalogue, list[Problem]]:
    path = folder / "shop.swarm.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    loaded = load_graph(path, shown="shop.swarm.yaml", overrides=options)
    registry = Registry(cwd=folder / "work", **more)  # type: ignore[arg-type]
    found, findings = catalogue(loaded, registry=registry)
    problems = loaded.problems(findings)
    return found, [problem for problem in problems if problem.severity == "error"]


def told(problems: list[Problem]) -> list[tuple[str, int, str]]:
    return [(problem.code, problem.line, problem.message) for problem in problems]


def uses(expert: str, *lines: str) -> str:
    written = "".join(f"    {line}\n" for line in lines)
    return (
        f"experts:\n  {expert}:\n{written}" if lines else ""
    ) + f"nodes:\n  it: {{expert: {expert}, with: {{text: input.message}}}}\noutput: it\n"


# --- finding


def test_the_bundled_experts_are_found_and_say_so() -> None:
    folder = bundled()
    assert folder is not None
    registry = Registry(cwd=folder)
    assert {"intent", "writer", "summarizer", "coder", "moderator"} <= set(registry.names())
    assert registry.get("summarizer").origin == "bundled"
    assert registry.get("writer").main_input == "question"


def test_an_expert_is_looked_for_in_python_then_paths_then_the_project_then_the_bundled(
    tmp_path: Path,
) -> None:
    for folder in ("a", "work/experts"):
        for name in ("one", "two", "intent"):
            write(tmp_path, {f"{folder}/{name}/expert.yaml": SORTER + f"description: {folder}\n"})
    registry = Registry(
        experts={"one": Expert(use="two", description="python")},
        paths=[tmp_path / "a"],
        cwd=tmp_path / "work",
    )
    assert registry.get("one").origin == "python"
    assert registry.get("two").origin == str(tmp_path / "a")
    registry = Registry(cwd=tmp_path / "work")
    assert (registry.get("intent").origin, registry.get("writer").origin) == ("./experts", "bundled")


def test_an_explicit_path_may_be_an_expert_itself(tmp_path: Path) -> None:
    write(tmp_path, {"sorter/expert.yaml": SORTER})
    assert Registry(paths=[tmp_path / "sorter"], cwd=tmp_path).get("sorter").kind == "classify"


def test_an_expert_may_start_from_the_one_it_hides(tmp_path: Path) -> None:
    write(tmp_path, {"experts/writer/expert.yaml": "use: writer\ndescription: Ours.\n"})
    writer = Registry(cwd=tmp_path).get("writer")
    assert (writer.origin, writer.description, writer.kind) == ("./experts", "Ours.", "write")


def test_experts_that_use_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"experts/a/expert.yaml": "use: b\n", "experts/b/expert.yaml": "use: a\n"})
    with pytest.raises(SpecError, match="'a' uses itself"):
        Registry(cwd=tmp_path).get("a")


def test_an_unknown_expert_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="did you mean 'summarizer'"):
        Registry(cwd=tmp_path).get("sumarizer")


def test_a_wrong_expert_file_is_told_with_its_own_place(tmp_path: Path) -> None:
    write(tmp_path, {"work/experts/sorter/expert.yaml": SORTER + "lables: {a: first}\n"})
    _, problems = resolve(tmp_path, uses("sorter"))
    (problem,) = problems
    assert (problem.code, problem.line) == ("SW010", 5)
    assert problem.message.endswith("sorter/expert.yaml:4:1: unknown field 'lables'")


def test_an_expert_is_called_like_its_folder(tmp_path: Path) -> None:
    write(tmp_path, {"experts/sorter/expert.yaml": SORTER + "name: sortr\n"})
    with pytest.raises(SpecError, match="called 'sortr', its folder 'sorter'"):
        Registry(cwd=tmp_path).get("sorter")


# --- one expert from its layers


def test_keys_beside_use_replace_whole_keys(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "work/experts/sorter/expert.yaml": SORTER
            + "options: {num_ctx: 1, top_k: 2}\nlabels: {a: first, b: x}\n",
        },
    )
    found, problems = resolve(tmp_path, uses("mine", "use: sorter", "options: {top_k: 9}"))
    assert problems == []
    mine = found.experts["mine"]
    assert mine.options == {"temperature": 0, "num_ctx": 4096, "top_k": 9}
    assert (mine.labels, mine.origin, mine.file) == ({"a": "first", "b": "x"}, "graph", "shop.swarm.yaml")


def test_labels_are_those_of_the_examples_when_none_are_written(tmp_path: Path) -> None:
    write(tmp_path, {"work/experts/sorter/expert.yaml": SORTER, "e.jsonl": rows(("hi", "b"), ("ho", "a"))})
    found, problems = resolve(tmp_path, uses("mine", "use: sorter", "examples: e.jsonl"))
    assert problems == []
    assert list(found.experts["mine"].labels) == ["b", "a"]
    assert found.experts["mine"].examples == (("hi", "b"), ("ho", "a"))


def test_new_labels_drop_inherited_examples_of_other_labels(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "work/experts/sorter/expert.yaml": SORTER + "labels: {a: x, b: y}\nexamples: e.jsonl\n",
            "work/experts/sorter/e.jsonl": rows(("hi", "b"), ("ho", "a")),
        },
    )
    found, problems = resolve(tmp_path, uses("mine", "use: sorter", "labels: {a: x, c: z}"))
    assert problems == []
    assert found.experts["mine"].examples == (("ho", "a"),)


def test_examples_may_be_cases_with_input_and_expected(tmp_path: Path) -> None:
    cases = [
        {"input": {"text": "hi"}, "expected": {"label": "a"}},
        {"input": "ho", "expected": "b"},
        {"text": "hey", "label": "a", "split": "train"},
    ]
    write(tmp_path, {"e.jsonl": "\n".join(map(json.dumps, cases)) + "\n\n"})
    found, problems = resolve(tmp_path, uses("mine", *SORTER.splitlines(), "examples: e.jsonl"))
    assert problems == []
    assert found.experts["mine"].examples == (("hi", "a"), ("ho", "b"), ("hey", "a"))


def test_examples_may_be_written_into_the_graph(tmp_path: Path) -> None:
    lines = ("examples:", "  - {text: hi, label: a}", "  - {text: ho, label: b}")
    found, _ = resolve(tmp_path, uses("mine", *SORTER.splitlines(), *lines))
    assert list(found.experts["mine"].labels) == ["a", "b"]


def test_bad_rows_are_told_by_line_the_first_few_only(tmp_path: Path) -> None:
    text = rows(("hi", "a")) + '{"text": "x"}\n[]\n{oops\n{"text": " ", "label": "a"}\n'
    write(tmp_path, {"e.jsonl": text})
    _, problems = resolve(tmp_path, uses("mine", *SORTER.splitlines(), "examples: e.jsonl"))
    (problem,) = problems
    assert problem.message.startswith(
        "bad rows in 'e.jsonl': line 2: no 'label'; line 3: not an object {...}; line 4: "
    )
    assert problem.message.endswith("; and 1 more")


def test_harmless_examples_of_a_moderator_have_no_label(tmp_path: Path) -> None:
    lines = ("kind: moderate", "input: {text: string}", "labels: {hate: x}", "cascade: [embedded/moderator]",
             "examples:", "  - {text: bad, label: hate}", "  - {text: fine, label: null}",
             "  - {input: {text: nice}, expected: {flagged: false, category: null}}")  # fmt: skip
    found, problems = resolve(tmp_path, uses("mine", *lines))
    assert problems == []
    assert found.experts["mine"].examples == (("bad", "hate"), ("fine", ""), ("nice", ""))


def test_the_key_changes_with_examples_labels_and_documents_only(tmp_path: Path) -> None:
    def key(*lines: str) -> str:
        return resolve(tmp_path, uses("mine", *SORTER.splitlines(), *lines))[0].experts["mine"].key

    write(tmp_path, {"e.jsonl": rows(("hi", "a"), ("ho", "b")), "f.jsonl": rows(("hi", "a"), ("hu", "b"))})
    first = key("examples: e.jsonl")
    assert key("examples: e.jsonl", "options: {top_k: 3}") == first
    assert len({first, key("examples: f.jsonl"), key("examples: e.jsonl", "labels: {a: x, b: y}")}) == 3


def test_documents_are_read_by_pattern_with_their_names(tmp_path: Path) -> None:
    write(tmp_path, {"docs/b.md": "B", "docs/a.md": "A", "docs/c.txt": "C"})
    found, problems = resolve(tmp_path, uses("mine", "use: writer", "documents: ['docs/*.md', docs/c.txt]"))
    assert problems == []
    assert [(d.name, d.text) for d in found.experts["mine"].documents] == [
        ("docs/a.md", "A"), ("docs/b.md", "B"), ("docs/c.txt", "C"),
    ]  # fmt: skip


def test_a_prompt_is_a_file_or_several_lines(tmp_path: Path) -> None:
    write(tmp_path, {"p.md": "From a file."})
    found, _ = resolve(tmp_path, uses("mine", "use: writer", "prompt: p.md"))
    assert found.experts["mine"].prompt == "From a file."
    assert found.experts["mine"].prompt_file.endswith("p.md")
    found, _ = resolve(
        tmp_path, uses("mine", "use: writer", "prompt: |", "  Answer: {{ question }}", "  Now.")
    )
    assert found.experts["mine"].prompt == "Answer: {{ question }}\nNow.\n"
    _, problems = resolve(tmp_path, uses("mine", "use: writer", "prompt: 'Answer {{ question }}'"))
    assert problems[0].hint == "a template of your own begins on the next line, after `prompt: |`"


def test_questions_become_typed_questions(tmp_path: Path) -> None:
    lines = ("kind: decide", "input: {text: string}", "cascade: [ollama/x]", "questions:",
             "  urgent: {yes_no: Is it urgent?}", "  mood: {choice: {good: null, bad: Angry}, ask: Which mood?}",
             "  size: {score: [low, mid, high]}")  # fmt: skip
    found, problems = resolve(tmp_path, uses("mine", *lines))
    assert problems == []
    mine = found.experts["mine"]
    assert {name: question.type for name, question in mine.questions.items()} == {
        "urgent": "yes_no", "mood": "choice", "size": "score",
    }  # fmt: skip
    assert mine.questions["mood"].options == {"good": "", "bad": "Angry"}
    assert list(mine.output.fields) == ["urgent", "mood", "size", "probabilities"]


def test_logical_models_are_resolved_with_server_and_key(tmp_path: Path) -> None:
    models = (
        "models:\n  near: ollama/hf.co/a/b:Q4_K_M\n"
        "  far: {model: openai/x, url: http://127.0.0.1:8000/v1, key: env:KEY, options: {seed: 1}}\n"
    )
    found, problems = resolve(
        tmp_path, models + uses("mine", "use: writer", "cascade: [near, far, scripted/s]")
    )
    assert problems == []
    near, far, scripted = found.experts["mine"].cascade
    assert (near.backend, near.name, str(scripted)) == ("ollama", "hf.co/a/b:Q4_K_M", "scripted/s")
    assert (far.url, far.key_env, far.options) == ("http://127.0.0.1:8000/v1", "KEY", {"seed": 1})


# --- what a graph uses


def test_the_graph_s_own_expert_hides_a_registered_one(tmp_path: Path) -> None:
    found, problems = resolve(tmp_path, uses("writer", "use: writer", "description: Mine."))
    assert problems == []
    assert (found.experts["writer"].origin, found.experts["writer"].description) == ("graph", "Mine.")


def test_experts_in_bodies_and_routes_are_resolved_at_their_place(tmp_path: Path) -> None:
    text = (
        "nodes:\n"
        "  a: {each: input.message, do: {expert: nobody, with: {text: item}}}\n"
        "  b: {each: input.message, do: {nodes: {c: {expert: coder}, d: {expert: nothing}}, output: c}}\n"
        "  e: {route: [writer, sumarizer]}\n"
        "output: a\n"
    )
    found, problems = resolve(tmp_path, text)
    assert [(p.code, p.line, p.message) for p in problems] == [
        ("SW040", 5, "unknown expert 'nobody'"),
        ("SW040", 6, "unknown expert 'nothing'"),
        ("SW040", 7, "unknown expert 'sumarizer'"),
    ]
    assert problems[2].hint == "did you mean 'summarizer'?"
    assert set(found.experts) == {"coder", "writer"}
    assert found.broken == {"nobody", "nothing", "sumarizer"}


def test_an_expert_without_labels_is_refused_only_where_a_node_uses_it(tmp_path: Path) -> None:
    _, problems = resolve(tmp_path, uses("intent"))
    assert told(problems) == [("SW048", 5, "intent has no labels: give labels or examples")]
    _, problems = resolve(tmp_path, uses("mine", "use: intent", "labels: {a: x, b: y}"))
    assert problems == []


def test_route_all_may_choose_whoever_one_text_is_enough_for(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "work/experts/pair/expert.yaml": "kind: write\ninput: {a: string, b: string}\ncascade: [ollama/x]\n"
        },
    )
    found, problems = resolve(
        tmp_path, "nodes: {it: {route: all, with: {task: input.message}}}\noutput: it\n"
    )
    assert problems == []
    assert {"writer", "summarizer", "coder"} <= set(found.routable)
    assert not {"pair", "intent"} & set(found.routable)


def test_tools_of_the_file_and_of_python_are_known(tmp_path: Path) -> None:
    write(tmp_path, {"tools.py": "from swarm import tool\n@tool\ndef here(x: int) -> int: ...\n"})
    given = ToolSignature(name="there", description="", parameters={"type": "object"})
    path = tmp_path / "g.swarm.yaml"
    path.write_text(HEAD + "tools: tools.py\nnodes: {a: {tool: here}}\noutput: a\n", encoding="utf-8")
    found, findings = catalogue(load_graph(path), registry=Registry(cwd=tmp_path), tools=[given])
    assert findings == ()
    assert (set(found.tools), found.tools_known) == ({"here", "there"}, True)


def test_a_graph_of_another_file_has_a_catalogue_of_its_own(tmp_path: Path) -> None:
    inner = "swarm: 1\nname: inner\nexperts: {mine: {use: writer}}\nnodes: {a: {expert: mine}}\noutput: a\n"
    write(tmp_path, {"parts/inner.swarm.yaml": inner})
    found, problems = resolve(tmp_path, "nodes: {sub: {graph: parts/inner.swarm.yaml}}\noutput: sub\n")
    assert problems == []
    sub = found.subgraphs["parts/inner.swarm.yaml"]
    assert (sub.spec.name, set(sub.catalogue.experts), set(found.experts)) == ("inner", {"mine"}, set())


def test_what_is_wrong_in_another_graph_is_told_where_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"inner.swarm.yaml": "swarm: 1\nname: inner\nnodes: {a: {rply: x}}\noutput: a\n"})
    _, problems = resolve(tmp_path, "nodes: {sub: {graph: inner.swarm.yaml}}\noutput: sub\n")
    (problem,) = problems
    assert (problem.code, problem.line) == ("SW010", 4)
    assert problem.message.endswith("inner.swarm.yaml:3:13: unknown field 'rply'")


def test_graphs_that_run_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"b.swarm.yaml": "swarm: 1\nname: b\nnodes: {x: {graph: shop.swarm.yaml}}\noutput: x\n"})
    _, problems = resolve(tmp_path, "nodes: {x: {graph: b.swarm.yaml}}\noutput: x\n")
    (problem,) = problems
    assert problem.code == "SW021"
    assert "shop.swarm.yaml -> b.swarm.yaml -> shop.swarm.yaml" in problem.message


def test_a_graph_composed_in_python_may_name_files_anywhere(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere/e.jsonl": rows(("hi", "a"), ("ho", "b"))})
    expert = Expert(use="intent", examples=str(tmp_path / "elsewhere/e.jsonl"))
    spec = GraphSpec(name="g", experts={"mine": expert}, nodes={"it": ExpertNode(expert="mine")}, output="it")
    found, findings = catalogue(spec, registry=Registry(cwd=tmp_path), folder=tmp_path)
    assert [finding.code for finding in findings] == ["SW092"]
    assert list(found.experts["mine"].labels) == ["a", "b"]


# --- paths


@pytest.mark.parametrize("path", ["../secret.jsonl", "/etc/passwd", "a/../../secret.jsonl", "~/secret.jsonl"])
def test_a_path_in_a_file_may_not_leave_its_folder(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "graph"
    folder.mkdir()
    write(tmp_path, {"secret.jsonl": rows(("hi", "a"))})
    for line in (f"examples: {path}", f"documents: [{path}]", f"prompt: {path}", f"requests: {path}"):
        _, problems = resolve(folder, uses("mine", "use: intent", "labels: {a: x, b: y}", line))
        assert [problem.code for problem in problems] == ["SW019"], line


def test_a_link_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    folder.mkdir()
    write(tmp_path, {"secret.jsonl": rows(("hi", "a"), ("ho", "b"))})
    os.symlink(tmp_path / "secret.jsonl", folder / "e.jsonl")
    os.symlink(tmp_path, folder / "out")
    for path in ("e.jsonl", "out/secret.jsonl"):
        _, problems = resolve(folder, uses("mine", "use: intent", f"examples: {path}"))
        assert [problem.code for problem in problems] == ["SW019"]
    _, problems = resolve(folder, uses("mine", "use: writer", "documents: ['out/*.jsonl']"))
    assert [problem.code for problem in problems] == ["SW019"]


def test_too_much_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"big.md": "x" * 1_000_001, "latin.md": ""})
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    _, problems = resolve(tmp_path, uses("mine", "use: writer", "documents: [big.md]"))
    assert [problem.code for problem in problems] == ["SW005"]
    _, problems = resolve(tmp_path, uses("mine", "use: writer", "prompt: latin.md"))
    assert [problem.code for problem in problems] == ["SW009"]
