"""How the fake server fails, as raw HTTP and the real `ollama` client see it.

The tests of the client's own weak places (marked "the client") are here so that a new version of it shows.
"""

# pyright: reportUnknownMemberType=false
# (the ollama client's own annotations leave the signature of `chat` partly unknown)

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import ollama
import pytest

from swarm.testing import FakeModel, Fault, Gate, OllamaServer, Reply, in_thread

HI = [{"role": "user", "content": "Hi"}]
BODY = {"model": "qwen3:4b", "messages": HI}
BUSY = "server busy, please try again.  maximum pending requests exceeded"


@pytest.fixture(autouse=True)
def talkative(ollama_server: OllamaServer) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="one two three"))


async def texts(stream: AsyncIterator[ollama.ChatResponse]) -> list[str]:
    return [chunk.message.content or "" async for chunk in stream]


async def raw(http: httpx.AsyncClient) -> bytes:
    return (await http.post("/api/chat", json=BODY)).content


# --- errors


async def test_the_next_requests_fail_and_then_it_works_again(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.error(503, BUSY), times=2)
    answers = [await http.post("/api/chat", json=BODY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].json() == {"error": BUSY}
    assert len(ollama_server.requests) == 3


async def test_an_error_leaves_the_script_alone(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=["the only one"]))
    ollama_server.fail_next(Fault.error(500, "model runner has unexpectedly stopped"))
    with pytest.raises(ollama.ResponseError, match="unexpectedly stopped") as error:
        await client.chat("qwen3:4b", HI)
    assert error.value.status_code == 500
    assert (await client.chat("qwen3:4b", HI)).message.content == "the only one"


async def test_a_fault_may_be_for_one_path_and_for_ever_until_healed(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_always(Fault.error(429, "slow down", headers={"Retry-After": "3"}), path="/api/chat")
    assert (await http.get("/api/tags")).status_code == 200
    for _ in range(2):
        refused = await http.post("/api/chat", json=BODY)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
    ollama_server.heal()
    assert (await http.post("/api/chat", json=BODY)).status_code == 200


async def test_faults_come_in_the_order_in_which_they_were_planned(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.error(500, "first"))
    ollama_server.fail_next(Fault.error(502, "second"))
    assert [(await http.post("/api/chat", json=BODY)).status_code for _ in range(3)] == [500, 502, 200]


async def test_a_cloud_model_says_where_to_sign_in(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    body = {"error": "unauthorized", "signin_url": "https://example.org/connect"}
    ollama_server.fail_next(Fault.body(401, json.dumps(body).encode()))
    response = await http.post("/api/chat", json=BODY)
    assert (response.status_code, response.json()) == (401, body)


@pytest.mark.parametrize("body", [b"null", b"[1]"])
async def test_the_client_breaks_on_an_error_body_that_is_no_object(
    ollama_server: OllamaServer, client: ollama.AsyncClient, body: bytes
) -> None:
    ollama_server.fail_next(Fault.body(500, body))
    with pytest.raises(AttributeError):
        await client.chat("qwen3:4b", HI)


async def test_an_error_body_may_be_a_page_of_a_proxy(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.body(502, b"<html>Bad Gateway</html>", content_type="text/html"))
    response = await http.post("/api/chat", json=BODY)
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html")


async def test_a_redirect_leads_elsewhere(
    ollama_server: OllamaServer, http: httpx.AsyncClient, client: ollama.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.redirect(f"{ollama_server.url}/api/chat"), times=2)
    assert (await http.post("/api/chat", json=BODY)).status_code == 307
    assert (await client.chat("qwen3:4b", HI)).message.content == "one two three"
    assert len(ollama_server.requests) == 3


async def test_nothing_listens_at_a_refused_url(refused_url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(refused_url)


# --- broken streams


async def test_an_error_in_mid_stream_is_a_line_and_the_end(
    ollama_server: OllamaServer, http: httpx.AsyncClient, client: ollama.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.stream_error("it broke", after=2), times=2)
    response = await http.post("/api/chat", json=BODY)
    assert response.status_code == 200
    assert [json.loads(line).get("error") for line in response.content.splitlines()] == [
        None,
        None,
        "it broke",
    ]
    with pytest.raises(ollama.ResponseError, match="it broke") as error:
        await texts(await client.chat("qwen3:4b", HI, stream=True))
    assert error.value.status_code == -1


async def test_a_reply_may_break_off_with_an_error_of_its_own(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text="so far", error="prediction aborted")))
    assert (await raw(http)).endswith(b'{"error":"prediction aborted"}\n')
    unstreamed = await http.post("/api/chat", json={**BODY, "stream": False})
    assert (unstreamed.status_code, unstreamed.json()) == (500, {"error": "prediction aborted"})
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text="", error="out of memory", error_status=507)))
    assert (await http.post("/api/chat", json=BODY)).status_code == 507


async def test_a_stream_may_end_without_done_and_the_client_does_not_notice(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.no_done())
    assert await texts(await client.chat("qwen3:4b", HI, stream=True)) == ["one ", "two ", "three"]
    ollama_server.fail_next(Fault.no_done(after=1))
    assert await texts(await client.chat("qwen3:4b", HI, stream=True)) == ["one "]


async def test_the_client_breaks_on_a_line_that_is_no_json(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    for fault in (Fault.malformed(), Fault.blank_line()):
        ollama_server.fail_next(fault)
        stream = await client.chat("qwen3:4b", HI, stream=True)
        assert (await anext(stream)).message.content == "one "
        with pytest.raises(json.JSONDecodeError):
            await anext(stream)


async def test_a_malformed_body_that_is_not_streamed_is_cut_short(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.malformed())
    response = await http.post("/api/chat", json={**BODY, "stream": False})
    with pytest.raises(json.JSONDecodeError):
        response.json()


async def test_the_client_takes_u0085_for_the_end_of_a_line(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text=["a\u0085b"])))
    with pytest.raises(json.JSONDecodeError):
        await texts(await client.chat("qwen3:4b", HI, stream=True))


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
async def test_lines_and_characters_may_be_split_and_joined_anywhere(
    ollama_server: OllamaServer, client: ollama.AsyncClient, size: int
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="caf\u00e9 \U0001f41d"))
    ollama_server.fail_next(Fault.rechunked(size))
    assert "".join(await texts(await client.chat("qwen3:4b", HI, stream=True))) == "caf\u00e9 \U0001f41d"


# --- broken connections


@pytest.mark.parametrize("after", [None, 0])
async def test_a_connection_may_be_reset_before_anything_was_said(
    ollama_server: OllamaServer, http: httpx.AsyncClient, after: int | None
) -> None:
    ollama_server.fail_next(Fault.reset(after=after))
    with pytest.raises(httpx.ReadError):
        await http.post("/api/chat", json=BODY)
    assert (await http.post("/api/chat", json=BODY)).status_code == 200


async def test_a_connection_may_be_reset_in_mid_stream_after_what_was_read(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    gate = Gate()
    ollama_server.fail_next(Fault.reset(after=2, when=gate))
    stream = await client.chat("qwen3:4b", HI, stream=True)
    assert [(await anext(stream)).message.content for _ in range(2)] == ["one ", "two "]
    gate.open()
    with pytest.raises(httpx.ReadError):
        await anext(stream)


async def test_a_connection_may_be_closed_before_or_within_an_answer(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    for fault in (Fault.cut(), Fault.cut(after=0), Fault.cut(after=1)):
        for stream in (True, False):
            ollama_server.fail_next(fault)
            with pytest.raises(httpx.RemoteProtocolError):
                await http.post("/api/chat", json={**BODY, "stream": stream})
    assert ollama_server.cancelled == []


# --- time, without a clock


async def test_each_chunk_is_flushed_before_the_next_is_made(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    gate = Gate()
    ollama_server.fail_next(Fault.paced(gate))
    gate.let()
    stream = await client.chat("qwen3:4b", HI, stream=True)
    assert (await anext(stream)).message.content == "one "
    await gate.reached(2)
    gate.let()
    assert (await anext(stream)).message.content == "two "
    gate.open()
    assert await texts(stream) == ["three", ""]


@pytest.mark.parametrize("after", [None, 0, 2])
async def test_a_stall_outlasts_the_patience_of_a_client_and_is_seen_as_cancelled(
    ollama_server: OllamaServer, after: int | None
) -> None:
    ollama_server.fail_next(Fault.stall(after=after))
    hurry = httpx.Timeout(5, read=0.05)
    async with httpx.AsyncClient(base_url=ollama_server.url, trust_env=False, timeout=hurry) as hasty:
        with pytest.raises(httpx.ReadTimeout):
            await hasty.post("/api/chat", json=BODY)
    await ollama_server.until(lambda server: server.open_connections == 0)
    assert [request.path for request in ollama_server.cancelled] == ["/api/chat"]


async def test_a_stall_ends_when_its_gate_opens(ollama_server: OllamaServer, http: httpx.AsyncClient) -> None:
    gate = Gate()
    ollama_server.fail_next(Fault.stall(gate=gate))
    async with asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(http.post("/api/chat", json=BODY))
        await gate.reached()
        assert not answer.done()
        gate.open()
    assert answer.result().status_code == 200


async def test_a_client_that_is_cancelled_closes_its_stream(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    gate = Gate()
    ollama_server.fail_next(Fault.stall(after=1, gate=gate))

    async def read() -> None:
        await texts(await client.chat("qwen3:4b", HI, stream=True))

    reading = asyncio.create_task(read())
    await gate.reached()
    assert ollama_server.open_connections == 1
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await ollama_server.until(lambda server: len(server.cancelled) == 1)
    await ollama_server.until(lambda server: server.open_connections == 0)


async def test_leaving_the_server_ends_what_still_hangs() -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        async with OllamaServer({"qwen3:4b": FakeModel()}) as server:
            gate = Gate()
            server.fail_next(Fault.stall(after=1, gate=gate))
            hanging = asyncio.create_task(http.post(f"{server.url}/api/chat", json=BODY))
            await gate.reached()
        with pytest.raises(httpx.RemoteProtocolError):
            await hanging


async def test_waiting_for_what_never_comes_says_what_is(ollama_server: OllamaServer) -> None:
    with pytest.raises(TimeoutError, match="0 open connections, 0 cancelled requests"):
        await ollama_server.until(lambda server: server.open_connections == 3, patience_s=0.01)


def test_a_server_in_a_thread_serves_code_that_is_not_async() -> None:
    with in_thread(OllamaServer({"qwen3:4b": FakeModel(reply="Hello.")})) as server:
        client = ollama.Client(host=server.url, trust_env=False)
        assert client.chat("qwen3:4b", HI).message.content == "Hello."
        client.close()
        assert server.requests[0].path == "/api/chat"


def test_a_script_that_fails_in_a_thread_fails_the_test() -> None:
    def broken(_request: object) -> str:
        raise KeyError("oops")

    with (
        pytest.RaisesGroup(KeyError),
        in_thread(OllamaServer({"a": FakeModel(reply=broken)})) as server,
        httpx.Client(base_url=server.url, trust_env=False) as http,
    ):
        assert http.post("/api/chat", json={"model": "a", "messages": HI}).status_code == 500
