"""Models of any server that speaks the OpenAI chat protocol: llama.cpp, vLLM, LM Studio, OpenAI ...

What a server can do beyond text (log-probabilities, decisions) is found out by asking it, never
assumed from its name.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from swarm.backends.decide import UNDECIDED
from swarm.backends.http_errors import explain_status
from swarm.backends.openai_wire import Collected, chat_body, event_data
from swarm.backends.systemone import check_size, read_decision, wire_questions
from swarm.backends.transport import Deadlines, PerLoop, Sleep, Transport, decode_json, verify
from swarm.backends.wire import unit
from swarm.errors import BackendError, BackendTimeout, BackendUnavailable
from swarm.messages import Completion, CompletionRequest, Decision, DecisionRequest, TextDelta

__all__ = ["OpenAIBackend"]

DEFAULT_URL = "https://api.openai.com/v1"
DEFAULT_KEY_ENV = "OPENAI_API_KEY"
PROBE_S = 10.0
PROBE = {"ok": {"type": "noul", "instructions": "Is this a test?"}}


class OpenAIBackend:
    """Reaches the models of one OpenAI-compatible server; used as `openai/NAME`.

    Args:
        url: with its version, such as `http://127.0.0.1:8000/v1`; "" is OpenAI's own.
        key_env: the environment variable that holds the key, sent to this server. "" takes
            `OPENAI_API_KEY`, which is sent over https alone. Keys are given by name only.
        deadlines: within the deadline of each request.
        env, sleep, clock: for tests.

    Raises:
        BackendError: code `address` or `key`.
    """

    def __init__(
        self,
        url: str = "",
        *,
        key_env: str = "",
        deadlines: Deadlines | None = None,
        env: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = _checked(url or DEFAULT_URL)
        self._key_env = key_env or DEFAULT_KEY_ENV
        key = self._key(env, asked_for=bool(key_env))
        deadlines = deadlines or Deadlines()
        self._clients = PerLoop(lambda: _client(self.url, key, deadlines.connect_s))
        self._transport = Transport(
            self.url,
            client=self._clients.get,
            explain=self._explain,
            hint="start the server, or correct `url` under `models:`",
            deadlines=deadlines,
            sleep=sleep,
            clock=clock,
        )
        self._decides: dict[str, bool] = {}

    @property
    def name(self) -> str:
        """Return `openai`."""
        return "openai"

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the whole answer; it is streamed underneath, so that a stall is noticed."""
        whole: Completion | None = None
        async with aclosing(self.stream(request)) as items:
            async for item in items:
                whole = item if isinstance(item, Completion) else whole
        assert whole is not None, "a stream ends with the completion, or raises"
        return whole

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Yield the text as it comes, then the completion."""
        model = self._named(request.model)
        collected = Collected(request, where=self.url, model=model)
        lines = self._transport.lines(
            "/chat/completions", body=chat_body(request), model=model, timeout_s=request.timeout_s
        )
        async with aclosing(lines):
            async for line in lines:
                data = event_data(line)
                if data is None:
                    continue
                if text := collected.add(decode_json(data, where=self.url, model=model)):
                    yield TextDelta(text=text)
        completion = collected.completion()
        if not completion.tool_calls and (text := collected.rest()):
            yield TextDelta(text=text)
        yield completion

    async def decides(self, model: str) -> bool:
        """Return whether the server answers a decision with `model`: tried once, with a question of ours."""
        if model not in self._decides:
            body = {"model": model, "state": "test", "questions": PROBE}
            try:
                await self._json("/systemone", body, model, PROBE_S)
            except (BackendUnavailable, BackendTimeout):
                raise
            except BackendError as error:
                if error.retryable:
                    return False  # it may have been busy: ask it again another time
                self._decides[model] = False
            else:
                self._decides[model] = True
        return self._decides[model]

    async def decide(self, request: DecisionRequest) -> Decision:
        """Return the model's own probabilities, through `/v1/systemone`.

        Raises:
            BackendError: code `undecided` when the server does not know decisions.
        """
        body = {
            "model": request.model,
            "state": request.state,
            "questions": wire_questions(request.questions),
        }
        model = self._named(request.model)
        check_size(body, where=self.url, model=model)
        try:
            answer = await self._json("/systemone", body, request.model, request.timeout_s)
        except BackendError as error:
            if error.code != "not_found":
                raise
            self._decides[request.model] = False
            raise BackendError(
                "this server does not answer decisions", where=self.url, model=model, code=UNDECIDED
            ) from error
        return read_decision(answer, request, where=self.url, model=model)

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit-length vector per text, in order."""
        if not texts:
            return []
        answer = await self._json("/embeddings", {"model": model, "input": list(texts)}, model, 120.0)
        try:
            rows = sorted(cast("list[Mapping[str, Any]]", answer["data"]), key=lambda row: row["index"])
            vectors = [[float(value) for value in row["embedding"]] for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise self._malformed(model, f"the vectors cannot be read: {error}") from error
        if len(vectors) != len(texts):
            raise self._malformed(model, f"{len(texts)} texts, and {len(vectors)} vectors came back")
        return [unit(vector) for vector in vectors]

    async def aclose(self) -> None:
        """Close the running loop's connections; the next request would open new ones."""
        client = self._clients.take()
        if client is not None:
            await client.aclose()

    async def _json(self, path: str, body: object, model: str, timeout_s: float) -> dict[str, Any]:
        named = self._named(model)
        response = await self._transport.request("POST", path, body=body, model=named, timeout_s=timeout_s)
        return decode_json(response.content, where=self.url, model=named)

    def _key(self, env: Mapping[str, str], *, asked_for: bool) -> str:
        key = env.get(self._key_env, "").strip()
        if asked_for and not key:
            raise BackendError(
                f"there is no key in the environment variable {self._key_env!r}",
                where=self.url,
                hint=f"export {self._key_env}=...",
                code="key",
            )
        if not key.isascii() or not key.isprintable():
            raise BackendError(  # without the key: errors are logged
                f"what is in {self._key_env!r} cannot be a key",
                where=self.url,
                hint="copy it again",
                code="key",
            )
        return key if asked_for or self.url.startswith("https:") else ""

    def _named(self, model: str) -> str:
        return f"{self.name}/{model}"

    def _explain(self, status: int, body: bytes, model: str) -> BackendError:
        return explain_status(
            status,
            body,
            where=self.url,
            model=model,
            get_model=f"choose one that {self.url}/models lists",
            key_hint=f"put a key into {self._key_env}, or name its variable: `key: env:NAME`",
        )

    def _malformed(self, model: str, what: str) -> BackendError:
        return BackendError(what, where=self.url, model=self._named(model), code="malformed")


def _client(url: str, key: str, connect_s: float) -> httpx.AsyncClient:
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=httpx.Timeout(None, connect=connect_s),  # the other deadlines are the transport's
        trust_env=url.startswith("https:"),  # a proxy for what is far away, none for this machine
        verify=verify(url),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
    )


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        fits = fits and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise BackendError(
            f"{url!r} is no address of a model server",
            hint="write `url: http://127.0.0.1:8000/v1` under `models:`, or SWARM_OPENAI_URL",
            code="address",
        )
    return url.rstrip("/")
