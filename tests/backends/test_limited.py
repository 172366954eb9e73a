"""At most so many at once."""

import asyncio
from contextlib import aclosing

import pytest
from asking import asking, deciding

from swarm.backends.base import ModelBackend
from swarm.backends.limited import Limited
from swarm.backends.scripted import Held, ScriptedBackend
from swarm.errors import BackendError
from swarm.messages import Completion, CompletionRequest, Question, TextDelta

LABEL = Question(type="choice", options={"a": "", "b": ""})


class OnlyText:
    """A backend that can do no more than it must."""

    name = "plain"

    async def complete(self, request: CompletionRequest) -> Completion:
        return Completion(text="hi", model=request.model)

    async def stream(self, request: CompletionRequest):
        yield TextDelta(text="hi")
        yield await self.complete(request)

    async def aclose(self) -> None: ...


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_than_n_requests_are_passed_on_at_once_and_all_are_answered() -> None:
    release = asyncio.Event()
    inner = ScriptedBackend({"m": Held(until=release, then="hi"), "d": {"label": {"a": 1.0}}})
    backend: ModelBackend = Limited(inner, n=2)
    tasks = [asyncio.create_task(backend.complete(asking("m"))) for _ in range(5)]
    await settle()
    assert len(inner.requests) == 2
    release.set()
    assert [answer.text for answer in await asyncio.gather(*tasks)] == ["hi"] * 5


async def test_a_request_that_waits_can_be_cancelled_and_gives_its_turn_to_the_next() -> None:
    release = asyncio.Event()
    backend = Limited(ScriptedBackend({"m": Held(until=release, then="hi")}), n=1)
    first, second, third = (asyncio.create_task(backend.complete(asking("m"))) for _ in range(3))
    await settle()
    second.cancel()
    release.set()
    assert (await first).text == (await third).text == "hi"
    assert second.cancelled()


async def test_a_request_that_is_cancelled_at_work_gives_its_place_back() -> None:
    inner = ScriptedBackend({"m": [Held(until=asyncio.Event(), then="never"), "hi"]})
    backend = Limited(inner, n=1)
    first = asyncio.create_task(backend.complete(asking("m")))
    await settle()
    first.cancel()
    assert (await backend.complete(asking("m"))).text == "hi"


async def test_a_stream_holds_its_place_until_it_is_closed() -> None:
    inner = ScriptedBackend({"m": "one two"})
    backend = Limited(inner, n=1)
    async with aclosing(backend.stream(asking("m"))) as items:
        assert await anext(items) == TextDelta(text="one")
        waiting = asyncio.create_task(backend.complete(asking("m")))
        await settle()
        assert not waiting.done()
    assert (await waiting).text == "one two"


async def test_decisions_pass_through() -> None:
    backend = Limited(ScriptedBackend({"d": {"label": {"a": 0.9, "b": 0.1}}, "m": "hi"}))
    assert [await backend.decides(model) for model in ("d", "m")] == [True, False]
    assert (await backend.decide(deciding("d", {"label": LABEL}))).answers["label"].value == "a"
    assert backend.name == "scripted"


async def test_what_the_backend_inside_cannot_do_it_cannot_do_either() -> None:
    backend = Limited(OnlyText())
    assert not await backend.decides("m")
    with pytest.raises(BackendError, match="the backend 'plain' cannot embed"):
        await backend.embed("m", ["a"])
    with pytest.raises(BackendError, match="cannot answer decisions natively"):
        await backend.decide(deciding("m", {"label": LABEL}))


async def test_closing_closes_the_backend_inside() -> None:
    inner = ScriptedBackend({})
    await Limited(inner).aclose()
    assert inner.closed


def test_a_limit_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(ValueError, match="n is at least 1"):
        Limited(ScriptedBackend({}), n=0)


def test_one_limit_serves_several_event_loops() -> None:
    backend = Limited(ScriptedBackend({"m": "hi"}), n=1)

    async def many() -> list[str]:
        return [
            answer.text for answer in await asyncio.gather(*(backend.complete(asking("m")) for _ in range(3)))
        ]

    assert asyncio.run(many()) == asyncio.run(many()) == ["hi"] * 3
