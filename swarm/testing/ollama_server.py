"""An Ollama server for tests: real HTTP on loopback, scripted models, faults on demand, a record of the wire.

    async with OllamaServer({"qwen3:4b": FakeModel(reply="Hello.")}) as server:
        client = ollama.AsyncClient(host=server.url)
        ...
        assert server.requests[0].json["think"] is False

It speaks Ollama's native protocol, `/v1/systemone` and the OpenAI-compatible routes, knows nothing of swarm's
own types, never sleeps and never looks at a clock: the same requests get the same bytes each time.
"""

import asyncio
import ipaddress
import json
import socket
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from swarm.testing import decision_routes, ollama_routes, openai_routes
from swarm.testing.fake_model import FakeModel
from swarm.testing.faults import Fault
from swarm.testing.host import Host
from swarm.testing.http import DEFAULT_PATIENCE_S, HttpServer, Request, Response
from swarm.testing.wire import ApiError, error_response, json_response, plain_response

VERSION = "0.40.12"
VERSION_BEFORE_DECISIONS = "0.33.0"
LOCAL_SUFFIXES = (".localhost", ".local", ".internal")

Route = Callable[[Host, Request], Response]


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it came. `json` is its body read as JSON, None when it is not."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    json: object


@dataclass(kw_only=True)
class _Planned:
    """A fault waiting for its requests; `left` is None when it never ends."""

    fault: Fault
    left: int | None
    path: str | None

    def takes(self, request: Request) -> bool:
        return self.path is None or self.path == request.path


class OllamaServer:
    """A fake Ollama server on a free port of 127.0.0.1.

    Args:
        models: what it serves, by name; `qwen3` is `qwen3:latest`.
        decisions: False for a server from before v0.35, which knows no `/v1/systemone`.
        version: what `/api/version` says.

    Leaving the `async with` closes every connection, and raises what a script of yours raised meanwhile.
    """

    def __init__(
        self, models: Mapping[str, FakeModel] | None = None, *, decisions: bool = True, version: str = ""
    ) -> None:
        self.requests: list[Received] = []
        self._host = Host(models or {})
        self._version = version or (VERSION if decisions else VERSION_BEFORE_DECISIONS)
        self._routes = _routes(decisions)
        self._planned: list[_Planned] = []
        self._http = HttpServer(self._answer)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)
        if self._http.failures and error is None:
            raise ExceptionGroup("a script of the fake server failed", self._http.failures)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self._http.url

    @property
    def open_connections(self) -> int:
        """How many connections clients hold open, idle ones too."""
        return self._http.open_connections

    @property
    def cancelled(self) -> list[Received]:
        """The requests whose client left before it had the whole answer."""
        return [_received(request) for request in self._http.cancelled]

    @property
    def loaded(self) -> list[str]:
        """The models in memory."""
        return list(self._host.loaded)

    def serve(self, name: str, model: FakeModel) -> None:
        """Add a model, or replace one."""
        self._host.serve(name, model)

    def fail_next(self, fault: Fault, *, times: int = 1, path: str | None = None) -> None:
        """Let the next requests (to `path`, if given) fail; one fault to a request, first planned first."""
        self._planned.append(_Planned(fault=fault, left=times, path=path))

    def fail_always(self, fault: Fault, *, path: str | None = None) -> None:
        """Let every request fail from now on, until `heal()`."""
        self._planned.append(_Planned(fault=fault, left=None, path=path))

    def heal(self) -> None:
        """Forget all planned faults."""
        self._planned.clear()

    async def until(
        self, condition: Callable[["OllamaServer"], bool], *, patience_s: float = DEFAULT_PATIENCE_S
    ) -> None:
        """Wait for what a client does, as in `await server.until(lambda s: s.open_connections == 0)`."""
        await self._http.until(lambda: condition(self), patience_s=patience_s)

    def _answer(self, request: Request) -> Response:
        self.requests.append(_received(request))
        self._http.changed.notify()
        fault = self._next_fault(request)
        if fault is not None and fault.answer is not None:
            return fault.answer(request)
        try:
            response = self._route(request)
        except ApiError as error:
            response = error_response(request.path, error.status, error.message)
        return response if fault is None else fault.change(response)

    def _next_fault(self, request: Request) -> Fault | None:
        planned = next((plan for plan in self._planned if plan.takes(request)), None)
        if planned is None:
            return None
        if planned.left is not None:
            planned.left -= 1
            if not planned.left:
                self._planned.remove(planned)
        return planned.fault

    def _route(self, request: Request) -> Response:
        if not _is_local(request.headers.get("host", "")):
            return plain_response("", status=403)
        if request.path == "/api/version" and request.method in ("GET", "HEAD"):
            return json_response({"version": self._version})
        methods = self._routes.get(request.path)
        if methods is None:
            return plain_response("404 page not found", status=404)
        route = methods.get(request.method)
        return route(self._host, request) if route else plain_response("405 method not allowed", status=405)


@contextmanager
def refused_url() -> Generator[str]:
    """Give a URL where nothing listens, kept free of other listeners meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(
            ("127.0.0.1", 0)
        )  # bound but not listening: a connection is refused, and nobody else can have the port
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def in_thread(server: OllamaServer) -> Generator[OllamaServer]:
    """Run `server` on a loop of its own, for code under test that is not async or starts its own loop.

    Plan faults before the requests; gates and `until` belong to the server's loop and do not work from here.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fake ollama server")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(*sys.exc_info()), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _received(request: Request) -> Received:
    try:
        body = json.loads(request.body) if request.body else None
    except (ValueError, RecursionError):
        body = None
    return Received(
        method=request.method, path=request.path, headers=request.headers, body=request.body, json=body
    )


def _is_local(host: str) -> bool:
    """Whether a loopback listener takes a request for `host`: not one that a web page made up."""
    name = host.rsplit(":", 1)[0].strip("[]").lower()
    if name in ("", "localhost") or name.endswith(LOCAL_SUFFIXES):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified


def _routes(decisions: bool) -> Mapping[str, Mapping[str, Route]]:
    def running(_host: Host, _request: Request) -> Response:
        return plain_response("Ollama is running")

    routes: dict[str, Mapping[str, Route]] = {
        "/": {"GET": running, "HEAD": running},
        "/api/version": {},
        "/api/tags": {"GET": ollama_routes.tags, "HEAD": ollama_routes.tags},
        "/api/ps": {"GET": ollama_routes.ps},
        "/api/show": {"POST": ollama_routes.show},
        "/api/chat": {"POST": ollama_routes.chat},
        "/api/generate": {"POST": ollama_routes.generate},
        "/api/embed": {"POST": ollama_routes.embed},
        "/v1/models": {"GET": openai_routes.models},
        "/v1/chat/completions": {"POST": openai_routes.chat_completions},
        "/v1/embeddings": {"POST": openai_routes.embeddings},
    }
    if decisions:
        routes["/v1/systemone"] = {"POST": decision_routes.systemone}
    return routes
