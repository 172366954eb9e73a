"""Talk to a model server over HTTP: deadlines, retries, and errors in our own words.

Every wait has a deadline. A request is tried again only while no byte of its answer has come, so
nobody sees an answer twice. No exception of httpx leaves this module.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from swarm.backends.available import Availability
from swarm.errors import BackendError, BackendTimeout, BackendUnavailable

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

__all__ = ["Deadlines", "PerLoop", "Sleep", "Transport", "decode_json", "encode_json", "verify"]

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

ATTEMPTS = 3
MAX_LINE_BYTES = 64 * 1024 * 1024  # a line that never ends must not fill the memory
MAX_ANSWER_BYTES = 256 * 1024 * 1024  # of a stream: its log-probabilities take 2 KB a token
MAX_ERROR_BYTES = 64 * 1024  # of an error's body: proxies answer with whole pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long to wait, in seconds; each within the deadline of the request itself.

    Attributes:
        connect_s: for a connection. `first_s`: from the request to the first byte of the answer,
            which includes loading the model. `idle_s`: between two pieces of an answer.
    """

    connect_s: float = 5.0
    first_s: float = 300.0  # a large model from a cold disk; giving up would start the load anew
    idle_s: float = 60.0


class PerLoop(Generic[T]):
    """One value per event loop: connections and locks belong to the loop that made them."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, T] = weakref.WeakKeyDictionary()

    def get(self) -> T:
        """Return the running loop's value; made at the first call."""
        loop = asyncio.get_running_loop()
        if loop not in self._values:
            self._values[loop] = self._make()
        return self._values[loop]

    def take(self) -> T | None:
        """Return and forget the running loop's value; None when there is none."""
        return self._values.pop(asyncio.get_running_loop(), None)


class Transport:
    """Requests to one server.

    Args:
        url: its address; errors name it.
        client: gives the running loop's httpx client, whose base URL is `url`.
        explain: (status, body, model) -> the error that a response other than 2xx stands for.
        hint: what to do when nothing answers at `url`.
        sleep: waits between attempts. `clock`: seconds, never going back.
    """

    def __init__(
        self,
        url: str,
        *,
        client: Callable[[], httpx.AsyncClient],
        explain: Callable[[int, bytes, str], BackendError],
        hint: str,
        deadlines: Deadlines,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self._client, self._explain, self._hint = client, explain, hint
        self._deadlines, self._sleep = deadlines, sleep
        self._availability = Availability(clock=clock)

    async def request(
        self, method: str, path: str, *, body: object = None, model: str = "", timeout_s: float
    ) -> httpx.Response:
        """Return the response to a request, its body read.

        Raises:
            BackendError: whatever went wrong, translated.
        """
        limit = _Limit(timeout_s, self.url, model)
        response = await self._open(method, path, body, limit)
        try:
            return await self._whole(response, limit)
        finally:
            await response.aclose()

    async def lines(
        self, path: str, *, body: object, model: str, timeout_s: float
    ) -> AsyncGenerator[bytes, None]:
        """Yield the lines of the streamed answer to a POST as they come, without their ends.

        A line ends at LF and nowhere else. Closing the generator closes the connection.

        Raises:
            BackendError: whatever went wrong, translated.
        """
        limit = _Limit(timeout_s, self.url, model)
        response = await self._open("POST", path, body, limit)
        try:
            parts: list[bytes] = []  # of the line that is still coming
            size = 0
            async for piece in self._pieces(response, limit):
                size += len(piece)
                if size > MAX_ANSWER_BYTES:
                    raise self._too_large("an answer", MAX_ANSWER_BYTES, model)
                *whole, rest = piece.split(b"\n")
                for line in whole:
                    yield b"".join([*parts, line])
                    parts = []
                parts.append(rest)
                if sum(map(len, parts)) > MAX_LINE_BYTES:
                    raise self._too_large("a line", MAX_LINE_BYTES, model)
            if any(parts):
                yield b"".join(parts)
        finally:
            await response.aclose()

    async def _open(self, method: str, path: str, body: object, limit: _Limit) -> httpx.Response:
        """Send a request, at most three times; return the response once its status is good."""
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

        content = None if body is None else encode_json(body, where=self.url)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause_s,
            retry=retry_if_exception(lambda error: _may_be_retried(error) and limit.left_s > 0),
            sleep=self._sleep,
            reraise=True,
        )
        self._refuse_if_it_just_did(limit.model)
        try:
            return await retrying(self._send, method, path, content, limit)
        except BackendUnavailable:
            self._availability.refused()
            raise

    async def _send(self, method: str, path: str, content: bytes | None, limit: _Limit) -> httpx.Response:
        client = self._client()
        request = client.build_request(method, path, content=content)
        with self._translated(limit.model):
            response = await limit.wait(
                client.send(request, stream=True), self._deadlines.first_s, "the first byte of the answer"
            )
            self._availability.answered()
            if response.is_success:
                return response
            try:
                text = await limit.wait(response.aread(), self._deadlines.idle_s, "the text of an error")
            finally:
                await response.aclose()
        raise self._explain(response.status_code, text[:MAX_ERROR_BYTES], limit.model)

    async def _whole(self, response: httpx.Response, limit: _Limit) -> httpx.Response:
        """Return the response with its body read: within the deadlines, and not more than may be."""
        import httpx

        body = bytearray()
        async for piece in self._pieces(response, limit):
            body += piece
            if len(body) > MAX_LINE_BYTES:
                raise self._too_large("an answer", MAX_LINE_BYTES, limit.model)
        return httpx.Response(response.status_code, content=bytes(body), request=response.request)

    def _too_large(self, what: str, most: int, model: str) -> BackendError:
        return BackendError(
            f"{what} of over {most:,} bytes",
            where=self.url,
            hint="limit what the model writes: `num_predict` in the expert's options",
            model=model,
            code="too_large",
        )

    async def _pieces(self, response: httpx.Response, limit: _Limit) -> AsyncGenerator[bytes, None]:
        pieces = response.aiter_bytes()
        while True:
            try:
                with self._translated(limit.model):
                    piece = await limit.wait(
                        anext(pieces), self._deadlines.idle_s, "the next piece of the answer"
                    )
            except StopAsyncIteration:
                return
            yield piece

    def _refuse_if_it_just_did(self, model: str) -> None:
        if wait_s := self._availability.wait_s:
            raise BackendUnavailable(
                f"nothing answered a moment ago; asked again in {wait_s:.0f} s",
                where=self.url,
                hint=self._hint,
                model=model,
                retryable=False,
            )

    @contextmanager
    def _translated(self, model: str) -> Generator[None, None, None]:
        """Turn what httpx raises into our errors."""
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # one that times out costs seconds each time, so it is not tried again at once
            raise BackendUnavailable(
                f"nothing answers ({str(error) or 'no connection in time'})",
                where=self.url,
                hint=self._hint,
                model=model,
                retryable=not isinstance(error, httpx.ConnectTimeout),
            ) from error
        except httpx.TimeoutException as error:
            raise BackendTimeout(f"{type(error).__name__}", where=self.url, model=model) from error
        except (httpx.LocalProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            # not quoted: the text may hold a header, and so a key
            raise BackendError(
                f"the request cannot be sent ({type(error).__name__})",
                where=self.url,
                hint="look at the address and the key of this server",
                model=model,
                code="request",
            ) from error
        except httpx.HTTPError as error:
            raise BackendError(
                f"the connection broke ({type(error).__name__}: {error})",
                where=self.url,
                hint="try again; the server's log may say why",
                model=model,
                code="disconnected",
                retryable=True,
            ) from error


class _Limit:
    """The deadline of one request, and shorter ones within it."""

    def __init__(self, timeout_s: float, url: str, model: str) -> None:
        self.model = model
        self._timeout_s, self._url = timeout_s, url
        self._end = asyncio.get_running_loop().time() + timeout_s

    @property
    def left_s(self) -> float:
        return self._end - asyncio.get_running_loop().time()

    async def wait(self, awaitable: Awaitable[T], at_most_s: float, what: str) -> T:
        left_s = self.left_s
        try:
            # never held across a `yield`: it would cancel the reader of the stream, not the wait
            async with asyncio.timeout(min(left_s, at_most_s)):
                return await awaitable
        except TimeoutError as error:
            late = f"{what} did not come within {at_most_s:g} s"
            if left_s <= at_most_s:
                late = f"no whole answer within {self._timeout_s:g} s"
            raise BackendTimeout(
                late,
                where=self._url,
                hint="give the expert a longer `timeout`, or a smaller model",
                model=self.model,
            ) from error


def encode_json(value: object, *, where: str) -> bytes:
    """Return JSON in ASCII: a lone surrogate stays an escape, which every server can read.

    Raises:
        BackendError: code `request`; an option or a schema holds something JSON cannot say.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BackendError(
            f"the request is not JSON: {error}",
            where=where,
            hint="look at the expert's options",
            code="request",
        ) from error


def decode_json(data: bytes, *, where: str, model: str = "") -> dict[str, Any]:
    """Return the JSON object that a server sent.

    Raises:
        BackendError: code `malformed`.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        shown = data[:80].decode("utf-8", "replace")
        raise BackendError(
            f"malformed JSON: {shown!r} ({error})", where=where, model=model, code="malformed"
        ) from error
    if not isinstance(value, Mapping):
        raise BackendError(
            f"expected a JSON object, got {type(value).__name__}", where=where, model=model, code="malformed"
        )
    return cast("dict[str, Any]", value)


def verify(url: str) -> ssl.SSLContext | bool:
    """Return what httpx is to check certificates with; nothing is loaded for plain HTTP (50 ms)."""
    return True if url.startswith("https:") else _without_certificates()


@cache
def _without_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, should TLS ever be spoken


def _may_be_retried(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.retryable


def _pause_s(state: RetryCallState) -> float:
    """Wait little for a refusal (the server is there or not), longer for a busy server."""
    from tenacity import wait_exponential, wait_random

    error = state.outcome.exception() if state.outcome else None
    unit_s = 0.05 if isinstance(error, BackendUnavailable) else 0.5
    return wait_exponential(multiplier=unit_s, max=5.0)(state) + wait_random(0.0, unit_s)(state)
