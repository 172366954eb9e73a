"""When answers agree, and when enough of them were asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.confidence.agreement import agree, agreement, enough, majority

answers = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refund", "Refund"),
        ("The Eiffel Tower.", "eiffel tower"),
        ("1,200", "1200.00"),
        (5, "5"),
        ("A", "a"),
        ('{"city": "Bern"}', {"city": "bern"}),
        (["x", 1], ["X", 1.0]),
        ([], []),
        ("?!", "?!"),
    ],
)
def test_answers_that_say_the_same_agree(one: Any, other: Any) -> None:
    assert agree(one, other) == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refund", "order"),
        ("A", "B"),
        ("-5", "5"),
        ("1.2", "12"),
        (True, 1),
        (None, ""),
        ("x", {"x": 1}),
        ("", "?"),
    ],
)
def test_answers_that_do_not_say_the_same_disagree(one: Any, other: Any) -> None:
    assert agree(one, other) == 0.0


def test_json_agrees_by_the_share_of_its_fields() -> None:
    assert agree({"city": "Bern", "nights": 2}, {"city": "Bern", "nights": 3}) == 0.5
    assert agree({"city": "Bern"}, {"city": "Bern", "pets": True}) == 0.5
    assert agree({"guests": ["Ann", "Bob"]}, {"guests": ["Ann"]}) == 0.5


@given(one=answers, other=answers)
def test_agreement_of_two_is_a_share_and_mutual(one: Any, other: Any) -> None:
    assert 0.0 <= agree(one, other) <= 1.0
    assert agree(one, other) == pytest.approx(agree(other, one))
    assert agree(one, one) == 1.0


def test_agreement_of_samples_is_the_share_of_the_most_frequent() -> None:
    samples = ["Paris", "paris.", "Lyon", "The Paris"]
    assert agreement(samples) == 0.75
    assert majority(samples) == "Paris"


def test_json_samples_are_the_same_whatever_the_order_of_their_fields() -> None:
    assert agreement(['{"a": 1, "b": 2}', '{"b": 2, "a": 1}']) == 1.0


def test_no_samples_have_no_agreement() -> None:
    assert agreement([]) is None
    with pytest.raises(ValueError, match="no samples"):
        majority([])


def test_sampling_stops_once_no_other_answer_can_become_the_most_frequent() -> None:
    assert not enough(["x", "x"], 5)
    assert enough(["x", "x", "x"], 5)
    assert not enough(["x", "y", "x"], 5)
    assert enough(["x", "y", "z", "x", "y"], 5)


def test_sampling_stops_once_it_is_settled_whether_the_share_is_reached() -> None:
    assert enough(["x", "x", "x"], 5, at_least=0.6)
    assert not enough(["x", "x", "x"], 5, at_least=0.8)
    assert enough(["x", "y", "z"], 5, at_least=0.8)


@given(st.lists(st.sampled_from("xyz"), min_size=5, max_size=5), st.floats(0, 1))
def test_what_is_enough_is_never_overturned(samples: list[str], at_least: float) -> None:
    counts = {one: samples.count(one) for one in samples}
    for size in range(6):
        if enough(samples[:size], 5):
            assert counts[majority(samples[:size])] == max(counts.values())
        if enough(samples[:size], 5, at_least=at_least):
            reached = (
                max((samples[:size].count(one) for one in samples[:size]), default=0) >= at_least * 5 - 1e-9
            )
            assert reached == (max(counts.values()) >= at_least * 5 - 1e-9)


def test_hostile_nesting_is_compared_as_text() -> None:
    deep = "[" * 100_000
    assert agree(deep, deep) == 1.0
    assert agree(deep, "[") == 0.0
