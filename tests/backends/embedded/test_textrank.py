"""The extractive summarizer and the sentence splitter under it."""

from __future__ import annotations

import time

import pytest

from swarm.backends.embedded.textrank import summarize
from swarm.backends.embedded.words import sentences, stem

POOL = (
    "The swimming pool in Marlow Street will be closed for three weeks in September. "
    "During the three weeks the tiles of the swimming pool are replaced. "
    "My aunt likes oranges. "
    "Season tickets for the swimming pool are extended by three weeks. "
    "The pool opens again at the end of September."
)


def test_the_sentence_that_shares_most_with_the_others_is_kept() -> None:
    assert summarize(POOL, sentences=1).text.startswith(("The swimming pool", "Season tickets", "During"))


def test_what_nothing_else_is_about_is_left_out() -> None:
    assert "oranges" not in summarize(POOL, sentences=3).text


def test_sentences_stay_in_the_order_of_the_text() -> None:
    kept = summarize(POOL, sentences=3).text
    places = [POOL.index(sentence) for sentence in sentences(kept)]
    assert len(places) == 3
    assert places == sorted(places)


def test_a_sentence_that_repeats_another_is_not_taken_twice() -> None:
    twice = "The bridge is closed for repairs. The bridge is closed for repairs. Buses take another way."
    assert summarize(twice, sentences=2).text.count("The bridge is closed") == 1


def test_the_word_limit_holds() -> None:
    for limit in (3, 10, 20, 40):
        assert len(summarize(POOL, max_words=limit).text.removesuffix(" …").split()) <= limit


def test_a_summary_cut_in_the_middle_of_a_sentence_says_so_and_has_no_confidence() -> None:
    cut = summarize(POOL, max_words=3)
    assert cut.text.endswith("…")
    assert cut.confidence == 0.0


def test_more_sentences_cover_more_and_all_of_them_cover_everything() -> None:
    covered = [summarize(POOL, sentences=count).confidence for count in (1, 2, 3, 5)]
    assert covered == sorted(covered)
    assert covered[-1] == pytest.approx(1)


@pytest.mark.parametrize("text", ["", "   \n\n ", "\x00\x00", "...", "!!! ???", "🙂"])
def test_a_text_without_words_gives_nothing(text: str) -> None:
    assert summarize(text).text == ""
    assert summarize(text).confidence == 0.0


def test_no_sentences_wanted_gives_nothing() -> None:
    assert summarize(POOL, sentences=0).text == ""


def test_one_sentence_is_its_own_summary() -> None:
    assert summarize("Hello there, old friend.").text == "Hello there, old friend."


def test_other_scripts_and_broken_text_are_taken_as_they_are() -> None:
    assert summarize("你好世界。今天天气很好。", sentences=1).text in ("你好世界。", "今天天气很好。")
    assert summarize("a \ud800 broken text. another one.", sentences=2).confidence > 0


def test_the_same_text_gives_the_same_summary() -> None:
    assert summarize(POOL * 20) == summarize(POOL * 20)


@pytest.mark.parametrize("piece", [POOL + "\n\n", "a", ".", "- "])
def test_ten_megabytes_of_anything_end_in_seconds(piece: str) -> None:
    before = time.process_time()
    summarize(piece * (10_000_000 // len(piece)))
    assert time.process_time() - before < 10, "measured 0.4 to 2.1 s on one core"


def test_abbreviations_numbers_initials_and_links_end_no_sentence() -> None:
    text = "Dr. Smith paid 3.50 EUR, see Fig. 3. J. K. Lowe left. Visit https://a.b/c?d=1 now. It was 5 p.m. already."
    assert sentences(text) == [
        "Dr. Smith paid 3.50 EUR, see Fig. 3.",
        "J. K. Lowe left.",
        "Visit https://a.b/c?d=1 now.",
        "It was 5 p.m. already.",
    ]


def test_list_items_and_headings_are_sentences_of_their_own_and_wrapped_lines_are_joined() -> None:
    text = "# Returns\nYou may return\nit soon.\n- within 30 days\n- unused\n1. First\n2. Second"
    expected = ["Returns", "You may return it soon.", "within 30 days", "unused", "First", "Second"]
    assert sentences(text) == expected


def test_a_question_quoted_inside_a_sentence_does_not_cut_it() -> None:
    assert sentences('"Really?" she said. Yes.') == ['"Really?" she said.', "Yes."]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shipping", "shipped"),
        ("deliveries", "delivered"),
        ("cancellation", "cancel"),
        ("cancelled", "cancel"),
        ("refunds", "refunded"),
        ("payment", "pay"),
        ("policies", "policy"),
        ("boxes", "box"),
        ("package", "parcels"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("bill", "bile"), ("pass", "past"), ("news", "newt")])
def test_different_words_do_not_meet(one: str, other: str) -> None:
    assert stem(one) != stem(other)
