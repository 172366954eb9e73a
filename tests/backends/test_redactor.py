"""The redactor: what it takes out of a text, what it leaves, and what it is told about where things stood."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from swarm import Expert, Graph, Swarm
from swarm.backends.embedded.personal.redaction import personal_data, redact

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "experts" / "redactor" / "evals.jsonl"


def found(text: str) -> list[tuple[str, str]]:
    return [(each.kind, text[each.start : each.end]) for each in personal_data(text)]


@pytest.mark.parametrize(
    ("text", "kind", "piece"),
    [
        ("Write to jana.kolar@example.org today.", "email", "jana.kolar@example.org"),
        ("My card 4111 1111 1111 1111 was charged", "card", "4111 1111 1111 1111"),
        ("Pay to DE89 3704 0044 0532 0130 00, please", "iban", "DE89 3704 0044 0532 0130 00"),
        ("Login from 192.168.4.17 refused", "ip", "192.168.4.17"),
        ("his number is 123-45-6789", "ssn", "123-45-6789"),
        ("see https://shop.example.com/orders/77 for it", "url", "https://shop.example.com/orders/77"),
        ("call +44 7700 900123 now", "phone", "+44 7700 900123"),
        ("on 3 May 2024 we met", "date", "3 May 2024"),
        ("I am 31 years old", "age", "31"),
        ("My zip code is 90210.", "zip", "90210"),
    ],
)
def test_an_identifier_is_found_by_its_form(text: str, kind: str, piece: str) -> None:
    assert found(text) == [(kind, piece)]


def test_a_card_number_with_a_wrong_check_digit_is_no_card() -> None:
    assert not [kind for kind, _ in found("Order 4111111111111112 is late") if kind == "card"]


def test_an_iban_with_wrong_check_digits_is_no_iban() -> None:
    assert not [kind for kind, _ in found("Pay to DE00 3704 0044 0532 0130 00") if kind == "iban"]


def test_the_words_around_a_name_say_what_it_names() -> None:
    text = "Kerstin Aalto works at Brightwater Systems and lives in Tampere."
    assert found(text) == [
        ("person", "Kerstin Aalto"),
        ("organization", "Brightwater Systems"),
        ("place", "Tampere"),
    ]


def test_an_address_over_several_lines_is_one_piece() -> None:
    text = "Send it to 14 Harbour Street\nApt. 3\nWhitby 40210 please"
    assert ("address", "14 Harbour Street\nApt. 3\nWhitby 40210") in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "The kettle leaks. Can I get a new one?",
        "Meeting moved to the small room.",
        "",
        "   ",
        "\x00",
        "\ud800",
    ],
)
def test_a_text_without_personal_data_stays_as_it_is(text: str) -> None:
    assert redact(text, personal_data(text)) == text


def test_each_piece_is_replaced_by_its_kind() -> None:
    text = "Mail jo@example.org or call +44 7700 900123."
    assert redact(text, personal_data(text)) == "Mail [email] or call [phone]."


def test_pieces_never_overlap_and_come_in_order() -> None:
    text = "Dr. Ivo Marek, 12 Oak Lane, Leeds 40210, ivo@example.org, born 3 May 1970, 67 years old"
    ends = [(each.start, each.end) for each in personal_data(text)]
    assert all(one[1] <= other[0] for one, other in pairwise(ends))


def test_nothing_at_the_end_of_a_long_text_is_left_in() -> None:
    text = "all is well. " * 20_000 + "Write to jo@example.org"
    assert redact(text, personal_data(text)).endswith("Write to [email]")


async def test_the_bundled_expert_says_what_it_took_out_and_where() -> None:
    graph = Graph("redact", input={"text": str})
    graph.output(graph.expert("it", Expert(use="redactor"), with_={"text": graph.input["text"]}))
    text = "Please send the contract to jana.kolar@example.org today."
    async with Swarm(graph) as swarm:
        output: dict[str, Any] = (await swarm.run_input({"text": text}))["it"].output
    assert output["redacted"] == "Please send the contract to [email] today."
    assert output["found"] == [{"kind": "email", "text": "jana.kolar@example.org", "start": 28, "end": 50}]


def test_most_of_its_own_cases_are_found_whole() -> None:
    rows = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    texts = [(row["input"]["text"], row["expected"]["spans"]) for row in rows]
    wanted = [(text, text[span["start"] : span["end"]]) for text, spans in texts for span in spans]
    whole = [piece for text, piece in wanted if piece in [said for _, said in found(text)]]
    assert len(whole) >= 0.9 * len(wanted), sorted({piece for _, piece in wanted} - set(whole))
