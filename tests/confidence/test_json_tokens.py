"""Of a JSON answer, the tokens inside values count."""

import json
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.confidence.json_tokens import value_tokens
from swarm.messages import TokenLogprob

values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def tokens(*pieces: str) -> list[TokenLogprob]:
    return [TokenLogprob(token=piece, logprob=-1.0) for piece in pieces]


def kept(*pieces: str) -> list[str]:
    return [token.token for token in value_tokens(tokens(*pieces))]


def test_keys_and_punctuation_are_left_out() -> None:
    said = kept(
        '{"', "city", '":', ' "', "Be", "rn", '",', ' "n', 'ights"', ": ", "2", ', "pets": ', "true", "}"
    )
    assert said == ["Be", "rn", '",', "2", "true"]


def test_a_token_that_is_partly_a_value_counts() -> None:
    assert kept('{"a": 1', "2}") == ['{"a": 1', "2}"]


def test_the_quote_that_ends_a_value_counts_for_to_stop_was_a_choice() -> None:
    assert kept('["', "Bern", '"', "]") == ["Bern", '"']


def test_a_key_that_reads_like_a_value_is_a_key() -> None:
    assert kept("{", '"true"', ":", "null", "}") == ["null"]


def test_what_stands_escaped_in_a_value_is_not_mistaken_for_json() -> None:
    assert kept('{"a": ', '"say \\"x\\": 1"', "}") == ['"say \\"x\\": 1"']


def test_a_fence_or_a_mark_around_json_is_left_out() -> None:
    assert kept("```json\n", '{"a":', "1", "}\n", "```") == ["1"]
    assert kept("<tool_call>\n", '{"name":', '"look"', "}", "\n</tool_call>") == ['"look"']


@pytest.mark.parametrize(
    "pieces",
    [("It", " is", " 2"), ("see ", "[1]", " there"), ('{"a": 1', ', "b'), ("{", "}"), ("[" * 50_000,), ()],
    ids=["text", "text with brackets", "cut short", "no values", "nested too deeply", "nothing"],
)
def test_what_is_no_json_with_values_keeps_all_tokens(pieces: tuple[str, ...]) -> None:
    assert kept(*pieces) == list(pieces)


@given(value=values, cuts=st.lists(st.integers(1, 4), min_size=20, max_size=20))
def test_however_it_is_cut_into_tokens_nothing_of_a_value_is_lost(value: object, cuts: list[int]) -> None:
    text = json.dumps({"some key": value})
    ends = [*accumulate(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise([0, *ends])]
    assert json.dumps(value) in "".join(kept(*pieces))
