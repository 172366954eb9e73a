"""`/v1/systemone` of the fake server."""

# pyright: reportUnknownMemberType=false
# (the ollama client's own annotations leave the signature of `chat` partly unknown)

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import ollama
import pytest
import pytest_asyncio

from swarm.testing import FakeModel, OllamaServer

LABELS = {"billing": "Payments and refunds", "bug": "Software errors", "account": "Logins"}
LABEL = {"type": "choice", "instructions": "Which label fits?", "criteria": LABELS}
URGENT = {"type": "noul", "instructions": "Does this need an answer today?"}
MOOD = {"type": "score", "instructions": "How upset?", "criteria": ["calm", "annoyed", "furious"]}
QUESTIONS: dict[str, Any] = {"label": LABEL, "urgent": URGENT, "mood": MOOD}


@pytest.fixture
def ollama_models() -> Mapping[str, FakeModel]:
    decide = {
        "label": {"billing": 0.0125, "bug": 0.9781, "account": 0.0094},
        "urgent": 0.93,
        "mood": {"0": 0.1, "1": 0.6},
    }
    return {"nimble": FakeModel(decide=decide, capabilities=["decision"]), "qwen3:4b": FakeModel()}


@pytest_asyncio.fixture
async def old_server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer({"qwen3:4b": FakeModel()}, decisions=False) as server:
        yield server


async def test_questions_are_answered_with_probabilities(client: ollama.AsyncClient) -> None:
    answers = (await client.systemone("nimble", "Our checkout is down.", QUESTIONS)).answers
    label, urgent, mood = answers["label"], answers["urgent"], answers["mood"]
    assert label.type == "choice"
    assert label.choice == "bug"
    assert label.confidence == pytest.approx(0.89, abs=0.01)  # the documentation's own example
    assert urgent.type == "noul"
    assert urgent.noul == 0.93
    assert mood.type == "score"
    assert mood.score == pytest.approx(1.2)
    assert mood.legend == {"0": "calm", "1": "annoyed", "2": "furious"}
    assert mood.probabilities["2"] == pytest.approx(0.3)


async def test_a_function_decides_from_the_state_and_the_questions(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    def decide(state: object, questions: Mapping[str, object]) -> dict[str, float]:
        return {key: 0.9 if "today" in str(state) else 0.1 for key in questions}

    ollama_server.serve("nimble", FakeModel(decide=decide, capabilities=["decision"]))
    answer = await client.systemone("nimble", {"text": "I need it today"}, {"urgent": URGENT})
    assert answer.answers["urgent"].type == "noul"
    assert answer.answers["urgent"].noul == 0.9
    assert answer.usage.output_tokens == 0


async def test_a_model_without_a_script_is_undecided(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("nimble", FakeModel(capabilities=["decision"]))
    answers = (await client.systemone("nimble", "?", QUESTIONS)).answers
    assert answers["urgent"].type == "noul"
    assert answers["urgent"].noul == 0.5
    assert answers["label"].type == "choice"
    assert answers["label"].confidence == pytest.approx(0)


async def test_a_whole_answer_goes_out_as_scripted(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    odd: dict[str, Any] = {"type": "choice", "choice": "none of them", "probabilities": {}, "confidence": 2}
    ollama_server.serve("nimble", FakeModel(decide={"label": odd}, capabilities=["decision"]))
    body = {"model": "nimble", "state": "?", "questions": {"label": LABEL}}
    assert (await http.post("/v1/systemone", json=body)).json()["answers"]["label"] == odd


async def test_an_old_server_does_not_know_the_path(old_server: OllamaServer) -> None:
    async with httpx.AsyncClient(base_url=old_server.url, trust_env=False) as http:
        response = await http.post("/v1/systemone", json={"model": "qwen3:4b"})
    assert (response.status_code, response.text) == (404, "404 page not found")


async def test_a_model_that_cannot_decide_says_so(http: httpx.AsyncClient) -> None:
    body = {"model": "qwen3:4b", "state": "?", "questions": QUESTIONS}
    response = await http.post("/v1/systemone", json=body)
    assert (response.status_code, response.json()) == (400, {"error": '"qwen3:4b" does not support decision'})


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"model": "nope"}, 404, "model 'nope' not found"),
        ({"model": ""}, 400, "model is required"),
        ({"state": 7}, 400, "state must be a string, object, or array"),
        ({"questions": {}}, 400, "questions must not be empty"),
        ({"questions": {"a": {**LABEL, "criteria": {"one": None}}}}, 400, "2 to 255 criteria"),
        ({"questions": {"a": {**MOOD, "criteria": ["x"] * 11}}}, 400, "2 to 10 criteria"),
        ({"questions": {"a": {**URGENT, "type": "bool"}}}, 400, "choice, noul or score"),
        ({"questions": {"a": {"type": "noul"}}}, 400, "needs instructions"),
        ({"state": "x" * 65_536}, 413, "request body too large"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    http: httpx.AsyncClient, fields: dict[str, object], status: int, message: str
) -> None:
    body = {"model": "nimble", "state": "?", "questions": QUESTIONS, **fields}
    response = await http.post("/v1/systemone", json=body)
    assert response.status_code == status
    assert message in response.json()["error"]
