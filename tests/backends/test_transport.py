"""What the transport makes of trouble that no server on this machine can cause."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from asking import FakeClock, Pauses

from swarm.backends.http_errors import explain_status, said_in
from swarm.backends.transport import Deadlines, PerLoop, Transport
from swarm.errors import BackendError, BackendTimeout, BackendUnavailable

URL = "http://h"


def transport(handler: Callable[[httpx.Request], httpx.Response], pauses: Pauses) -> Transport:
    clients = PerLoop(
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url=URL, verify=False)
    )
    return Transport(
        URL,
        client=clients.get,
        explain=lambda status, body, model: explain_status(
            status, body, where=URL, model=model, get_model="", key_hint=""
        ),
        hint="start it",
        deadlines=Deadlines(),
        sleep=pauses,
        clock=FakeClock(),
    )


async def failure(raised: Exception) -> tuple[BackendError, int]:
    asked = 0

    def handler(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raise raised

    with pytest.raises(BackendError) as caught:
        await transport(handler, Pauses()).request("GET", "/", timeout_s=5)
    return caught.value, asked


async def test_a_connection_that_takes_too_long_is_not_tried_again_at_once() -> None:
    error, asked = await failure(httpx.ConnectTimeout(""))
    assert isinstance(error, BackendUnavailable)
    assert (error.what, error.hint, asked) == ("nothing answers (no connection in time)", "start it", 1)


async def test_a_connection_that_breaks_is_tried_again() -> None:
    error, asked = await failure(httpx.RemoteProtocolError("Server disconnected"))
    assert (error.code, error.retryable, asked) == ("disconnected", True, 3)


async def test_a_deadline_of_httpx_itself_is_a_timeout() -> None:
    error, _ = await failure(httpx.PoolTimeout(""))
    assert isinstance(error, BackendTimeout)


async def test_a_request_that_cannot_be_sent_never_quotes_what_may_be_a_key() -> None:
    error, asked = await failure(httpx.LocalProtocolError("Illegal header value b'Bearer sk-secret'"))
    assert "sk-secret" not in str(error)
    assert (error.code, asked) == ("request", 1)


async def test_a_line_that_never_ends_is_given_up() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000_000

    lines = transport(lambda _request: httpx.Response(200, content=endless()), Pauses()).lines(
        "/", body={}, model="m", timeout_s=60
    )
    with pytest.raises(BackendError, match="a line of over 67,108,864 bytes"):
        async for _ in lines:
            pass


async def test_a_last_line_without_an_end_is_a_line() -> None:
    lines = transport(lambda _request: httpx.Response(200, content=b"a\nb\n\nc"), Pauses()).lines(
        "/", body={}, model="m", timeout_s=5
    )
    assert [line async for line in lines] == [b"a", b"b", b"", b"c"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error": {"message": "no", "type": "x"}}', "no"),
        (b'{"error": "{\\"error\\": {\\"message\\": \\"deep\\"}}"}', "deep"),
        (b'{"detail": "no"}', "no"),
        (b'{"error": {"code": 7}}', '{"error": {"code": 7}}'),
        (b"null", "null"),
        (b"\xff", "\ufffd"),
        (b"[" * 100_000, "[" * 300 + " ..."),
        (b"", ""),
    ],
)
def test_what_a_server_says_is_found_in_any_body(body: bytes, said: str) -> None:
    assert said_in(body) == said


def test_each_event_loop_has_its_own_value_until_it_is_taken() -> None:
    values = PerLoop(object)

    async def twice() -> tuple[object, object]:
        first = values.get()
        assert values.get() is first
        assert values.take() is first
        assert values.take() is None
        return first, values.get()

    first, second = asyncio.run(twice())
    assert first is not second
    assert second is not asyncio.run(twice())[0]
