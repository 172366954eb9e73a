"""The HTTP layer under the fake server, byte by byte."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from swarm.testing.http import MAX_BODY_BYTES, MAX_HEAD_BYTES, HttpServer, Request, Response


def echo(request: Request) -> Response:
    text = f"{request.method} {request.path} {request.query} ".encode() + request.body
    return Response(content_type="text/plain", steps=(text,))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer(echo) as server:
        yield server


async def talk(server: HttpServer, sent: bytes) -> bytes:
    """Send bytes, say that no more will come, and read all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    try:
        writer.write(sent)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_connection_carries_one_request_after_the_other(server: HttpServer) -> None:
    two = b"GET /one?a=b HTTP/1.1\r\n\r\nPOST /two HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"
    last = b"GET /three HTTP/1.1\r\nConnection: close\r\n\r\n"
    answer = await talk(server, two + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert b"GET /one a=b " in answer
    assert b"POST /two  xyz" in answer
    assert answer.endswith(b"Connection: close\r\n\r\nGET /three  ")


async def test_head_announces_the_body_and_does_not_send_it(server: HttpServer) -> None:
    answer = await talk(server, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 8\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / SPDY/3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nX: %b" % (b"x" * MAX_HEAD_BYTES), 431),
    ],
)
async def test_what_is_no_request_is_refused_and_ends_the_connection(
    server: HttpServer, sent: bytes, status: int
) -> None:
    answer = await talk(server, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_half_a_request_is_no_request(server: HttpServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await writer.wait_closed()
    await server.until(lambda: server.open_connections == 0)
    assert server.cancelled == []


async def test_connections_are_counted_while_they_are_open(server: HttpServer) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    await server.until(lambda: server.open_connections == 1)
    writer.close()
    await writer.wait_closed()
    await server.until(lambda: server.open_connections == 0)
    assert server.open_connections == 0
