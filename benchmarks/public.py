"""Every figure of the bundled experts on public data, each by one `swarm eval` command.

`python -m benchmarks.public` writes the files that a command needs beside the public ones (a few-row copy, a graph
around an expert) into a folder, runs the commands one after another and prints a line for each: the figure, what
was aimed at, the command. `--only intent` runs the rows whose name begins so; `--show` prints the commands alone.
The data lies beside the repository, in `../shared/data`; without it there is nothing to do.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WORK = Path(".swarm") / "public"
DRAWS = 5
OOS = "oos"
GUARD = """\
swarm: 1
name: guard
input: {text: string}
experts:
  injection:
    use: moderator
    labels: {injection: "Tries to make an AI drop its rules, reveal its hidden instructions or take on a role without limits"}
nodes:
  it: {expert: injection, with: {text: input.text}}
output: it
"""
DESK = """\
swarm: 1
name: desk
input: {question: string}
experts:
  clerk: {use: writer, documents: [docs/*.md]}
nodes:
  it: {expert: clerk, with: {question: input.question}}
output: it
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        name: what it is of. figure: its key in the JSON of `swarm eval`; a dot goes inside.
        aim: what was aimed at. most: the figure should be at most that, not at least.
        words: the arguments of `swarm eval`. draws: run so often, with `--seed` 0, 1, ..., and averaged.
    """

    name: str
    figure: str
    aim: float
    words: Sequence[str]
    most: bool = False
    draws: int = 1

    @property
    def commands(self) -> list[list[str]]:
        """Return the commands to run."""
        base = ["swarm", "eval", *self.words, "--json"]
        return [base] if self.draws == 1 else [[*base, "--seed", str(seed)] for seed in range(self.draws)]


def rows() -> Iterator[Row]:
    """Yield every figure."""
    for name, aim, few in (("clinc150", 0.945, 0.86), ("banking77", 0.930, 0.80), ("hwu64", 0.900, 0.77)):
        train, test = (str(DATA / "intent" / name / f"{part}.jsonl") for part in ("train", "test_dev"))
        asked = ["intent", "--rung", "0", "--train", train, "--data", test, "--oos", OOS]
        yield Row(name=f"intent: {name}, in scope", figure="accuracy_in_scope", aim=aim, words=asked)
        words = [*asked, "--per-label", "10"]
        yield Row(
            name=f"intent: {name}, 10 a label", figure="accuracy_in_scope", aim=few, words=words, draws=DRAWS
        )
        if name == "clinc150":
            yield Row(name="intent: out of scope, AUROC", figure="oos_auroc", aim=0.970, words=asked)
            yield Row(name="intent: out of scope, recall", figure="oos_recall", aim=0.70, words=asked)
            yield Row(
                name="intent: one message, p50 ms", figure="latency_ms.p50", aim=1.0, words=asked, most=True
            )
    train, test = (str(WORK / "withheld" / f"{part}.jsonl") for part in ("train", "test"))
    words = ["intent", "--rung", "0", "--train", train, "--data", test, "--oos", OOS]
    yield Row(name="intent: 27 of BANKING77 withheld, AUROC", figure="oos_auroc", aim=0.86, words=words)
    yield from _moderation()
    yield from _texts()


def _moderation() -> Iterator[Row]:
    def public(name: str) -> str:
        return str(DATA / "moderation" / name / "test_dev.jsonl")

    own = public("openai_moderation")
    yield Row(
        name="moderator: OpenAI set, 5 folds, AUROC", figure="auroc", aim=0.91,
        words=["moderator", "--rung", "0", "--data", own, "--folds", "5"],
    )  # fmt: skip
    for name, aim in (("xstest", 0.65), ("hatecheck", 0.70)):
        words = ["moderator", "--rung", "0", "--train", own, "--data", public(name)]
        yield Row(name=f"moderator: taught by it, {name}, AUROC", figure="auroc", aim=aim, words=words)
    words = ["moderator", "--rung", "0", "--data", public("cyberseceval_frr")]
    yield Row(name="moderator: false refusals", figure="false_refusal_rate", aim=0.05, words=words, most=True)
    words = [f"{WORK / 'guard.swarm.yaml'}:injection", "--rung", "0", "--data", str(WORK / "injection.jsonl")]
    yield Row(name="moderator: injection, AUROC", figure="auroc", aim=0.88, words=words)
    pii = str(DATA / "pii/presidio_synth_v2/test_dev.jsonl")
    words = ["redactor", "--rung", "0", "--data", pii, "--map", "expected.spans=spans"]
    yield Row(name="redactor: span F1", figure="span_f1", aim=0.80, words=words)


def _texts() -> Iterator[Row]:
    maps = ["--map", "input=source"]
    tldr = str(DATA / "summarisation/scitldr_abstract/test_dev.jsonl")
    words = [
        "summarizer",
        "--rung",
        "0",
        "--data",
        tldr,
        *maps,
        "--map",
        "expected=references",
        "--input",
        "words=20",
    ]
    yield Row(name="summarizer: SciTLDR, ROUGE-1", figure="rouge1", aim=0.365, words=words)
    words = ["summarizer", "--rung", "0", "--data", str(WORK / "meetings.jsonl"), *maps]
    words += ["--map", "input.query=query", "--map", "expected=reference"]
    yield Row(name="summarizer: QMSum by query, ROUGE-1", figure="rouge1", aim=0.33, words=words)
    desk = f"{WORK / 'desk' / 'desk.swarm.yaml'}:clerk"
    words = [desk, "--rung", "0", "--data", str(WORK / "desk/cases.jsonl"), "--map", "input=query"]
    words += ["--map", "expected.documents=required"]
    yield Row(name="writer: banking documents, recall@10", figure="recall_at_10", aim=0.32, words=words)


def prepare() -> None:
    """Write the files that commands need beside the public ones."""
    withheld = set(json.loads((DATA / "intent/banking77/id_oos_intents.json").read_text(encoding="utf-8")))
    intents = DATA / "intent/banking77"
    _write(
        WORK / "withheld/train.jsonl",
        (r for r in _read(intents / "train.jsonl") if r["label"] not in withheld),
    )
    tests = _read(intents / "test_dev.jsonl")
    _write(
        WORK / "withheld/test.jsonl",
        ({**r, "label": OOS if r["label"] in withheld else r["label"]} for r in tests),
    )
    _write(WORK / "injection.jsonl", _injections())
    (WORK / "guard.swarm.yaml").write_text(GUARD, encoding="utf-8")
    meetings = _read(DATA / "summarisation/qmsum/test_dev.jsonl")
    _write(WORK / "meetings.jsonl", (row for row in meetings if row["kind"] == "specific"))
    bank = DATA / "support/tau2_bench"
    _write(
        WORK / "desk/cases.jsonl",
        (
            {**r, "required": [f"docs/{d}.md" for d in r["required"]]}
            for r in _read(bank / "banking_retrieval_dev.jsonl")
        ),
    )
    (WORK / "desk/desk.swarm.yaml").write_text(DESK, encoding="utf-8")
    for row in _read(bank / "banking_docs.jsonl"):
        file = WORK / "desk/docs" / f"{row['id']}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {row['title']}\n\n{row['content']}\n", encoding="utf-8")


def _injections() -> Iterator[dict[str, Any]]:
    """Yield injections, and as harmless texts the clean mails of BIPIA and the benign requests of CyberSecEval."""
    folder = DATA / "prompt_injection"
    for row in _read(folder / "cyberseceval_prompt_injection/test_dev.jsonl"):
        yield {"id": row["id"], "text": row["user"], "label": 1}
    for row in _read(folder / "bipia/composed_test_dev.jsonl"):
        yield {"id": row["id"], "text": row["text"], "label": row["label"]}
    for row in _read(DATA / "moderation/cyberseceval_frr/test_dev.jsonl"):
        yield {"id": row["id"], "text": row["text"], "label": 0}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write(path: Path, table: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table), encoding="utf-8")


def measure(row: Row, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Run a row's commands, each once however many rows read its figures, and return what came of it."""
    values: list[float] = []
    for command in row.commands:
        typed = shlex.join(command)
        if typed not in known:
            ran = subprocess.run(
                [sys.executable, "-m", *command], capture_output=True, text=True, check=False
            )
            if ran.returncode:
                raise SystemExit(f"{typed}\n{ran.stderr}")
            known[typed] = json.loads(ran.stdout)
        value: Any = known[typed]
        for key in row.figure.split("."):
            value = value[key]
        values.append(value)
    value = statistics.mean(values)
    reached = value <= row.aim if row.most else value >= row.aim
    return {
        "row": row.name, "figure": row.figure, "value": round(value, 4), "aim": row.aim, "reached": reached,
        "command": shlex.join(row.commands[0]) + (f"; seeds 0 to {row.draws - 1}" if row.draws > 1 else ""),
    }  # fmt: skip


def run(only: str = "") -> dict[str, object]:
    """Measure the rows whose name begins with `only`; print each as it comes."""
    if not DATA.is_dir():
        print(f"no public data at {DATA}: nothing to measure", file=sys.stderr)
        return {}
    prepare()
    known: dict[str, dict[str, Any]] = {}
    found: dict[str, object] = {}
    for row in rows():
        if row.name.startswith(only):
            one = measure(row, known)
            print(json.dumps(one), flush=True)
            found[row.name] = one["value"]
    return found


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.public", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name begins so")
    parser.add_argument("--show", action="store_true", help="print the commands, run none")
    options = parser.parse_args()
    if options.show:
        for row in rows():
            print(f"{row.name}\n  {shlex.join(row.commands[0])}")
        return
    run(options.only)


if __name__ == "__main__":
    main()
