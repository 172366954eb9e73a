"""A report as one HTML page: no script, nothing loaded from elsewhere, everything from outside escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from swarm._eval.report.charts import Chart, Table, cost_error, of_answers
from swarm._eval.report.mistaken import mistaken
from swarm._eval.report.model import Figure, Report
from swarm._eval.report.style import STYLE

__all__ = ["render"]

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'"  # a browser then loads nothing, whatever a label says
)


def render(report: Report) -> str:
    """Return the report as HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(report.title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{''.join(_body(report))}</body>\n</html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    yield f"<header><h1>{escape(report.title)}</h1>"
    yield f'<p class="made">{escape(report.made)}</p>' if report.made else ""
    yield f"<pre><code>{escape(report.command)}</code></pre>" if report.command else ""
    yield "</header>\n<main>\n"
    if report.figures:
        yield f'<section class="figures">{"".join(map(_figure, report.figures))}</section>\n'
    yield _list("In words", report.words)
    for head, sentences in report.sections:
        yield _list(head, sentences)
    yield '<section class="charts">\n'
    for chart in _charts(report):
        yield _chart(chart)
    yield "</section>\n"
    yield _list("What to keep in mind", report.notes)
    yield "</main>\n"


def _charts(report: Report) -> Iterator[Chart]:
    if report.frontier is not None and report.frontier.points:
        yield cost_error(report.frontier)
    for answers in report.answers:
        if len(answers.right):
            yield from of_answers(answers, report.target_error)
    if report.labels:
        yield mistaken(report.labels)


def _figure(figure: Figure) -> str:
    interval = f'<span class="interval">{escape(figure.interval)}</span>' if figure.interval else ""
    meaning = f'<span class="meaning">{escape(figure.meaning)}</span>' if figure.meaning else ""
    name, value = escape(figure.name), escape(figure.value)
    return f'<div><span class="name">{name}</span><span class="value">{value}</span>{interval}{meaning}</div>'


def _list(head: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<section><h2>{escape(head)}</h2><ul>{items}</ul></section>\n"


def _chart(chart: Chart) -> str:
    head, caption, table = f"<h2>{escape(chart.title)}</h2>", escape(chart.caption), _table(chart.table)
    if chart.wide:
        return f'<figure class="wide">{head}{chart.svg}{table}<figcaption>{caption}</figcaption></figure>\n'
    folded = f"<details><summary>The same as a table</summary>{table}</details>"
    return f"<figure>{head}{chart.svg}<figcaption>{caption}{folded}</figcaption></figure>\n"


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(words: str) -> str:
    return escape(words).replace("_", "_<wbr>")  # where a long label may be broken
