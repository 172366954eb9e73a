"""Ways in which a model server fails, each as a change to one response.

`after` counts the chunks that arrive before the fault; the body of a response that is not streamed counts as
two halves, so `after=1` is in its middle. `after=None` is before the status line. A fault that answers in
the model's place (`error`, `body`, `redirect`, a hang-up or an endless stall before the status line) leaves
the model's script alone, so the retry gets the reply that the first attempt did not.

Two kinds of trouble need no fault, because a reply can carry them: one very long line
(`Reply(text=["x" * 9_000_000])`), and U+0085 inside a line (`reply="a\\u0085b"`), which some clients take for
its end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from swarm.testing.http import Gate, Hangup, Request, Response, Step
from swarm.testing.wire import error_response, framed


def _as_it_is(response: Response) -> Response:
    return response


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One failure. Take one from the constructors below; `answer` and `change` are for your own."""

    name: str
    answer: Callable[[Request], Response] | None = None
    change: Callable[[Response], Response] = _as_it_is

    @staticmethod
    def error(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> "Fault":
        """Answer with `status` and the JSON error body of the route's protocol."""

        def answer(request: Request) -> Response:
            return replace(error_response(request.path, status, message), headers=headers or {})

        return Fault(name=f"error {status}", answer=answer)

    @staticmethod
    def body(status: int, body: bytes, *, content_type: str = "application/json") -> "Fault":
        """Answer with exactly this body: `null`, a list, a proxy's HTML page."""
        response = Response(status=status, content_type=content_type, steps=(body,))
        return Fault(name=f"body {status}", answer=lambda _request: response)

    @staticmethod
    def redirect(url: str, *, status: int = 307) -> "Fault":
        """Send the client elsewhere."""
        response = Response(status=status, content_type="text/plain", headers={"Location": url})
        return Fault(name=f"redirect to {url}", answer=lambda _request: response)

    @staticmethod
    def stall(*, after: int | None = None, gate: Gate | None = None) -> "Fault":
        """Fall silent: until `gate` opens, else until the client leaves."""
        return _halt("stall", after, gate or Gate(), instead=gate is None)

    @staticmethod
    def reset(*, after: int | None = None, when: Gate | None = None) -> "Fault":
        """Reset the connection (RST), once `when` opens if one is given."""
        return _halt("reset", after, *_then(when, Hangup.RESET), instead=True)

    @staticmethod
    def cut(*, after: int | None = None, when: Gate | None = None) -> "Fault":
        """Close the connection (FIN) in the middle of the response."""
        return _halt("cut", after, *_then(when, Hangup.CLOSE), instead=True)

    @staticmethod
    def no_done(*, after: int | None = None) -> "Fault":
        """End a stream well-formed, but without the line that says it is complete."""

        def change(response: Response) -> Response:
            steps = response.steps[: len(response.steps) - response.closing]
            return replace(response, steps=steps[:after], closing=0)

        return Fault(name="no done", change=change)

    @staticmethod
    def line(raw: bytes, *, after: int = 1) -> "Fault":
        """Put one more line or event into a stream; a body that is not streamed becomes `raw`."""

        def change(response: Response) -> Response:
            if not response.chunked:
                return replace(response, steps=(raw,))
            return _insert(response, after, framed(response.content_type, raw))

        return Fault(name="line", change=change)

    @staticmethod
    def malformed(*, after: int = 1) -> "Fault":
        """Send JSON that breaks off in the middle of a string."""
        return replace(Fault.line(b'{"model": "broken', after=after), name="malformed")

    @staticmethod
    def blank_line(*, after: int = 1) -> "Fault":
        """Put an empty line between two lines of a stream, or before a body that is not streamed."""

        def change(response: Response) -> Response:
            if not response.chunked:
                return replace(response, steps=(b"\n", *response.steps))
            return _insert(response, after, b"\n")

        return Fault(name="blank line", change=change)

    @staticmethod
    def stream_error(message: str, *, after: int = 1) -> "Fault":
        """Break a stream off with an error inside it, status 200; unstreamed: a plain 500.

        Ollama's own OpenAI routes swallow such an error (`no_done` does that); other servers send it so.
        """

        def change(response: Response) -> Response:
            sse = response.content_type == "text/event-stream"
            error = error_response("/v1/" if sse else "/api/", 500, message)
            if not response.chunked:
                return error
            body = b"".join(step for step in error.steps if isinstance(step, bytes))
            return replace(
                response, steps=(*response.steps[:after], framed(response.content_type, body)), closing=0
            )

        return Fault(name="stream error", change=change)

    @staticmethod
    def paced(gate: Gate) -> "Fault":
        """Send each chunk only when `gate` lets it: a slow model, without a clock."""

        def change(response: Response) -> Response:
            steps = tuple(step for chunk in response.steps for step in (gate, chunk))
            return replace(response, steps=steps)

        return Fault(name="paced", change=change)

    @staticmethod
    def rechunked(size: int) -> "Fault":
        """Cut the body into chunks of `size` bytes, through lines and characters alike."""

        def change(response: Response) -> Response:
            body = b"".join(step for step in response.steps if isinstance(step, bytes))
            steps = tuple(body[start : start + size] for start in range(0, len(body), size))
            return replace(response, steps=steps)

        return Fault(name="rechunked", change=change)


def _then(when: Gate | None, hangup: Hangup) -> tuple[Gate | Hangup, ...]:
    return (hangup,) if when is None else (when, hangup)


def _halt(name: str, after: int | None, *halts: Gate | Hangup, instead: bool) -> Fault:
    """Put `halts` before the status line (`instead` of asking the model) or after that many chunks."""
    if after is not None:
        return Fault(name=name, change=lambda response: _insert(response, after, *halts))
    if instead:
        return Fault(name=name, answer=lambda _request: Response(before=halts))
    return Fault(name=name, change=lambda response: replace(response, before=halts))


def _insert(response: Response, after: int, *steps: Step) -> Response:
    existing = response.steps if response.chunked else _halves(response.steps)
    return replace(response, steps=(*existing[:after], *steps, *existing[after:]))


def _halves(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    body = b"".join(step for step in steps if isinstance(step, bytes))
    middle = (len(body) + 1) // 2
    return body[:middle], body[middle:]
