"""The HTML report: complete, offline, readable by machines and by people who cannot see its pictures."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from swarm._eval.curves import confusion, histogram, reliability, risk_at, risk_coverage
from swarm._eval.report import Answers, Figure, Frontier, Mark, Point, Report, render, write_report

EVIL = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """What a browser finds in a page: its elements, its words, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def answers(count: int = 300, at_least: float | None = 0.8) -> Answers:
    rng = random.Random(1)
    sure = [rng.random() for _ in range(count)]
    return Answers(
        name="embedded/ngram", probabilities=sure, right=[rng.random() < p for p in sure], at_least=at_least
    )


def full(name: str = "triage") -> Report:
    return Report(
        title=name, command=f"swarm replay --outcomes {name}", made="1 May 2026",
        figures=[Figure(name=name, value="4.1 %", interval="3 to 5 %", meaning=name)],
        words=[name], answers=[answers()], target_error=0.05,
        frontier=Frontier(
            unit="cost", points=[Point(cost=at / 10, error=0.3 - at / 50) for at in range(11)],
            marks=[Mark(name=name, point=Point(cost=0.5, error=0.2), chosen=True)],
        ),
        labels=[(name, "other"), (name, name), ("other", "other")], notes=[name],
    )  # fmt: skip


def test_a_report_is_one_file_that_loads_nothing() -> None:
    page = Page(render(full()))
    assert page.links == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "@import" not in render(full())
    assert "url(" not in render(full())
    assert "default-src 'none'" in render(full())


def test_a_report_shows_all_five_diagrams() -> None:
    heads = re.findall(r"<h2>([^<]+)</h2>", render(full()))
    assert heads[1:-1] == [
        "Cost and error",
        "Reliability of embedded/ngram",
        "Risk and coverage of embedded/ngram",
        "Confidence of embedded/ngram",
        "Confusion matrix",
    ]


def test_every_picture_says_in_words_what_it_shows_and_stands_as_a_table_too() -> None:
    page = render(full())
    pictures = re.findall(r'<svg role="img"[^>]*>(<title>[^<]+</title><desc>[^<]+</desc>)?', page)
    assert len(pictures) == 5
    assert all(pictures)
    assert page.count("<table>") == 5


def test_every_picture_is_well_formed() -> None:
    for drawn in re.findall(r"<svg role.*?</svg>(?=<fig|<table)", render(full(EVIL))):
        assert fromstring(drawn).tag == "svg"


def test_text_from_outside_is_shown_and_never_run() -> None:
    page = Page(render(full(EVIL)))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert EVIL in "".join(page.words)


def test_a_report_is_light_and_dark_and_fit_for_paper() -> None:
    page = render(full())
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


@pytest.mark.parametrize(
    "report",
    [
        Report(title="empty"),
        Report(title="nothing answered", answers=[Answers(name="m", probabilities=[], right=[])]),
        Report(title="one", answers=[Answers(name="m", probabilities=[1.0], right=[True], at_least=1.0)], labels=[("a", "a")]),
        Report(title="all wrong", answers=[Answers(name="m", probabilities=[0.0] * 9, right=[False] * 9, at_least=0.5)]),
        Report(title="no curve", frontier=Frontier(unit="cost", points=[])),
        Report(title="free", frontier=Frontier(unit="cost", points=[Point(cost=0, error=0)])),
        Report(title="many labels, none confused", labels=[(str(at), str(at)) for at in range(99)]),
    ],
    ids=lambda report: report.title,
)  # fmt: skip
def test_a_report_of_next_to_nothing_is_still_a_page(report: Report) -> None:
    page = render(report)
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "nan" not in re.findall(r"[a-z.]+", page.partition("</style>")[2])


def test_a_report_is_written_as_utf8(tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", Report(title="größer → 狐"))
    assert "größer → 狐" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_matrix_of_many_labels_shows_those_most_often_confused() -> None:
    labels = [f"label_{at:02}" for at in range(77)]
    rows = [(name, name) for name in labels for _ in range(9)]
    rows += [(labels[at], labels[at + 1]) for at in range(40) for _ in range(40 - at)]
    found = confusion(rows)
    assert (found.all_labels, found.wrong, len(found.pairs)) == (77, 820, 15)
    assert found.pairs[0] == ("label_00", "label_01", 40)
    assert len(found.labels) <= 16
    assert all(len(row) == len(found.labels) + 1 for row in found.matrix)
    assert sum(map(sum, found.matrix)) == sum(expected in found.labels for expected, _ in rows)


def test_a_matrix_of_few_labels_shows_them_all() -> None:
    found = confusion([("a", "b"), ("a", "a"), ("b", "b")])
    assert found.labels == ("a", "b")
    assert found.matrix == ((1, 1, 0), (0, 1, 0))


def test_every_answer_is_in_one_bin_and_in_one_bar() -> None:
    one = answers()
    assert sum(each.count for each in reliability(one.probabilities, one.right)) == 300
    assert sum(each.right + each.wrong for each in histogram(one.probabilities, one.right)) == 300
    assert sum(each.right for each in histogram([1.0, 0.0], [True, True])) == 2


def test_risk_and_coverage_end_with_all_answers_and_take_ties_whole() -> None:
    curve = risk_coverage([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
    assert [(one.coverage, one.risk) for one in curve] == [
        (0.25, 0.0),
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.5),
    ]
    chosen = risk_at([0.9, 0.5, 0.5, 0.1], [True, True, False, False], 0.5)
    assert chosen is not None
    assert (chosen.coverage, chosen.risk) == (0.75, pytest.approx(1 / 3))


def test_a_curve_of_many_answers_has_no_more_points_than_a_picture_can_show() -> None:
    many = answers(20_000)
    assert len(risk_coverage(many.probabilities, many.right)) <= 201
