"""What the bundled experts' first rungs are worth on the cases written for them.

`python -m benchmarks.experts --write` puts the tables into the model cards; `--models` measures the
whole cascade on the model server that is found, instead of the first rung alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from swarm import Expert, Graph, NodeResult, Swarm

ROOT = Path(__file__).parents[1]
EXPERTS = ROOT / "experts"
NAMES = ("intent", "moderator", "summarizer", "writer", "redactor", "coder")
MAIN = {"writer": ("question", "facts"), "coder": ("task",)}
Row = Mapping[str, Any]
Pairs = Sequence[tuple[Row, NodeResult]]


def rows_of(path: Path) -> list[Row]:
    """Return the cases of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def one_node(name: str, *, first_only: bool) -> Graph:
    """Return a graph that only asks this expert."""
    changes: dict[str, Any] = {}
    if first_only:
        rungs = {
            "intent": "ngram", "moderator": "moderator", "summarizer": "textrank", "writer": "bm25",
            "redactor": "personal",
        }  # fmt: skip
        changes["cascade"] = [f"embedded/{rungs[name]}"]
    if name == "intent":
        changes["examples"] = rows_of(EXPERTS / "intent/evals_train.jsonl")
    inputs = MAIN.get(name, ("text",))
    graph = Graph(name, input={key: "any?" if key == "facts" else str for key in inputs})
    given = {key: graph.input[key] for key in inputs}
    graph.output(graph.expert("it", Expert(use=name, **changes), with_=given))
    return graph


async def answers(name: str, *, first_only: bool) -> Pairs:
    """Return every case with what the expert made of it."""
    pairs: list[tuple[Row, NodeResult]] = []
    async with Swarm(one_node(name, first_only=first_only)) as swarm:
        for row in rows_of(EXPERTS / name / "evals.jsonl"):
            result = await swarm.run_input(row["input"])
            pairs.append((row["expected"], result["it"]))
    return pairs


def share(hits: Sequence[bool]) -> str:
    """Return a share and what it is of."""
    return f"{sum(hits) / len(hits):.0%} of {len(hits)}" if hits else "none"


def _has(text: str, words: Sequence[str]) -> bool:
    return all(word.lower() in text.lower() for word in words)


def _text(node: NodeResult) -> str:
    output: dict[str, Any] = node.output or {}
    return str(output.get("text", ""))


def _places(spans: Sequence[Mapping[str, Any]]) -> set[tuple[int, int]]:
    return {(span["start"], span["end"]) for span in spans}


def measure(name: str, pairs: Pairs) -> dict[str, str]:
    """Return the figures of one expert, by what they are called in its card."""
    if name == "intent":
        right = [node.output["label"] == expected["label"] for expected, node in pairs]
        sure = [good for good, (_, node) in zip(right, pairs, strict=True) if node.confident]
        return {
            "right": share(right),
            "accepted": share([bool(n.confident) for _, n in pairs]),
            "right of these": share(sure),
        }
    if name == "moderator":
        flagged = [(bool(expected["flagged"]), bool(node.output["flagged"])) for expected, node in pairs]
        category = [
            node.output["category"] == expected["category"] for expected, node in pairs if expected["flagged"]
        ]
        return {
            "harmful ones flagged": share([said for true, said in flagged if true]),
            "harmless ones flagged": share([said for true, said in flagged if not true]),
            "category right": share(category),
        }
    if name == "summarizer":
        kept = [
            word.lower() in _text(node).lower()
            for expected, node in pairs
            for word in expected["must_include"]
        ]
        words = [len(_text(node).split()) for _, node in pairs]
        return {"key facts kept": share(kept), "words, median": f"{statistics.median(words):.0f}"}
    if name == "redactor":
        said: list[Mapping[str, Any]] = [node.output or {} for _, node in pairs]
        found = [_places(output.get("found", [])) for output in said]
        true = [_places(expected["spans"]) for expected, _ in pairs]
        both = list(zip(true, found, strict=True))
        return {
            "spans found exactly": share([span in said for want, said in both for span in want]),
            "spans that are right": share([span in want for want, said in both for span in said]),
        }
    known = [(expected, node) for expected, node in pairs if not expected.get("refuses")]
    unknown = [node for expected, node in pairs if expected.get("refuses")]
    right = [
        _has(_text(node), expected["must_include"])
        and not any(_has(_text(node), [w]) for w in expected.get("must_not_include", []))
        for expected, node in known
    ]
    return {
        "answers with the facts asked for": share(right),
        "unanswerable, not confident or refused": share(
            [not node.confident or "know" in _text(node) for node in unknown]
        ),
    }


def card(name: str, table: Mapping[str, str], model: str) -> str:
    """Return the section of a model card."""
    head = "| model | " + " | ".join(table) + " |\n|" + "---|" * (len(table) + 1)
    day = datetime.now(UTC).date().isoformat()
    return (
        f"## Measured\n\n{head}\n| `{model}` | " + " | ".join(table.values()) + " |\n\n"
        f"By `python -m benchmarks.experts --write` on {day}, on the cases of `evals.jsonl`, the first rung alone.\n\n"
    )


def write_card(name: str, section: str) -> None:
    """Replace the measured section of a model card."""
    path = EXPERTS / name / "README.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"## Measured\n.*?(?=^## )", lambda _: section, text, flags=re.DOTALL | re.MULTILINE),
        encoding="utf-8",
    )


async def _run(*, write: bool, first_only: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in NAMES:
        if name == "coder":
            found[name] = "needs a model server: `swarm doctor`"
            section = (
                "## Measured\n\nNot measured yet: it has no embedded rung, and a figure needs a model server and a place "
                "where code that a model wrote may run.\n\n"
            )
        else:
            pairs = await answers(name, first_only=first_only)
            table = measure(name, pairs)
            latency = statistics.median(node.latency_ms or 0.0 for _, node in pairs)
            table |= {"p50": f"{latency:.1f} ms"}
            found[name] = ", ".join(f"{key} {value}" for key, value in table.items())
            section = card(name, table, str(pairs[0][1].model))
        if write and first_only:
            write_card(name, section)
    return found


def run() -> dict[str, object]:
    """Return the figures by expert."""
    return asyncio.run(_run(write=False, first_only=True))


def main() -> None:
    """Measure, print, and write the cards if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experts", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into the model cards")
    parser.add_argument("--models", action="store_true", help="the whole cascade, on the server found")
    options = parser.parse_args()
    for name, figures in asyncio.run(_run(write=options.write, first_only=not options.models)).items():
        print(f"{name:12} {figures}")


if __name__ == "__main__":
    main()
