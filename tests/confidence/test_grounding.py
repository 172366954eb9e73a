"""How well an answer stands on its source: what is found to be made up, and what cannot be."""

from __future__ import annotations

import pytest

from swarm.confidence.grounding import Source, grounding

NOTICE = (
    "The pool in Marlow Street will be closed from 4 to 22 September. Season tickets are extended by three weeks. "
    "Swimmers pay 2.50 EUR in Redhill, where Anna Lindqvist gives the lessons. The new boiler costs 1,200.00 EUR "
    "and was announced on 2026-03-05 for 12,345 members."
)


@pytest.mark.parametrize(
    "answer",
    [
        "The pool in Marlow Street will be closed from 4 to 22 September.",
        "Closed from 4 to 22 September! Swimmers pay 2.50 in Redhill.",
        "Season ticket extended: three weeks.",
        "The boiler was announced for the members.",
    ],
)
def test_what_the_source_says_in_other_forms_and_order_is_grounded(answer: str) -> None:
    assert grounding(answer, NOTICE) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "Tickets are extended by 3 weeks.",
        "The boiler costs 1200 EUR.",
        "The boiler costs 1.200 EUR.",
        "It costs 1,200.",
        "12345 members.",
        "Swimmers pay 2,5 in Redhill.",
        "Announced on 2026-3-5.",
        "Closed until the 22nd September.",
    ],
)
def test_a_number_written_another_way_is_the_same_number(answer: str) -> None:
    assert grounding(answer, NOTICE) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "The pool in Marlow Street will be closed from 4 to 25 September.",
        "Season tickets are extended by two weeks.",
        "Swimmers pay 2.60 EUR in Redhill.",
        "The boiler costs 1,300.00 EUR.",
        "The boiler was announced on 2026-03-06.",
    ],
)
def test_a_changed_number_counts_as_an_invention(answer: str) -> None:
    assert grounding(answer, NOTICE) < 0.5


def test_a_made_up_number_is_worse_than_a_made_up_name_and_that_than_another_word() -> None:
    word = grounding("The new boiler is shiny in Redhill.", NOTICE)
    name = grounding("The new boiler is in Brighton.", NOTICE)
    number = grounding("The new boiler is in Redhill 77.", NOTICE)
    assert 1.0 > word > name > number > 0.0


def test_a_name_nobody_mentioned_lowers_the_sentence() -> None:
    right = "The lessons in Redhill are given by Anna Lindqvist."
    assert grounding(right.replace("Lindqvist", "Petersen"), NOTICE) < 0.85 < grounding(right, NOTICE)


def test_one_invented_sentence_spoils_an_answer_whatever_stands_around_it() -> None:
    good = "The pool is closed from 4 to 22 September. Swimmers pay 2.50 in Redhill. "
    assert grounding(good + "Refreshments are served by Oskar at 19:45.", NOTICE) < 0.2
    assert grounding(good, NOTICE) == 1.0


def test_an_answer_about_something_else_has_no_ground() -> None:
    assert grounding("Paris is the capital of France.", NOTICE) == 0.0


@pytest.mark.parametrize("answer", ["", "  \n", "...", "I don't know.", "Yes."])
def test_an_answer_that_claims_nothing_stands_on_nothing(answer: str) -> None:
    assert grounding(answer, NOTICE) == 0.0


def test_a_sentence_that_claims_nothing_is_passed_over() -> None:
    assert grounding("Here it is. Swimmers pay 2.50 in Redhill.", NOTICE) == 1.0


def test_without_a_source_nothing_is_grounded() -> None:
    assert grounding("The pool is closed.", "") == 0.0


def test_a_word_repeated_counts_once() -> None:
    once = grounding("The boiler gleams.", NOTICE)
    assert grounding("The boiler boiler boiler gleams.", NOTICE) == once


@pytest.mark.parametrize(
    "answer",
    [
        "The pool in Marlow Street will not be closed from 4 to 22 September.",  # a "not" that came
        "The pool in Redhill will be closed from 4 to 22 September.",  # two places changed round
        "The pool will be closed from 22 to 4 September.",
    ],
)
def test_what_is_made_up_of_the_sources_own_words_is_not_noticed(answer: str) -> None:
    assert grounding(answer, NOTICE) == 1.0, "if this is found now, say so in the module's docstring"


def test_one_source_serves_many_answers() -> None:
    source = Source.of(NOTICE)
    for answer in ("The pool is closed.", "The pool is open on 5 May.", ""):
        assert source.grounding(answer) == grounding(answer, NOTICE)


def test_scripts_without_blanks_and_broken_text_are_taken_as_they_are() -> None:
    assert grounding("游泳池关闭。", "游泳池九月关闭。") == 1.0
    assert grounding("图书馆开放。", "游泳池九月关闭。") < 0.5
    assert 0.0 <= grounding("a \ud800 broken \x00 text 1..2", "a \ud800 text") <= 1.0


@pytest.mark.parametrize("text", ["1," * 20_000, "a" * 100_000, "." * 100_000, "A1 " * 30_000])
def test_a_long_strange_text_still_gets_a_number(text: str) -> None:
    assert grounding(text, text) in (0.0, 1.0)
