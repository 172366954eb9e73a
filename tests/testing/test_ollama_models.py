"""What the fake Ollama server says of itself and its models: version, list, memory, embeddings, generate."""

# pyright: reportUnknownMemberType=false
# (the ollama client's own annotations leave the signature of `chat` partly unknown)

import math
from typing import Any

import httpx
import ollama
import pytest

from swarm.testing import FakeModel, OllamaServer, Reply

HI = [{"role": "user", "content": "Hi"}]


async def test_it_is_running(http: httpx.AsyncClient) -> None:
    assert (await http.get("/")).text == "Ollama is running"
    head = await http.head("/")
    assert (head.status_code, head.content) == (200, b"")


async def test_it_has_a_version_and_an_older_one_before_decision_models() -> None:
    async def version(server: OllamaServer) -> str:
        async with server, httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            return (await http.get("/api/version")).json()["version"]

    assert await version(OllamaServer()) == "0.40.12"
    assert await version(OllamaServer(decisions=False)) == "0.33.0"
    assert await version(OllamaServer(version="0.99.1")) == "0.99.1"


async def test_an_unknown_path_is_a_404_in_plain_text(http: httpx.AsyncClient) -> None:
    response = await http.get("/api/nothing")
    assert (response.status_code, response.text) == (404, "404 page not found")
    assert response.headers["content-type"].startswith("text/plain")


async def test_a_wrong_method_is_a_405(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/chat")).status_code == 405
    assert (await http.post("/api/version")).status_code == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:11434", 200), ("[::1]:11434", 200), ("box.local", 200), ("evil.example", 403)],
)
async def test_a_foreign_host_is_turned_away(http: httpx.AsyncClient, host: str, status: int) -> None:
    response = await http.get("/api/tags", headers={"Host": host})
    assert response.status_code == status
    assert response.content or status == 403


async def test_models_are_listed_with_digest_and_capabilities(
    ollama_server: OllamaServer, http: httpx.AsyncClient, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("nimble", FakeModel(capabilities=["decision"], digest="abc"))
    first, second = (await http.get("/api/tags")).json()["models"]
    assert (first["name"], len(first["digest"])) == ("qwen3:4b", 64)
    assert (second["name"], second["digest"], second["capabilities"]) == (
        "nimble:latest",
        "abc",
        ["decision"],
    )
    assert [model.model for model in (await client.list()).models] == ["qwen3:4b", "nimble:latest"]


async def test_show_tells_what_a_model_can_do_and_how_much_it_reads(client: ollama.AsyncClient) -> None:
    shown = await client.show("qwen3:4b")
    assert shown.capabilities == ["completion", "tools"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["fake.context_length"] == 32_768


async def test_a_name_without_a_tag_means_latest(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("writer:latest", FakeModel(reply="Here."))
    answer = await client.chat("writer", HI)
    assert (answer.model, answer.message.content) == ("writer", "Here.")


# --- memory


async def test_an_empty_conversation_loads_the_model_and_keep_alive_0_puts_it_out(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    async def touch(path: str, **fields: object) -> dict[str, Any]:
        return (await http.post(path, json={"model": "qwen3:4b", **fields})).json()

    loaded = await touch("/api/chat", messages=[])
    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    assert "total_duration" not in loaded
    assert ollama_server.loaded == ["qwen3:4b"]
    assert (await touch("/api/chat", messages=[], keep_alive=0))["done_reason"] == "unload"
    assert ollama_server.loaded == []
    assert (await touch("/api/generate"))["done_reason"] == "load"


async def test_ps_lists_what_is_loaded_the_longest_lasting_first(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("other:1b", FakeModel())
    await client.chat("qwen3:4b", HI, keep_alive="2m", options={"num_ctx": 2048})
    await client.chat("other:1b", HI)
    long, short = (await client.ps()).models
    assert (long.name, short.name) == ("other:1b", "qwen3:4b")
    assert short.context_length == 2048


@pytest.mark.parametrize(
    ("keep_alive", "seconds"),
    [(5, 5), ("5m", 300), ("1h30m", 5400), ("1.5s", 1.5), (-1, None), ("-1m", None)],
)
async def test_keep_alive_is_seconds_or_a_duration_and_negative_is_for_ever(
    client: ollama.AsyncClient, keep_alive: float | str, seconds: float | None
) -> None:
    await client.chat("qwen3:4b", [], keep_alive=0.5)
    before = (await client.ps()).models[0].expires_at
    await client.chat("qwen3:4b", [], keep_alive=keep_alive)
    after = (await client.ps()).models[0].expires_at
    assert before is not None
    assert after is not None
    if seconds is None:
        assert after.year > 2300
    else:
        assert (after - before).total_seconds() == pytest.approx(seconds - 0.5, abs=0.1)


async def test_an_absent_keep_alive_leaves_what_was_set(client: ollama.AsyncClient) -> None:
    await client.chat("qwen3:4b", HI, keep_alive=-1)
    await client.chat("qwen3:4b", HI)
    expires_at = (await client.ps()).models[0].expires_at
    assert expires_at is not None
    assert expires_at.year > 2300


@pytest.mark.parametrize("keep_alive", ["soon", "5", True, [5]])
async def test_a_keep_alive_that_is_no_duration_is_a_400(http: httpx.AsyncClient, keep_alive: object) -> None:
    body = {"model": "qwen3:4b", "messages": HI, "keep_alive": keep_alive}
    assert (await http.post("/api/chat", json=body)).status_code == 400


# --- generate


async def test_generate_answers_a_prompt(ollama_server: OllamaServer, client: ollama.AsyncClient) -> None:
    ollama_server.serve(
        "qwen3:4b", FakeModel(reply=lambda request: f"{len(request.messages)} {request.last}")
    )
    answer = await client.generate("qwen3:4b", "Say hi", system="Be short.")
    assert (answer.response, answer.done_reason) == ("2 Say hi", "stop")
    chunks = [chunk async for chunk in await client.generate("qwen3:4b", "Say hi", stream=True)]
    assert "".join(chunk.response or "" for chunk in chunks) == "1 Say hi"


async def test_generate_carries_thinking_and_logprobs(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    reply = Reply(text="Four.", thinking="Two and two")
    ollama_server.serve("qwen3:4b", FakeModel(reply=reply, capabilities=["completion", "thinking"]))
    answer = await client.generate("qwen3:4b", "2+2?", logprobs=True)
    assert answer.thinking == "Two and two"
    assert [token.token for token in answer.logprobs or ()] == ["Two ", "and ", "two", "Four."]


async def test_raw_mode_takes_no_system(http: httpx.AsyncClient) -> None:
    body = {"model": "qwen3:4b", "prompt": "x", "raw": True, "system": "y"}
    response = await http.post("/api/generate", json=body)
    assert response.status_code == 400
    assert response.json()["error"] == "raw mode does not support template, system, or context"


# --- embeddings


async def test_embeddings_are_of_length_1_and_near_for_texts_that_share_words(
    client: ollama.AsyncClient,
) -> None:
    texts = ["where is my parcel", "my parcel is where", "refund the invoice"]
    same, permuted, other = (await client.embed("qwen3:4b", texts)).embeddings
    assert math.hypot(*same) == pytest.approx(1, abs=1e-5)
    assert same == permuted
    assert sum(a * b for a, b in zip(same, other, strict=True)) < 0.5


async def test_embeddings_can_be_shorter_or_scripted(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    assert len((await client.embed("qwen3:4b", "a", dimensions=8)).embeddings[0]) == 8
    ollama_server.serve("qwen3:4b", FakeModel(embed=lambda text: [3.0, 4.0]))
    assert (await client.embed("qwen3:4b", "a")).embeddings == [[0.6, 0.8]]


async def test_nothing_to_embed_is_no_embedding(http: httpx.AsyncClient) -> None:
    nothings: list[object] = [[], "", None]
    for nothing in nothings:
        response = await http.post("/api/embed", json={"model": "qwen3:4b", "input": nothing})
        assert response.json()["embeddings"] == []


async def test_what_cannot_be_embedded_is_a_400(http: httpx.AsyncClient) -> None:
    async def refusal(**fields: object) -> tuple[int, str]:
        response = await http.post("/api/embed", json={"model": "qwen3:4b", **fields})
        return response.status_code, response.json()["error"]

    assert await refusal(input=[1]) == (400, "invalid input type")
    too_long = {"input": "x" * 20_000, "truncate": False}
    assert await refusal(**too_long) == (400, "the input length exceeds the context length")
