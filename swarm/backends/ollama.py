"""Models of an Ollama server, over its native API, on the `ollama` client library.

The library's `AsyncClient` makes the requests and its types read `embed` and `systemone`. We go
round it where it is proven wrong (no deadlines, lost tool call ids, streams cut in silence ...):
see `docs/decisions/0003-ollama-client.md`. No other module imports `ollama`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx
import ollama
from pydantic import ValidationError

from swarm.backends.decide import UNDECIDED
from swarm.backends.http_errors import REJECTED, explain_status
from swarm.backends.ollama_wire import Collected, chat_body, server_url, split_options
from swarm.backends.systemone import check_size, read_decision, wire_questions
from swarm.backends.transport import Deadlines, PerLoop, Sleep, Transport, decode_json, verify
from swarm.backends.wire import count, items, table, unit
from swarm.errors import BackendError
from swarm.messages import Completion, CompletionRequest, Decision, DecisionRequest, TextDelta

__all__ = ["InstalledModel", "OllamaBackend"]

KEY_NAME = "OLLAMA_API_KEY"
ASIDE_S = 10.0  # deadline of small questions: what models there are, what one can do
EMBED_S = 120.0

_timeout_s: ContextVar[float] = ContextVar("timeout_s")  # the library's methods take no deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A model that the server has. `capabilities` is empty where the server does not tell."""

    name: str
    size_bytes: int
    digest: str
    capabilities: frozenset[str]


class OllamaBackend:
    """Reaches the models of one Ollama server; used as `ollama/NAME`.

    Args:
        url: as `OLLAMA_HOST` may be written; None takes that variable, else 127.0.0.1:11434.
        keep_alive: how long a model stays in memory after a request (seconds, or `30m`); None
            leaves what the server has: the setting is shared by all its clients.
        deadlines: within the deadline of each request.
        env: where `OLLAMA_HOST` and `OLLAMA_API_KEY` are read; the key is sent over https alone.
        sleep, clock: for tests.

    Raises:
        BackendError: code `address`; the URL cannot be one of a server.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        keep_alive: str | float | None = None,
        deadlines: Deadlines | None = None,
        env: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = server_url(url or env.get("OLLAMA_HOST"))
        self._keep_alive = keep_alive
        deadlines = deadlines or Deadlines()
        key = env.get(KEY_NAME, "").strip() if self.url.startswith("https:") else ""
        self._clients = PerLoop(lambda: _Client(self.url, self._transport, key, deadlines.connect_s))
        self._transport = Transport(
            self.url,
            client=lambda: self._clients.get().http,
            explain=self._explain,
            hint="ollama serve",
            deadlines=deadlines,
            sleep=sleep,
            clock=clock,
        )
        self._decides: dict[str, bool] = {}
        self._must_think: set[str] = set()  # models whose server does not take `think: false`

    @property
    def name(self) -> str:
        """Return `ollama`."""
        return "ollama"

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the whole answer; it is streamed underneath, so that a stall is noticed."""
        whole: Completion | None = None
        async with aclosing(self.stream(request)) as pieces:
            async for piece in pieces:
                whole = piece if isinstance(piece, Completion) else whole
        assert whole is not None, "a stream ends with the completion, or raises"
        return whole

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Yield the text as it comes, then the completion."""
        collected = Collected(request, where=self.url, model=self._named(request.model))
        async with aclosing(self._lines(request)) as lines:
            async for line in lines:
                if text := collected.add(line):
                    yield TextDelta(text=text)
        completion = collected.completion()
        if not completion.tool_calls and (text := collected.rest()):
            yield TextDelta(text=text)
        yield completion

    async def decides(self, model: str) -> bool:
        """Return whether the server lists the capability `decision` for `model`; asked once."""
        if model not in self._decides:
            try:
                self._decides[model] = "decision" in await self._capabilities(model)
            except BackendError as error:
                if error.code != "not_found":
                    raise
                self._decides[model] = False  # a server that looks like Ollama and cannot tell
        return self._decides[model]

    async def decide(self, request: DecisionRequest) -> Decision:
        """Return the model's own probabilities, through `/v1/systemone`.

        Raises:
            BackendError: code `undecided` when the server turns out not to know decisions,
                `too_long` over 64 KiB.
        """
        options = split_options(request.options)[1]
        body: dict[str, Any] = {
            "model": request.model,
            "state": request.state,
            "questions": wire_questions(request.questions),
            "keep_alive": options.get("keep_alive", self._keep_alive),
        }
        model = self._named(request.model)
        check_size(body, where=self.url, model=model)
        client = self._clients.get()
        try:
            with client.deadline(request.timeout_s), _readable(self.url, model):
                answer = await client.systemone(**body)
        except BackendError as error:
            if error.code != "not_found":
                raise
            self._decides[request.model] = False
            raise BackendError(
                "this server does not answer decisions",
                where=self.url,
                hint="ollama 0.35 or newer does",
                model=model,
                code=UNDECIDED,
            ) from error
        return read_decision(answer.model_dump(), request, where=self.url, model=model)

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit-length vector per text.

        Raises:
            BackendError: a text is longer than the model reads; it is never cut.
        """
        if not texts:
            return []
        named = self._named(model)
        client = self._clients.get()
        with client.deadline(EMBED_S), _readable(self.url, named):
            answer = await client.embed(model, list(texts), truncate=False, keep_alive=self._keep_alive)
        vectors = [unit(vector) for vector in answer.embeddings]
        if len(vectors) != len(texts):
            raise BackendError(
                f"{len(texts)} texts, and {len(vectors)} vectors came back",
                where=self.url,
                model=named,
                code="malformed",
            )
        return vectors

    async def models(self, *, timeout_s: float = ASIDE_S) -> list[InstalledModel]:
        """Return the models that the server has, by name."""
        answer = await self._json("GET", "/api/tags", timeout_s=timeout_s)
        found = [
            InstalledModel(
                name=str(row.get("name") or row.get("model", "")),
                size_bytes=count(row.get("size")),
                digest=str(row.get("digest") or ""),
                capabilities=frozenset(map(str, items(row.get("capabilities")))),
            )
            for row in map(table, items(answer.get("models")))
        ]
        return sorted(found, key=lambda model: model.name)

    async def digest(self, model: str) -> str:
        """Return the digest of the weights that `model` stands for, "" if the server has no such model."""
        wanted = model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
        return next((one.digest for one in await self.models() if one.name == wanted), "")

    async def version(self, *, timeout_s: float = ASIDE_S) -> str:
        """Return the server's version: whether it is there at all.

        Raises:
            BackendUnavailable: nothing answers.
        """
        return str((await self._json("GET", "/api/version", timeout_s=timeout_s)).get("version", ""))

    async def aclose(self) -> None:
        """Close the running loop's connections; the next request would open new ones."""
        client = self._clients.take()
        if client is not None:
            await client.close()

    async def _lines(self, request: CompletionRequest) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield the answer's lines as objects; ask without `think` where it is refused."""
        model = self._named(request.model)
        think = request.model not in self._must_think
        body = chat_body(request, think=think, keep_alive=self._keep_alive)
        begun = False
        try:
            lines = self._transport.lines("/api/chat", body=body, model=model, timeout_s=request.timeout_s)
            async with aclosing(lines):
                async for line in lines:
                    begun = True
                    if line.strip():
                        yield decode_json(line, where=self.url, model=model)
            return
        except BackendError as error:
            if begun or not think or error.code != REJECTED or "think" not in error.what:
                raise
        self._must_think.add(request.model)
        async with aclosing(self._lines(request)) as again:
            async for line in again:
                yield line

    async def _capabilities(self, model: str) -> frozenset[str]:
        shown = await self._json(
            "POST", "/api/show", body={"model": model}, model=self._named(model), timeout_s=ASIDE_S
        )
        return frozenset(map(str, items(shown.get("capabilities"))))

    async def _json(
        self, method: str, path: str, *, body: object = None, model: str = "", timeout_s: float
    ) -> dict[str, Any]:
        response = await self._transport.request(method, path, body=body, model=model, timeout_s=timeout_s)
        return decode_json(response.content, where=self.url, model=model)

    def _named(self, model: str) -> str:
        return f"{self.name}/{model}"

    def _explain(self, status: int, body: bytes, model: str) -> BackendError:
        pull = f"ollama pull {model.removeprefix('ollama/')}"
        return explain_status(
            status,
            body,
            where=self.url,
            model=model,
            get_model=pull,
            key_hint=f"set {KEY_NAME}, or ollama signin",
        )


class _Client(ollama.AsyncClient):
    """The library's client with its requests sent through our transport.

    Every method that is not a stream goes through `_request_raw`: replaced, all of them have
    deadlines, retries and our errors.
    """

    _client: httpx.AsyncClient

    def __init__(self, url: str, transport: Transport, key: str, connect_s: float) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            url,
            timeout=httpx.Timeout(None, connect=connect_s),  # the other deadlines are the transport's
            follow_redirects=False,  # a prompt goes to the server that was named, and to no other
            trust_env=False,  # no proxy for a server on this machine
            verify=verify(url),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )
        # the library sends OLLAMA_API_KEY to any host, also in clear
        self._client.headers.pop("authorization", None)
        if key:
            self._client.headers["authorization"] = f"Bearer {key}"
        self._transport = transport

    @property
    def http(self) -> httpx.AsyncClient:
        """Return the connections."""
        return self._client

    @contextmanager
    def deadline(self, timeout_s: float) -> Generator[None, None, None]:
        """Give the library's methods called inside a deadline."""
        token = _timeout_s.set(timeout_s)
        try:
            yield
        finally:
            _timeout_s.reset(token)

    async def _request_raw(self, method: str, path: str, *, json: Any = None) -> httpx.Response:
        model = f"ollama/{json['model']}"
        response = await self._transport.request(
            method, path, body=json, model=model, timeout_s=_timeout_s.get()
        )
        decode_json(response.content, where=self._transport.url, model=model)
        return response


@contextmanager
def _readable(where: str, model: str) -> Generator[None, None, None]:
    """Translate what the library's types cannot read."""
    try:
        yield
    except ValidationError as error:
        raise BackendError(
            f"the answer of the server cannot be read: {error.error_count()} fields are wrong",
            where=where,
            hint="is this an Ollama server, and the client library up to date?",
            model=model,
            code="malformed",
        ) from error
