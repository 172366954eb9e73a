"""How the Ollama backend fails: every fault of the wire is one of our errors, in time, and retried if that can help."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from asking import FakeClock, Pauses, asking

from swarm.backends.ollama import OllamaBackend
from swarm.backends.transport import Deadlines
from swarm.errors import BackendError, BackendTimeout, BackendUnavailable
from swarm.messages import Completion, TextDelta
from swarm.testing import FakeModel, Fault, OllamaServer, Reply, refused_url

IMPATIENT = Deadlines(first_s=0.05, idle_s=0.05)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest_asyncio.fixture
async def backend(ollama_server: OllamaServer, pauses: Pauses) -> AsyncIterator[OllamaBackend]:
    ollama_server.serve("m", FakeModel(reply="one two three"))
    backend = OllamaBackend(ollama_server.url, sleep=pauses)
    yield backend
    await backend.aclose()


async def failure(backend: OllamaBackend, timeout_s: float = 5.0) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await backend.complete(asking("m", timeout_s=timeout_s))
    assert caught.value.where == backend.url
    return caught.value


async def shown_before_failure(backend: OllamaBackend) -> tuple[list[str], BackendError]:
    shown: list[str] = []
    try:
        async for item in backend.stream(asking("m")):
            assert isinstance(item, TextDelta)
            shown.append(item.text)
    except BackendError as error:
        return shown, error
    pytest.fail("the stream ended as if nothing had happened")


# --- tried again


@pytest.mark.parametrize(
    "fault",
    [
        Fault.error(500, "model runner has unexpectedly stopped"),
        Fault.error(503, "server busy, please try again.  maximum pending requests exceeded"),
        Fault.error(429, "too many requests"),
        Fault.error(502, "cloud unreachable"),
        Fault.body(500, b"<html>gateway</html>", content_type="text/html"),
        Fault.body(500, b"null"),
        Fault.body(500, b"[1]"),
        Fault.body(503, b""),
        Fault.reset(),
        Fault.cut(),
    ],
    ids=lambda fault: fault.name,
)
async def test_trouble_before_the_first_byte_is_tried_again(
    ollama_server: OllamaServer, backend: OllamaBackend, pauses: Pauses, fault: Fault
) -> None:
    ollama_server.fail_next(fault, times=2)
    assert (await backend.complete(asking("m"))).text == "one two three"
    assert len(ollama_server.requests) == 3
    assert len(pauses.seconds) == 2
    assert all(0.4 < seconds < 2 for seconds in pauses.seconds)


async def test_trouble_that_lasts_is_an_error_after_three_attempts(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_always(Fault.error(503, "server busy"))
    error = await failure(backend)
    assert (error.code, error.retryable, error.what) == ("busy", True, "HTTP 503: server busy")
    assert len(ollama_server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (Fault.error(400, "invalid character"), "rejected", "HTTP 400: invalid character"),
        (
            Fault.body(400, b'{"error": "{\\"error\\":{\\"message\\":\\"bad grammar\\"}}"}'),
            "rejected",
            "HTTP 400: bad grammar",
        ),
        (Fault.error(401, "unauthorized"), "denied", "HTTP 401: unauthorized"),
        (Fault.body(403, b""), "denied", "HTTP 403: no explanation"),
        (Fault.body(404, b"404 page not found", content_type="text/plain"), "not_found", "HTTP 404"),
        (Fault.redirect("http://elsewhere.example/"), "redirect", "HTTP 307"),
        (Fault.body(400, b"null"), "rejected", "HTTP 400: null"),
        (Fault.body(418, b"<html>" + b"x" * 100_000), "rejected", "HTTP 418"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
async def test_a_refusal_for_cause_is_not_tried_again(
    ollama_server: OllamaServer, backend: OllamaBackend, fault: Fault, code: str, says: str
) -> None:
    ollama_server.fail_always(fault)
    error = await failure(backend)
    assert (error.code, error.retryable, len(ollama_server.requests)) == (code, False, 1)
    assert says in error.what
    assert error.hint
    assert len(str(error)) < 1000


# --- broken in the middle


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.no_done(after=2), "incomplete"),
        (Fault.cut(after=2), "disconnected"),
        (Fault.reset(after=2), "disconnected"),
        (Fault.malformed(after=2), "malformed"),
        (Fault.line(b"[1, 2]", after=2), "malformed"),
        (Fault.line(b'"done"', after=2), "malformed"),
        (Fault.line(b"[" * 100_000, after=2), "malformed"),
        (Fault.line(b'{"message": {"content": "\xff"}}', after=2), "malformed"),
        (Fault.stream_error("model runner has unexpectedly stopped", after=2), "broken_off"),
        (Fault.line(b'{"error": {"code": 7}}', after=2), "broken_off"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else value,
)
async def test_an_answer_that_breaks_off_is_an_error_and_is_not_asked_for_twice(
    ollama_server: OllamaServer, backend: OllamaBackend, fault: Fault, code: str
) -> None:
    ollama_server.fail_next(fault)
    shown, error = await shown_before_failure(backend)
    assert (shown, error.code) == (["one ", "two "], code)
    assert len(ollama_server.requests) == 1


async def test_a_stream_that_stops_without_done_is_never_taken_for_an_answer(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_next(Fault.no_done())
    error = await failure(backend)
    assert (error.code, error.retryable) == ("incomplete", True)


async def test_fields_of_the_wrong_type_are_read_as_absent(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    odd = b'{"message": "text", "logprobs": {"a": 1}, "done": false}\n'
    last = b'{"message": {"content": null, "tool_calls": 7}, "done": true, "eval_count": "many"}\n'
    ollama_server.fail_next(Fault.body(200, odd + last))
    completion = await backend.complete(asking("m"))
    assert (completion.text, completion.usage.output_tokens, completion.tool_calls) == ("", 0, ())


async def test_an_error_after_the_text_is_told_in_the_servers_words(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve(
        "m", FakeModel(reply=Reply(text="one", error="prediction aborted, token repeat limit reached"))
    )
    assert "token repeat limit reached" in (await failure(backend)).what


# --- too slow


async def test_a_server_that_never_begins_is_given_up_and_tried_again(
    ollama_server: OllamaServer, pauses: Pauses
) -> None:
    ollama_server.serve("m", FakeModel(reply="at last"))
    ollama_server.fail_next(Fault.stall(), times=2)
    backend = OllamaBackend(ollama_server.url, deadlines=IMPATIENT, sleep=pauses)
    assert (await backend.complete(asking("m"))).text == "at last"
    await backend.aclose()
    assert len(ollama_server.requests) == 3


async def test_a_server_that_stalls_in_the_middle_is_given_up(
    ollama_server: OllamaServer, pauses: Pauses
) -> None:
    ollama_server.serve("m", FakeModel(reply="one two"))
    ollama_server.fail_next(Fault.stall(after=1))
    backend = OllamaBackend(ollama_server.url, deadlines=IMPATIENT, sleep=pauses)
    error = await failure(backend)
    assert isinstance(error, BackendTimeout)
    assert error.what == "the next piece of the answer did not come within 0.05 s"
    await ollama_server.until(lambda server: len(server.cancelled) == 1)
    assert len(ollama_server.requests) == 1
    await backend.aclose()


async def test_the_deadline_of_the_request_ends_everything(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_always(Fault.stall())
    error = await failure(backend, timeout_s=0.05)
    assert isinstance(error, BackendTimeout)
    assert error.what == "no whole answer within 0.05 s"
    assert "longer `timeout`" in error.hint
    assert len(ollama_server.requests) == 1


async def test_a_reader_that_takes_its_time_is_not_cut_off_in_its_own_code(
    ollama_server: OllamaServer, pauses: Pauses
) -> None:
    ollama_server.serve("m", FakeModel(reply="one two"))
    backend = OllamaBackend(ollama_server.url, deadlines=IMPATIENT, sleep=pauses)
    items = [item async for item in backend.stream(asking("m")) if await slowly(item)]
    assert isinstance(items[-1], Completion)
    await backend.aclose()


async def slowly(_item: object) -> bool:
    await asyncio.sleep(0.06)  # longer than the server may take
    return True


# --- not there


async def test_a_server_that_refuses_is_tried_three_times_in_quick_succession(pauses: Pauses) -> None:
    with refused_url() as url:
        backend = OllamaBackend(url, sleep=pauses)
        error = await failure(backend)
        await backend.aclose()
    assert isinstance(error, BackendUnavailable)
    assert error.hint == "ollama serve"
    assert len(pauses.seconds) == 2
    assert sum(pauses.seconds) < 0.3


async def test_a_server_that_refused_is_not_asked_again_for_half_a_minute(pauses: Pauses) -> None:
    clock = FakeClock()
    with refused_url() as url:
        backend = OllamaBackend(url, sleep=pauses, clock=clock)
        await failure(backend)
        clock.now_s += 10
        error = await failure(backend)
        assert isinstance(error, BackendUnavailable)
        assert error.what == "nothing answered a moment ago; asked again in 20 s"
        assert len(pauses.seconds) == 2
        clock.now_s += 20
        assert "nothing answers" in (await failure(backend)).what
        assert len(pauses.seconds) == 4
        await backend.aclose()


async def test_a_name_that_does_not_exist_is_a_server_that_is_not_there(pauses: Pauses) -> None:
    backend = OllamaBackend("http://nowhere.invalid", sleep=pauses)
    assert isinstance(await failure(backend), BackendUnavailable)
    await backend.aclose()
