"""A tiny HTTP/1.1 server on loopback that can misbehave on purpose.

It is a test double's transport, not a web server. A handler turns a `Request` into a `Response` without
waiting for anything; a `Response` is a list of steps, and a step is bytes to send, a `Gate` to wait at, or a
`Hangup`. So every fault (a stall, a reset, a stream cut short) is a change to a list; nothing ever sleeps.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from types import TracebackType

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
DEFAULT_PATIENCE_S = 5.0  # far over what loopback needs; only a test that is about to fail waits for it


class Signal:
    """Wakes those who wait for a condition, each time something changed."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Let every waiter look at its condition again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition()` is true."""
        while not condition():
            await self._changed.wait()


class Gate:
    """A barrier in a response that only the test opens.

    Use one gate for one request: arrivals are counted over its whole life.
    """

    def __init__(self) -> None:
        self._signal = Signal()
        self._permits: float = 0
        self.arrivals = 0

    def let(self, steps: int = 1) -> None:
        """Let `steps` more arrivals through, those already waiting first."""
        self._permits += steps
        self._signal.notify()

    def open(self) -> None:
        """Let everything through from now on."""
        self._permits = float("inf")
        self._signal.notify()

    async def passed(self) -> None:
        """Wait until this arrival is let through."""
        self.arrivals += 1
        ticket = self.arrivals
        self._signal.notify()
        await self._signal.until(lambda: self._permits >= ticket)

    async def reached(self, arrivals: int = 1, *, patience_s: float = DEFAULT_PATIENCE_S) -> None:
        """Wait until the server stood here `arrivals` times: all before it is sent by then."""
        async with asyncio.timeout(patience_s):
            await self._signal.until(lambda: self.arrivals >= arrivals)


class Hangup(Enum):
    """The server ends the connection in the middle of a response."""

    RESET = "reset"  # RST, as of a server that crashed
    CLOSE = "close"  # FIN, as of a server that stopped


Step = bytes | Gate | Hangup


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent. Header names are lower-case; `path` has no query."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a client is to see, step by step.

    Args:
        steps: the body. With `chunked` each bytes step is one HTTP chunk, flushed; without it their total
            length is announced as Content-Length.
        before: what happens before the status line is sent (no bytes).
        closing: how many of the last steps say that the answer is complete (the `done` line of a stream).
    """

    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    steps: tuple[Step, ...] = ()
    before: tuple[Gate | Hangup, ...] = ()
    chunked: bool = False
    closing: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class HttpServer:
    """Listens on a free port of 127.0.0.1 and answers with `answer(request)`."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self.url = ""
        self.open_connections = 0
        self.cancelled: list[Request] = []
        self.failures: list[Exception] = []
        self.changed = Signal()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "HttpServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None, "entered before"
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool], *, patience_s: float = DEFAULT_PATIENCE_S) -> None:
        """Wait until `condition()` holds; raise TimeoutError when it does not come true."""
        try:
            async with asyncio.timeout(patience_s):
                await self.changed.until(condition)
        except TimeoutError:
            state = f"{self.open_connections} open connections, {len(self.cancelled)} cancelled requests"
            raise TimeoutError(
                f"the condition did not come true in {patience_s} s; the server has {state}"
            ) from None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():  # it came while the server was closing
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(_Connection(self, reader, writer).serve())
        self._connections.add(task)
        self.open_connections += 1
        task.add_done_callback(self._closed)
        self.changed.notify()

    def _closed(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        self.open_connections -= 1
        self.changed.notify()


class _HungUp(Exception):
    """A `Hangup` step was carried out."""


class _Refused(Exception):
    """What came is not a request that this server can read; the status to say so with."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.response = Response(status=status, content_type="text/plain", steps=(why.encode(),))


class _Connection:
    """One client's connection: reads a request, delivers a response, and again."""

    def __init__(
        self, server: HttpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        # drain() then means "handed to the kernel": each chunk is flushed, and a reset loses none before it
        writer.transport.set_write_buffer_limits(0)

    async def serve(self) -> None:
        clean = False
        try:
            while (request := await self._read()) is not None and await self._deliver(request):
                pass
            clean = True
        except _Refused as refused:
            with suppress(ConnectionError):
                await self._send(refused.response, head_only=False, keep_alive=False)
                clean = True
        except (_HungUp, ConnectionError):
            clean = False  # the client is gone: nothing can be told it
        finally:
            if not clean:
                self._writer.transport.abort()
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _read(self) -> Request | None:
        """Read one request; None when the client closed instead of sending one."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise _Refused(431, "request header fields too large")
            if not await self._fill():
                return None
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        request = _parse_head(head)
        body = await self._body(_content_length(request))
        return None if body is None else replace(request, body=body)

    async def _body(self, length: int) -> bytes | None:
        while len(self._buffer) < length:
            if not await self._fill():
                return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    async def _fill(self) -> bool:
        data = await self._reader.read(256 * 1024)
        self._buffer += data
        return bool(data)

    async def _deliver(self, request: Request) -> bool:
        """Answer `request`; say whether the connection may carry another one."""
        keep_alive = request.headers.get("connection", "").lower() != "close"
        response = self._answer(request)
        sending = asyncio.ensure_future(self._send(response, request.method == "HEAD", keep_alive))
        leaving = asyncio.ensure_future(self._client_left())
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not isinstance(sending.exception(), ConnectionError):
                sending.result()
                return keep_alive
            self._server.cancelled.append(request)
            self._server.changed.notify()
            raise _HungUp
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    def _answer(self, request: Request) -> Response:
        try:
            return self._server.answer(request)
        except (
            Exception
        ) as error:  # the test's own script failed: told to the client, raised when the server closes
            self._server.failures.append(error)
            text = f"the script of the fake server raised {type(error).__name__}"
            return Response(status=500, content_type="text/plain", steps=(text.encode(),))

    async def _client_left(self) -> None:
        """Return when the client has closed; what it sends meanwhile is kept for later."""
        with suppress(ConnectionError):
            while len(self._buffer) <= MAX_HEAD_BYTES and await self._fill():
                pass

    async def _send(self, response: Response, head_only: bool, keep_alive: bool) -> None:
        for step in response.before:
            await self._do(step, chunked=False)
        await self._write(_head(response, keep_alive))
        if head_only:
            return
        for step in response.steps:
            await self._do(step, chunked=response.chunked)
        if response.chunked:
            await self._write(b"0\r\n\r\n")

    async def _do(self, step: Step, *, chunked: bool) -> None:
        if isinstance(step, Gate):
            await step.passed()
        elif isinstance(step, Hangup):
            self._hang_up(step)
        elif step:
            await self._write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def _hang_up(self, how: Hangup) -> None:
        if how is Hangup.RESET:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _HungUp


def _parse_head(head: bytes) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Refused(400, "malformed request line")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise _Refused(400, "malformed header line")
        headers[name.strip().lower()] = value.strip()
    path, _, query = words[1].partition("?")
    return Request(method=words[0], path=path, query=query, headers=headers)


def _content_length(request: Request) -> int:
    if "transfer-encoding" in request.headers:
        raise _Refused(411, "length required: this server reads no chunked requests")
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _Refused(400, "malformed content length")
    if int(length) > MAX_BODY_BYTES:
        raise _Refused(413, "request body too large")
    return int(length)


def _head(response: Response, keep_alive: bool) -> bytes:
    length = sum(len(step) for step in response.steps if isinstance(step, bytes))
    framing = "Transfer-Encoding: chunked" if response.chunked else f"Content-Length: {length}"
    lines = [
        f"HTTP/1.1 {response.status} {_reason(response.status)}",
        f"Content-Type: {response.content_type}",
        framing,
        *(f"{name}: {value}" for name, value in response.headers.items()),
        *([] if keep_alive else ["Connection: close"]),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
