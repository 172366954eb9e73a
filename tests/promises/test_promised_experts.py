"""What an expert promises: its kinds, its prompt, its documents, what its answers cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from swarm import Expert, Graph, Registry, RunResult, SpecError, Swarm
from swarm.testing import FakeModel, OllamaServer

QWEN = "ollama/qwen3:4b"


@pytest.fixture
def ollama(ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    return ollama_server


def made(**fields: Any) -> Expert:
    table = {"kind": "write", "description": "Does it.", "input": {"text": "string"}, "cascade": [QWEN]}
    return Expert.model_validate({**table, **fields})


async def asked(expert: Expert, text: str = "hello", params: Mapping[str, object] | None = None) -> RunResult:
    graph = Graph("ask", input={"text": str})
    graph.output(graph.expert("answer", expert, text=graph.input.text, params=params))
    async with Swarm(graph) as swarm:
        return await swarm.run(text=text)


def bodies(server: OllamaServer, path: str) -> list[Mapping[str, Any]]:
    """Return what was sent to `path`, each request's JSON."""
    return [json.loads(request.body) for request in server.requests if request.path == path]


def prompts(server: OllamaServer) -> list[str]:
    return [body["messages"][-1]["content"] for body in bodies(server, "/api/chat")]


async def test_several_questions_are_decided_in_one_call_each_with_its_probabilities(
    ollama: OllamaServer,
) -> None:
    answers = {"urgent": 0.9, "topic": {"bill": 0.2, "fault": 0.8}, "anger": {"0": 0.5, "1": 0.5}}
    ollama.serve("qwen3:4b", FakeModel(decide=answers, capabilities=("completion", "decision")))
    questions = {
        "urgent": {"yes_no": "Is it urgent?"},
        "topic": {"choice": {"bill": "About money", "fault": None}, "ask": "What is it about?"},
        "anger": {"score": ["calm", "cross", "furious"], "ask": "How angry?"},
    }
    result = await asked(made(kind="decide", questions=questions))
    output = result["answer"].output
    assert (output["urgent"], output["topic"], output["anger"]) == (True, "fault", pytest.approx(0.5))
    assert output["probabilities"]["topic"] == {"bill": pytest.approx(0.2), "fault": pytest.approx(0.8)}
    assert len(bodies(ollama, "/v1/systemone")) == 1
    assert result.usage.model_calls == 1


async def test_a_translation_gets_its_constant_and_an_embedding_is_a_vector(ollama: OllamaServer) -> None:
    ollama.serve("qwen3:4b", FakeModel(reply="Ciao"))
    translator = made(
        kind="translate", input={"text": "string", "to": "string"}, prompt="In {{ to }}: {{ text }}\n"
    )
    result = await asked(translator, params={"to": "Italian"})
    assert (result.text, prompts(ollama)) == ("Ciao", ["In Italian: hello\n"])
    ollama.serve("qwen3:4b", FakeModel(capabilities=("embedding",), dimensions=8))
    vector = (await asked(made(kind="embed")))["answer"].output["vector"]
    assert (len(vector), sum(part * part for part in vector)) == (8, pytest.approx(1))


async def test_an_answer_that_does_not_fit_is_asked_again_with_the_reason_and_both_count(
    ollama: OllamaServer,
) -> None:
    good = '{"city": "Rome", "address": {"street": "Via Roma"}}'
    ollama.serve("qwen3:4b", FakeModel(reply=['{"city": 3}', good]))
    output = {"city": "string", "address": {"street": "string", "floor": "integer?"}}
    result = await asked(made(kind="extract", output=output))
    assert result.output == {"city": "Rome", "address": {"street": "Via Roma", "floor": None}}
    first, second = bodies(ollama, "/api/chat")
    assert first["format"] == second["format"]
    assert "city: expected string, got integer 3" in prompts(ollama)[1]
    assert result.usage.model_calls == 2
    assert result.usage.input_tokens > 2 * len("hello") / 4


async def test_what_a_model_wrote_in_vain_counts_when_nobody_answers(ollama: OllamaServer) -> None:
    ollama.serve("qwen3:4b", FakeModel(reply="no JSON at all"))
    result = await asked(made(kind="extract", output={"city": "string"}))
    assert (result.status, result.usage.model_calls) == ("failed", 2)
    assert result.usage.output_tokens == 2 * 4


async def test_the_best_passages_of_the_documents_stand_in_the_prompt(
    ollama: OllamaServer, tmp_path: Path
) -> None:
    (tmp_path / "delivery.md").write_text("# Delivery\n\nA parcel takes three days.\n", encoding="utf-8")
    for place in range(9):
        (tmp_path / f"other{place}.md").write_text(f"Rule {place} is about boots.\n", encoding="utf-8")
    prompt = (
        "{% for document in documents %}{{ document.name }}: {{ document.text }}\n{% endfor %}{{ text }}\n"
    )
    await asked(made(prompt=prompt, documents=[str(tmp_path / "*.md")]), "How long does a parcel take?")
    assert "A parcel takes three days." in prompts(ollama)[0]
    assert "boots" not in prompts(ollama)[0]


async def test_a_conversation_is_sent_as_turns_before_the_prompt(ollama: OllamaServer) -> None:
    expert = made(input={"text": "string", "history": "messages?"}, prompt="Now: {{ text }}\n")
    graph = Graph("chat", input={"text": str, "history": "messages?"})
    graph.output(graph.expert("answer", expert, text=graph.input.text, history=graph.input.history))
    async with Swarm(graph) as swarm:
        await swarm.run(text="and mine?", history=[{"role": "user", "content": "Where is 1040?"}])
        await swarm.run(text="alone")
    first, second = [body["messages"] for body in bodies(ollama, "/api/chat")]
    assert [turn["content"] for turn in first] == ["Where is 1040?", "Now: and mine?\n"]
    assert [turn["content"] for turn in second] == ["Now: alone\n"]


def registered(folder: Path, prompt: str) -> Registry:
    home = folder / "experts" / "greeter"
    home.mkdir(parents=True)
    (home / "prompt.md").write_text(prompt, encoding="utf-8")
    (home / "expert.yaml").write_text(
        "name: greeter\nkind: write\ndescription: Greets.\ninput: {text: string, who: {name: string}}\n"
        "cascade: [ollama/qwen3:4b]\nprompt: prompt.md\n",
        encoding="utf-8",
    )
    return Registry(cwd=folder)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Greet.\n{{ txt }}", "prompt.md:2: undefined template variable 'txt'"),
        ("{{ who.nam }}", "prompt.md:1: 'who' has no field 'nam'"),
        ("{% if text %}", "prompt.md:1: the template is wrong"),
    ],
)
def test_the_prompt_of_a_registered_expert_is_checked_before_anything_runs(
    tmp_path: Path, prompt: str, said: str
) -> None:
    registry = registered(tmp_path, prompt)
    graph = Graph("greet", input={"text": str})
    graph.output(graph.expert("answer", "greeter", text=graph.input.text, who={"name": "Ann"}))
    with pytest.raises(SpecError) as caught:
        Swarm(graph, registry=registry)
    (problem,) = caught.value.problems
    assert said in problem.message
    assert problem.path == ("nodes", "answer", "expert")
    with pytest.raises(SpecError, match=r"prompt\.md"):
        registry.get("greeter")
