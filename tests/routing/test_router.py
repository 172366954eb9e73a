"""The router: which expert a request goes to, what answers when none fits, and who decides what is unsure."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from swarm import Expert, Graph, Registry, Router, ScriptedBackend, SpecError, Swarm, SwarmError
from swarm.errors import BackendUnavailable
from swarm.events import Event, ModelFinished, ModelRequested, RouteDecided
from swarm.messages import DecisionRequest
from swarm.routing.base import NONE
from swarm.routing.classifier import RequestClassifier
from swarm.routing.lessons import lessons
from swarm.routing.request import read_request

DATA = Path(__file__).parent.parent / "data"
LETTER = "Dear neighbours, the lift will be repaired from Monday to Wednesday. Please use the stairs. " * 4
UNSURE = "I need a train to Ghent"  # shares a word with the bookings expert, and is worded like the writer's
WEATHER = Expert(
    kind="write",
    description="Tells the weather forecast for a place and a day. Serves questions about rain, wind and snow.",
    input={"question": "string"},
    prompt="Weather?\n{{ question }}",
    cascade=["scripted/sky"],
)
BOOKINGS = Expert(
    kind="write",
    description="Books flights, trains and hotels, and changes or cancels a booking.",
    input={"question": "string"},
    prompt="Book it.\n{{ question }}",
    cascade=["scripted/desk"],
)


def no_server() -> dict[str, ScriptedBackend]:
    refused = BackendUnavailable("nothing answers at 127.0.0.1:11434")
    models = ("qwen3:0.6b", "qwen3:4b", "qwen2.5-coder:1.5b", "qwen2.5-coder:7b")
    return {"ollama": ScriptedBackend(dict.fromkeys(models, refused), name="ollama")}


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def own(tmp_path: Path) -> Registry:
    return Registry(experts={"weather": WEATHER, "bookings": BOOKINGS}, cwd=tmp_path)


async def test_at_least_36_of_40_requests_reach_the_expert_they_are_meant_for() -> None:
    async with Router(backends=no_server()) as router:
        wrong = [
            f"{row['expert']} and not {decision.expert}: {row['text'][:70]!r} ({decision.reason})"
            for row in rows("ask_requests.jsonl")
            if (decision := await router.route(row["text"])).expert != row["expert"]
        ]
    assert len(wrong) <= 4, "\n".join(wrong)


async def test_at_least_12_of_15_requests_that_nobody_serves_are_sent_to_nobody() -> None:
    async with Router(backends=no_server()) as router:
        taken = [
            f"{decision.expert} took {row['text'][:70]!r} ({decision.reason})"
            for row in rows("ask_none.jsonl")
            if (decision := await router.route(row["text"])).expert is not None
        ]
    assert len(taken) <= 3, "\n".join(taken)


def test_without_scikit_learn_most_requests_still_reach_their_expert() -> None:
    registry = Registry()
    experts = [registry.get(name) for name in registry.names()]
    classifier = RequestClassifier.learn(experts, lessons(experts), trained=False)
    right = Counter(
        classifier.decide(read_request(row["text"])).expert == row["expert"]
        for row in rows("ask_requests.jsonl")
    )
    assert right[True] >= 34


@pytest.mark.parametrize(
    ("text", "expert"),
    [
        (f"Shorten this: {LETTER}", "summarizer"),
        (f"Could you please summarise this letter for me? {LETTER}", "summarizer"),
        ("Classify this ticket as bug or question: the app is slow", "intent"),
        ("@writer the lift is broken", "writer"),
        ("coder: the lift is broken", "coder"),
        ("Why does this fail?\n```\nfor i in range(3) print(i)\n```", "coder"),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\nhelp", "coder"),
    ],
)
async def test_what_is_plain_to_see_is_decided_by_a_rule_that_says_why(text: str, expert: str) -> None:
    async with Router(backends=no_server()) as router:
        decision = await router.route(text)
    assert (decision.expert, decision.way) == (expert, "rules")
    assert decision.confidence >= 0.8
    assert decision.reason


async def test_a_decision_scores_every_candidate_and_none_of_them() -> None:
    async with Router(backends=no_server()) as router:
        for text in ("Shorten this: ...", "Draft a letter to my landlord", "play some jazz", ""):
            decision = await router.route(text)
            assert set(decision.scores) == {*router.experts, NONE}
            assert sum(decision.scores.values()) == pytest.approx(1.0)
            assert 0.0 <= decision.confidence <= 1.0


@pytest.mark.parametrize(
    "text", ["", " \n", "\x00\x00", "\ud800", "....", "\U0001f600" * 50, "“" * 200_000, "a" * 10_000_000],
    ids=["empty", "blank", "nul", "surrogate", "dots", "emoji", "open quotes", "10 MB"],
)  # fmt: skip
async def test_text_that_means_nothing_goes_to_nobody(text: str) -> None:
    async with Router(backends=no_server()) as router:
        assert (await router.route(text)).expert is None


async def test_a_projects_expert_is_found_by_its_description_alone(tmp_path: Path) -> None:
    async with Router(own(tmp_path), experts=["weather", "bookings", "summarizer", "coder"]) as router:
        assert (await router.route("Will it rain in Oslo tomorrow?")).expert == "weather"
        assert (await router.route("Cancel my hotel in Vienna")).expert == "bookings"
        assert (await router.route(f"Shorten this: {LETTER}")).expert == "summarizer"
        assert (await router.route("dim the lamps")).expert is None


async def test_a_projects_expert_learns_from_its_requests(tmp_path: Path) -> None:
    places = ["Oslo", "Rome", "Ghent", "Vienna", "Lima", "Bonn", "Kyoto", "Porto", "Riga", "Bath"]
    asked = [{"text": f"Do I need an umbrella in {place}?"} for place in places]
    (tmp_path / "requests.jsonl").write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    taught = WEATHER.model_copy(update={"requests": "requests.jsonl"})
    registry = Registry(experts={"weather": taught}, cwd=tmp_path)
    async with Router(registry, experts=["weather", "writer"], backends=no_server()) as router:
        assert (await router.route("do i need my umbrella in Madrid today")).expert == "weather"


async def test_a_request_for_a_bundled_expert_that_is_no_candidate_goes_to_nobody() -> None:
    async with Router(experts=["coder"], backends=no_server()) as router:
        assert (await router.route("Draft a letter to my landlord about the heating")).expert is None


async def test_a_model_decides_only_what_the_classifier_is_unsure_of(tmp_path: Path) -> None:
    backend = ScriptedBackend({"judge": {"expert": {"bookings": 0.9, "writer": 0.1}}})
    names = ["bookings", "writer", "summarizer"]
    async with Router(
        own(tmp_path), experts=names, model="scripted/judge", backends={"scripted": backend}
    ) as router:
        assert (await router.route(f"Shorten this: {LETTER}")).way == "rules"
        assert backend.requests == []
        decision = await router.route(UNSURE)
    assert (decision.expert, decision.way, decision.confidence) == ("bookings", "model", 0.9)
    (request,) = backend.requests
    assert isinstance(request, DecisionRequest)
    assert list(request.questions["expert"].options) == [*sorted(names, key=names.index), NONE]


async def test_a_model_may_say_none_of_them(tmp_path: Path) -> None:
    backend = ScriptedBackend({"judge": {"expert": {NONE: 0.8, "writer": 0.2}}})
    async with Router(
        own(tmp_path), experts=["bookings", "writer"], model="scripted/judge", backends={"scripted": backend}
    ) as router:
        decision = await router.route(UNSURE)
    assert (decision.expert, decision.way) == (None, "model")


async def test_a_choice_that_nothing_measured_counts_half_the_classifier_counts_the_rest(
    tmp_path: Path,
) -> None:
    backend = ScriptedBackend({"judge": lambda _: '{"expert": "bookings"}'}, decides=())
    async with Router(
        own(tmp_path), experts=["bookings", "writer"], model="scripted/judge", backends={"scripted": backend}
    ) as router:
        decision = await router.route(UNSURE)
    assert (decision.expert, decision.way) == ("bookings", "model")
    assert 0.5 < decision.confidence < 1.0
    assert sum(decision.scores.values()) == pytest.approx(1.0)


async def test_when_no_model_answers_the_classifiers_word_stands_and_the_reason_says_so(
    tmp_path: Path,
) -> None:
    backend = ScriptedBackend({"judge": BackendUnavailable("nothing answers")}, decides=["judge"])
    async with Router(
        own(tmp_path), experts=["bookings", "writer"], model="scripted/judge", backends={"scripted": backend}
    ) as router:
        decision = await router.route(UNSURE)
    assert decision.way == "classifier"
    assert "scripted/judge was asked too" in decision.reason


async def test_many_requests_at_once_get_what_each_would_get_alone() -> None:
    texts = [f"Shorten this: {LETTER}", "Draft a letter to my landlord", "play some jazz"] * 10
    async with Router(backends=no_server()) as router:
        alone = [(await router.route(text)).expert for text in texts[:3]]
        together = await asyncio.gather(*map(router.route, texts))
    assert [decision.expert for decision in together] == alone * 10


async def test_a_request_is_routed_and_answered() -> None:
    async with Router(backends=no_server()) as router:
        result = await router.ask(f"Shorten this: {LETTER}")
    assert result.status == "completed"
    assert 0 < len(result.text) < len(LETTER)
    assert result["answer"].model == "embedded/textrank"
    assert result.notes[0].startswith("routed to summarizer by rules")


async def test_a_request_that_nobody_serves_is_told_who_is_there() -> None:
    async with Router(backends=no_server()) as router:
        result = await router.ask("play some jazz")
    assert (result.status, result.confident, result.error) == ("completed", False, None)
    assert "No expert here serves this request" in result.text
    assert all(name in result.text for name in router.experts)


async def test_the_intent_expert_is_given_labels_or_says_that_it_needs_them() -> None:
    text = "Classify this ticket: the app crashes when I open the camera"
    labels = {"bug": "The app crashes or fails", "praise": "Somebody likes it"}
    async with Router(backends=no_server()) as router:
        without = await router.ask(text)
        given = await router.ask(text, labels=labels)
    assert without.confident is False
    assert "labels=" in without.text
    assert given.output["label"] == "bug"


async def test_a_route_node_does_the_same_inside_a_graph() -> None:
    graph = Graph("helper", input={"task": str})
    graph.output(graph.route("helper", ["summarizer", "coder", "writer"], task=graph.input.task))
    events: list[Event] = []
    async with Swarm(graph, backends=no_server(), listeners=[events.append]) as swarm:
        result = await swarm.run(task=f"Shorten this: {LETTER}")
        nobody = await swarm.run(task="play some jazz")
    assert result.output["expert"] == "summarizer"
    assert result.text
    assert (nobody.output["expert"], nobody.output["text"], nobody.confident) == (None, None, False)
    assert [event.expert for event in events if isinstance(event, RouteDecided)] == ["summarizer", None]


async def test_a_route_node_asks_the_model_its_experts_share_and_counts_the_cost(tmp_path: Path) -> None:
    backend = ScriptedBackend(
        {
            "desk": lambda request: (
                {"expert": {"bookings": 1.0}} if isinstance(request, DecisionRequest) else "Booked."
            )
        },
        decides=["desk"],
    )
    graph = Graph("helper", input={"task": str}, experts={"bookings": BOOKINGS, "trips": _trips()})
    graph.output(graph.route("helper", ["bookings", "trips"], task=graph.input.task))
    events: list[Event] = []
    async with Swarm(graph, backends={"scripted": backend}, listeners=[events.append]) as swarm:
        result = await swarm.run(task="a hotel, a train and a mountain hut for the journey")
    assert (result.status, result.text) == ("completed", "Booked.")
    asked = [event.model for event in events if isinstance(event, ModelRequested)]
    assert asked == ["scripted/desk", "scripted/desk"]
    assert len([event for event in events if isinstance(event, ModelFinished)]) == 2
    assert result.usage.model_calls == 2


async def test_a_model_that_names_no_expert_is_paid_for_and_the_classifiers_word_stands() -> None:
    backend = ScriptedBackend({"desk": lambda _: "perhaps"})
    graph = Graph("helper", input={"task": str}, experts={"bookings": BOOKINGS, "trips": _trips()})
    graph.output(graph.route("helper", ["bookings", "trips"], task=graph.input.task))
    events: list[Event] = []
    async with Swarm(graph, backends={"scripted": backend}, listeners=[events.append]) as swarm:
        result = await swarm.run(task="a hotel, a train and a mountain hut for the journey")
    assert result.status == "completed"
    finished = [event for event in events if isinstance(event, ModelFinished)]
    assert finished[0].error is not None
    assert result.usage.model_calls == len(finished) == len(backend.requests)


def _trips() -> Expert:
    return BOOKINGS.model_copy(update={"description": "Plans a journey to a hotel or hut in the mountains."})


async def test_an_unknown_expert_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(SpecError, match="unknown expert 'summariser'"):
        Router(experts=["summariser"])


async def test_an_expert_that_needs_two_texts_is_no_candidate_and_cannot_be_made_one(tmp_path: Path) -> None:
    two = Expert(
        kind="write",
        description="Tells the weather.",
        input={"place": "string", "day": "string"},
        prompt="In?\n{{ place }}",
        cascade=["scripted/sky"],
    )
    registry = Registry(experts={"weather": two}, cwd=tmp_path)
    async with Router(registry) as router:
        assert "weather" not in router.experts
    with pytest.raises(SwarmError, match="'weather' needs more than one text"):
        Router(registry, experts=["weather"])


async def test_a_model_without_a_backend_is_refused_with_what_to_write() -> None:
    with pytest.raises(SwarmError, match="write 'ollama/qwen3:4b'"):
        Router(model="qwen3:4b")
