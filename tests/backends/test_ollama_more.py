"""Beside chat: decisions, embeddings, and what a server has."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
from asking import Pauses, deciding

from swarm.backends import decide
from swarm.backends.ollama import OllamaBackend
from swarm.errors import BackendError, ModelMissing
from swarm.messages import Message, Question
from swarm.testing import FakeModel, Fault, OllamaServer

LABEL = Question(
    type="choice", instructions="Which?", options={"billing": "Payments", "bug": "", "account": ""}
)
URGENT = Question(type="yes_no", instructions="Today?")
MOOD = Question(
    type="score", instructions="How upset?", options={"calm": "", "annoyed": "", "furious": "shouts"}
)
NIMBLE = FakeModel(
    capabilities=["decision"],
    decide={"label": {"bug": 0.9, "billing": 0.06}, "urgent": 0.93, "mood": {"0": 0.1, "1": 0.6, "2": 0.3}},
)


@pytest_asyncio.fixture
async def backend(ollama_server: OllamaServer) -> AsyncIterator[OllamaBackend]:
    ollama_server.serve("nimble", NIMBLE)
    backend = OllamaBackend(ollama_server.url, sleep=Pauses())
    yield backend
    await backend.aclose()


def paths(server: OllamaServer) -> list[str]:
    return [request.path for request in server.requests]


async def test_a_decision_model_is_known_by_its_capability_and_asked_about_once(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    assert [await backend.decides(model) for model in ("nimble", "qwen3:4b", "nimble")] == [True, False, True]
    assert paths(ollama_server) == ["/api/show", "/api/show"]


async def test_all_questions_are_answered_in_one_call(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    request = deciding("nimble", {"label": LABEL, "urgent": URGENT, "mood": MOOD}, "500 errors since 9am")
    decision = await backend.decide(request)
    assert paths(ollama_server) == ["/v1/systemone"]
    assert cast("dict[str, Any]", ollama_server.requests[0].json) == {
        "model": "nimble",
        "state": "500 errors since 9am",
        "questions": {
            "label": {
                "type": "choice",
                "instructions": "Which?",
                "criteria": {"billing": "Payments", "bug": None, "account": None},
            },
            "urgent": {"type": "noul", "instructions": "Today?"},
            "mood": {
                "type": "score",
                "instructions": "How upset?",
                "criteria": ["calm", "annoyed", "furious: shouts"],
            },
        },
    }
    assert (decision.way, decision.answers["label"].value, decision.answers["urgent"].value) == (
        "native",
        "bug",
        True,
    )
    assert decision.answers["label"].probabilities == pytest.approx(
        {"billing": 0.06, "bug": 0.9, "account": 0.04}
    )
    assert decision.answers["urgent"].probabilities == pytest.approx({"true": 0.93, "false": 0.07})
    assert decision.answers["mood"].value == pytest.approx(1.2)
    assert decision.answers["mood"].probabilities == pytest.approx(
        {"calm": 0.1, "annoyed": 0.6, "furious": 0.3}
    )
    assert decision.usage.input_tokens > 0


async def test_a_yes_no_may_describe_both_answers(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    question = Question(type="yes_no", options={"true": "has to be today", "false": "can wait"})
    await backend.decide(deciding("nimble", {"urgent": question}))
    sent = cast("dict[str, Any]", ollama_server.requests[0].json)["questions"]["urgent"]
    assert sent == {
        "type": "noul",
        "instructions": "urgent",
        "criteria": {"true": "has to be today", "false": "can wait"},
    }


async def test_a_decision_over_64_kib_is_refused_before_it_is_sent(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    with pytest.raises(BackendError, match="at most 65,536 bytes, and this request has 70,") as caught:
        await backend.decide(deciding("nimble", {"urgent": URGENT}, "x" * 70_000))
    assert (caught.value.code, ollama_server.requests) == ("too_long", [])


async def test_a_server_from_before_decisions_is_asked_in_words_instead() -> None:
    async with OllamaServer(
        {"nimble": FakeModel(reply="bug", capabilities=["completion", "decision"])}, decisions=False
    ) as server:
        backend = OllamaBackend(server.url)
        for _ in range(2):
            decision = await decide.ask(
                backend,
                deciding("nimble", {"label": LABEL}),
                lambda text: (Message(role="user", content=text),),
            )
            assert (decision.way, decision.answers["label"].value) == ("logprobs", "bug")
        assert not await backend.decides("nimble")
        await backend.aclose()
    assert paths(server) == ["/api/show", "/v1/systemone", "/api/chat", "/api/chat"]


async def test_a_server_that_cannot_tell_what_models_do_has_none_that_decide(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_always(
        Fault.body(404, b"404 page not found", content_type="text/plain"), path="/api/show"
    )
    assert not await backend.decides("nimble")


async def test_a_missing_model_is_missing_for_decisions_too(backend: OllamaBackend) -> None:
    with pytest.raises(ModelMissing, match="ollama pull x"):
        await backend.decides("x")
    with pytest.raises(ModelMissing, match="ollama pull x"):
        await backend.decide(deciding("x", {"urgent": URGENT}))


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"label": {"type": "choice", "choice": "bug", "probabilities": {"bug": math.inf}, "confidence": 1}},
        {"label": {"type": "choice", "choice": "bug", "probabilities": {"other": 1.0}, "confidence": 1}},
        {"label": {"type": "noul", "noul": 0.5}},
        {"label": {"type": "choice"}},
        [],
    ],
)
async def test_answers_that_make_no_sense_are_an_error(
    ollama_server: OllamaServer, backend: OllamaBackend, answers: object
) -> None:
    body = {"model": "nimble", "answers": answers, "usage": {"input_tokens": 1, "output_tokens": 0}}
    ollama_server.fail_next(Fault.body(200, json.dumps(body).encode()))
    with pytest.raises(BackendError) as caught:
        await backend.decide(deciding("nimble", {"label": LABEL}))
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("body", [b"null", b"[]", b"{", b'{"answers": 1}', b"\xff"])
async def test_a_body_that_is_no_json_object_is_an_error(
    ollama_server: OllamaServer, backend: OllamaBackend, body: bytes
) -> None:
    ollama_server.fail_next(Fault.body(200, body))
    with pytest.raises(BackendError) as caught:
        await backend.decide(deciding("nimble", {"urgent": URGENT}))
    assert caught.value.code == "malformed"


async def test_a_busy_server_is_asked_again_for_a_decision(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_next(Fault.error(503, "server busy"), times=2)
    assert (await backend.decide(deciding("nimble", {"urgent": URGENT}))).answers["urgent"].value is True


async def test_a_decision_has_a_deadline(ollama_server: OllamaServer, backend: OllamaBackend) -> None:
    ollama_server.fail_always(Fault.stall())
    with pytest.raises(BackendError, match=r"no whole answer within 0.05 s"):
        await backend.decide(deciding("nimble", {"urgent": URGENT}, timeout_s=0.05))


async def test_embeddings_are_unit_vectors_in_order_and_never_of_a_cut_text(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("e", FakeModel(capabilities=["embedding"], embed=lambda text: [3.0, 4.0 * len(text)]))
    first, second = await backend.embed("e", ["a", "b" * 9])
    assert math.hypot(*first) == pytest.approx(1.0)
    assert first[1] < second[1]
    assert cast("dict[str, Any]", ollama_server.requests[-1].json)["truncate"] is False
    assert await backend.embed("e", []) == []
    with pytest.raises(BackendError) as caught:
        await backend.embed("e", ["long " * 10_000])
    assert caught.value.code == "context"


async def test_installed_models_are_listed_with_size_digest_and_capabilities(backend: OllamaBackend) -> None:
    models = await backend.models()
    assert [model.name for model in models] == ["nimble:latest", "qwen3:4b"]
    assert models[0].capabilities == {"decision"}
    assert models[0].size_bytes == 2_500_000_000
    assert len(models[0].digest) == 64


async def test_an_older_server_lists_models_without_capabilities(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_next(Fault.body(200, b'{"models": [{"model": "old:1b", "size": 5}]}'))
    (model,) = await backend.models()
    assert (model.name, model.size_bytes, model.digest, model.capabilities) == ("old:1b", 5, "", frozenset())


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ('["old:1b", null, {"name": "new", "size": "large", "capabilities": 3}]', ["", "", "new"]),
        ('{"name": "new"}', []),
    ],
)
async def test_a_list_of_models_in_another_shape_is_read_as_far_as_it_goes(
    ollama_server: OllamaServer, backend: OllamaBackend, rows: str, names: list[str]
) -> None:
    ollama_server.fail_next(Fault.body(200, f'{{"models": {rows}}}'.encode()))
    assert [model.name for model in await backend.models()] == names


async def test_the_version_says_that_a_server_is_there(backend: OllamaBackend) -> None:
    assert await backend.version(timeout_s=0.3) == "0.40.12"
