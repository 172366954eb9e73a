"""The backend without a server: what its models answer, and that each is fitted once."""

import asyncio
import threading
from dataclasses import replace

import pytest

from swarm.backends.base import Decides, ModelBackend
from swarm.backends.embedded.backend import NOTHING_FOUND, EmbeddedBackend
from swarm.backends.embedded.fitted import FittedModels
from swarm.confidence.estimators import Signals, measure
from swarm.errors import BackendError, ModelMissing
from swarm.messages import CompletionRequest, DecisionRequest, Passage, Question, Task, TextDelta

EXAMPLES = [
    *(
        (text, "refund")
        for text in ("I want my money back", "please refund me", "return my money", "a refund please")
    ),
    *(
        (text, "parcel")
        for text in ("where is my parcel", "track the delivery", "when does it arrive", "my parcel is late")
    ),
    *((text, "hello") for text in ("hello there", "good morning", "hi", "hey how are you")),
]
LABELS = {"refund": "", "parcel": "", "hello": ""}
CHOICE = Question(type="choice", options=LABELS)
SHOP = Passage(
    name="returns.md", text="# Returns\n\nYou can send an item back within 30 days. The label costs 6.90 EUR."
)


def task(**fields: object) -> Task:
    return replace(Task(expert="e", key="k", kind="classify", inputs={}, text="hi"), **fields)  # type: ignore[arg-type]


def fresh() -> EmbeddedBackend:
    return EmbeddedBackend(fitted=FittedModels())


def choosing(
    text: str, *, model: str = "ngram", question: Question = CHOICE, **fields: object
) -> DecisionRequest:
    given = task(text=text, **{"examples": EXAMPLES, "labels": LABELS, **fields})
    return DecisionRequest(model=model, state=text, questions={"label": question}, task=given)


def writing(model: str, **fields: object) -> CompletionRequest:
    return CompletionRequest(model=model, messages=(), task=task(**fields))


# --- deciding


async def test_the_ngram_classifier_learns_from_the_tasks_examples() -> None:
    decision = await fresh().decide(choosing("could you refund my money?"))
    answer = decision.answers["label"]
    assert (decision.way, answer.value) == ("native", "refund")
    assert set(answer.probabilities) == set(LABELS)
    assert sum(answer.probabilities.values()) == pytest.approx(1.0)
    confidence = measure(Signals.of_decision(decision))
    assert confidence is not None
    assert confidence.value == pytest.approx(answer.probabilities["refund"])
    assert decision.usage.model_calls == 1


async def test_without_examples_it_works_from_names_and_descriptions() -> None:
    question = Question(
        type="choice", options={"refund": "Money back, return", "parcel": "Where is my parcel, delivery"}
    )
    decision = await fresh().decide(choosing("my delivery is late", question=question, examples=()))
    assert decision.answers["label"].value == "parcel"


async def test_examples_of_labels_that_are_no_options_are_left_out() -> None:
    question = Question(type="choice", options={"refund": "", "parcel": ""})
    decision = await fresh().decide(choosing("hello there", question=question))
    assert set(decision.answers["label"].probabilities) == {"refund", "parcel"}


async def test_nothing_to_learn_from_says_what_to_give() -> None:
    empty = Question(type="choice", options={})
    with pytest.raises(BackendError, match="give the expert `examples`, or `labels`") as caught:
        await fresh().decide(choosing("x", question=empty, examples=(), labels={}))
    assert caught.value.code == "unfit"


@pytest.mark.parametrize("model", ["ngram", "moderator"])
async def test_a_question_it_cannot_answer_is_named(model: str) -> None:
    wrong = Question(type="score", options={"calm": "", "cross": ""})
    with pytest.raises(BackendError, match=f"embedded/{model} .* question 'label' is a score") as caught:
        await fresh().decide(choosing("x", model=model, question=wrong))
    assert caught.value.code == "unsupported"


async def test_the_moderator_answers_yes_or_no_for_each_category() -> None:
    questions = {"violence": Question(type="yes_no"), "hate": Question(type="yes_no")}
    request = DecisionRequest(
        model="moderator", state="I will kill you", questions=questions, task=task(kind="moderate")
    )
    decision = await fresh().decide(request)
    assert decision.answers["violence"].value is True
    assert decision.answers["hate"].value is False
    assert all(
        sum(answer.probabilities.values()) == pytest.approx(1.0) for answer in decision.answers.values()
    )


async def test_a_message_of_ten_megabytes_gets_an_answer_from_every_model() -> None:
    backend, huge = fresh(), "Please refund me. " * 600_000
    async with asyncio.timeout(30):
        assert (await backend.decide(choosing(huge))).answers["label"].value == "refund"
        flag = {"violence": Question(type="yes_no")}
        moderating = DecisionRequest(model="moderator", state=huge, questions=flag, task=task())
        assert (await backend.decide(moderating)).answers["violence"].value is False
        for model in ("bm25", "textrank"):
            assert (await backend.complete(writing(model, text=huge, documents=(SHOP,)))).text


async def test_lone_surrogates_nul_and_nothing_at_all_get_an_answer() -> None:
    backend = fresh()
    for text in ("", "\x00", "a\ud800b", " \n "):
        assert (await backend.decide(choosing(text))).answers["label"].value in LABELS


# --- fitted once


async def test_a_hundred_tasks_at_once_have_a_model_fitted_once_and_off_the_loop() -> None:
    models, fits = FittedModels(), list[str]()

    def fit() -> object:
        fits.append(threading.current_thread().name)
        return object()

    found = await asyncio.gather(*(models.get("k", fit) for _ in range(100)))
    assert len(set(map(id, found))) == 1
    assert fits == ["swarm fit"]


async def test_who_is_cancelled_while_a_model_is_fitted_does_not_stop_it_for_the_others() -> None:
    models, go_on = FittedModels(), threading.Event()
    first, second = (asyncio.create_task(models.get("k", lambda: go_on.wait(5))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert await second is True
    assert first.cancelled()


async def test_a_fit_that_failed_is_tried_again_by_the_next_to_ask() -> None:
    models = FittedModels()

    def fail() -> object:
        raise ValueError("no labels")

    with pytest.raises(ValueError, match="no labels"):
        await models.get("k", fail)
    assert await models.get("k", lambda: "fitted") == "fitted"


async def test_the_models_not_used_for_longest_are_forgotten_first() -> None:
    models = FittedModels(kept=2)
    for key in ("a", "b", "a", "c"):
        await models.get(key, lambda: "first")
    assert await models.get("a", lambda: "again") == "first"
    assert await models.get("b", lambda: "again") == "again"


async def test_the_same_key_means_the_same_examples_in_every_backend_of_a_process() -> None:
    fitted = FittedModels()
    first = await EmbeddedBackend(fitted=fitted).decide(choosing("refund"))
    second = await EmbeddedBackend(fitted=fitted).decide(choosing("refund", examples=()))
    assert first.answers == second.answers


# --- writing


async def test_bm25_answers_with_sentences_of_the_documents() -> None:
    completion = await fresh().complete(
        writing("bm25", text="How much does a return label cost?", documents=(SHOP,))
    )
    assert "6.90 EUR" in completion.text
    assert 0.0 < completion.signals["grounding"] <= 1.0


async def test_bm25_says_what_was_looked_up() -> None:
    facts = {"id": "1042", "status": "shipped"}
    completion = await fresh().complete(writing("bm25", text="Where is order 1042?", inputs={"facts": facts}))
    assert "shipped" in completion.text


async def test_bm25_says_that_it_found_nothing_and_is_not_sure_of_it() -> None:
    for documents in ((SHOP,), ()):
        completion = await fresh().complete(
            writing("bm25", text="Who won the cup in 1954?", documents=documents)
        )
        assert (completion.text, completion.signals["grounding"]) == (NOTHING_FOUND, 0.0)


async def test_textrank_shortens_a_text() -> None:
    text = " ".join(f"Sentence {n} about the parcel and the delivery of order {n}." for n in range(30))
    completion = await fresh().complete(writing("textrank", text=text))
    assert 0 < len(completion.text) < len(text) / 2
    assert 0.0 <= completion.signals["grounding"] <= 1.0


async def test_a_text_without_words_is_its_own_summary() -> None:
    completion = await fresh().complete(writing("textrank", text=" ?! "))
    assert (completion.text, completion.signals["grounding"]) == ("?!", 0.0)


async def test_a_stream_is_one_piece_and_the_whole() -> None:
    backend: ModelBackend = fresh()
    items = [item async for item in backend.stream(writing("textrank", text="One short sentence."))]
    assert items[0] == TextDelta(text="One short sentence.")
    assert len(items) == 2


# --- what it is not


async def test_it_decides_with_two_of_its_models_and_writes_with_the_others() -> None:
    backend = fresh()
    assert isinstance(backend, Decides)
    assert [await backend.decides(name) for name in ("ngram", "moderator", "bm25", "textrank")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(
        BackendError,
        match=r"embedded/ngram cannot write\n  fix: embedded/bm25 and embedded/textrank and embedded/personal can",
    ):
        await backend.complete(writing("ngram"))
    with pytest.raises(BackendError, match="embedded/bm25 cannot decide"):
        await backend.decide(choosing("x", model="bm25"))
    with pytest.raises(ModelMissing, match="there is no model embedded/gpt"):
        await backend.complete(writing("gpt"))
    await backend.aclose()


@pytest.mark.parametrize("model", ["ngram", "moderator"])
async def test_without_scikit_learn_it_says_what_to_install(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("sklearn", "sklearn.svm", "scipy.sparse"):
        monkeypatch.setitem(__import__("sys").modules, library, None)
    question = Question(type="yes_no") if model == "moderator" else CHOICE
    examples = [("I will hurt you", "label"), ("good morning", "")] if model == "moderator" else EXAMPLES
    with pytest.raises(BackendError, match=r"pip install 'swarm-slm\[embedded\]'") as caught:
        await fresh().decide(choosing("x", model=model, question=question, examples=examples))
    assert caught.value.code == "missing_extra"
