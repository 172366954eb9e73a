"""What the moderator and the redactor are worth on public data: `python -m benchmarks.moderation`.

Prints one JSON object a figure. The data is read from `../shared/data`; where it is absent, that is said. Five
folds of the OpenAI set teach the moderator beside its own examples; XSTest and HateCheck are never taught.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from swarm.backends.embedded.harm.moderation import HARMFUL, Moderator
from swarm.backends.embedded.personal.redaction import personal_data

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
CATEGORIES: dict[str, str] = dict.fromkeys(
    ("violence", "hate", "harassment", "self_harm", "sexual", "illegal", "injection"), ""
)
FLAGGED = 0.5
FOLDS = 5
LEAST_OVERLAP = 0.5  # intersection over union of a span that counts as found
DEVELOPED_ON = 3  # of ten parts of the templates, by hash; the other seven are reported
GROUPS = {
    "PERSON": "person", "STREET_ADDRESS": "place", "GPE": "place", "ZIP_CODE": "place", "ORGANIZATION": "organization",
    "CREDIT_CARD": "card", "TITLE": "title", "DATE_TIME": "date", "AGE": "age", "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone", "NRP": "nationality", "DOMAIN_NAME": "url", "US_SSN": "ssn", "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip", "address": "place", "zip": "place",
}  # fmt: skip
Row = Mapping[str, Any]
Span = tuple[int, int, str]


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def public(name: str) -> list[Row]:
    """Return the rows of a public set that are there to be reported on."""
    return rows_of(DATA / name / "test_dev.jsonl")


def own_examples() -> list[tuple[str, str]]:
    """Return the bundled moderator's examples."""
    rows = rows_of(ROOT / "experts" / "moderator" / "examples.jsonl")
    return [(row["text"], "" if row["label"] == "none" else row["label"]) for row in rows]


def taught(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return rows labelled 1 or 0 as examples."""
    return [(row["text"], HARMFUL if row["label"] else "") for row in rows]


def auroc(truth: Sequence[Any], scores: Sequence[float]) -> float:
    """Return how often a harmful text scores higher than a harmless one."""
    metrics: Any = import_module("sklearn.metrics")
    return round(float(metrics.roc_auc_score(truth, scores)), 4)


def harm(moderator: Moderator, rows: Sequence[Row]) -> list[float]:
    """Return the moderator's highest probability for each row."""
    return [max(moderator.predict(row["text"]).values()) for row in rows]


def in_folds(rows: Sequence[Row]) -> list[float]:
    """Return the score of each row by a moderator that was taught the other folds; every label is spread evenly."""
    order = list(range(len(rows)))
    random.Random(0).shuffle(order)
    order.sort(key=lambda number: rows[number]["label"])
    scores = [0.0] * len(rows)
    for fold in range(FOLDS):
        held = order[fold::FOLDS]
        rest = [rows[number] for number in order if number not in set(held)]
        moderator = Moderator.fit([*own_examples(), *taught(rest)], CATEGORIES)
        for number, score in zip(held, harm(moderator, [rows[number] for number in held]), strict=True):
            scores[number] = score
    return scores


def harmful() -> Iterator[Row]:
    """Yield the figures of harm at all: folds, transfer, false refusals."""
    openai = public("moderation/openai_moderation")
    yield {"figure": "openai, 5 folds, auroc", "value": auroc([r["label"] for r in openai], in_folds(openai))}
    general = Moderator.fit([*own_examples(), *taught(openai)], CATEGORIES)
    for name in ("xstest", "hatecheck"):
        rows = public(f"moderation/{name}")
        yield {
            "figure": f"transfer to {name}, auroc",
            "value": auroc([r["label"] for r in rows], harm(general, rows)),
        }
    shipped = Moderator.fit(own_examples(), CATEGORIES)
    benign = harm(shipped, public("moderation/cyberseceval_frr"))
    refused = sum(score > FLAGGED for score in benign) / len(benign)
    yield {"figure": "false refusals, cyberseceval_frr", "value": round(refused, 4)}
    yield from injections(shipped)


def injections(moderator: Moderator) -> Iterator[Row]:
    """Yield the figures of prompt injection.

    CyberSecEval has no harmless messages of its own: mails without an order (BIPIA, label 0) and benign coding
    requests (cyberseceval_frr) stand for them, and the figure without the latter is given too.
    """

    def scores(texts: Sequence[str]) -> list[float]:
        return [moderator.predict(text)["injection"] for text in texts]

    direct = scores([row["user"] for row in public("prompt_injection/cyberseceval_prompt_injection")])
    mails = rows_of(DATA / "prompt_injection" / "bipia" / "composed_test_dev.jsonl")
    hidden, said = scores([row["text"] for row in mails]), [row["label"] for row in mails]
    benign = scores([row["text"] for row in public("moderation/cyberseceval_frr")])
    truth = [*(1 for _ in direct), *said]
    yield {"figure": "injection, bipia, auroc", "value": auroc(said, hidden)}
    yield {
        "figure": "injection, cyberseceval against benign requests, auroc",
        "value": auroc([*(1 for _ in direct), *(0 for _ in benign)], direct + benign),
    }
    yield {"figure": "injection, both against clean mails, auroc", "value": auroc(truth, direct + hidden)}
    yield {
        "figure": "injection, both against clean mails and benign requests, auroc",
        "value": auroc([*truth, *(0 for _ in benign)], direct + hidden + benign),
    }


def is_reported(row: Row) -> bool:
    """Return whether a row's template was left alone while the redactor was developed."""
    digest = hashlib.sha256(str(row["template_id"]).encode()).hexdigest()
    return int(digest, 16) % 10 >= DEVELOPED_ON


def personal() -> Iterator[Row]:
    """Yield span F1: same group of types and at least half in common; then exact, then of any type."""
    rows = public("pii/presidio_synth_v2")
    for part, chosen in (("unseen templates", [r for r in rows if is_reported(r)]), ("all", rows)):
        yield {"figure": f"personal data, {part}, span F1", **_f1(chosen)}


def _f1(rows: Sequence[Row]) -> Row:
    counts = {"f1": 0, "f1_exact": 0, "f1_any_type": 0}
    total = 0
    for row in rows:
        true = [(s["start"], s["end"], GROUPS[s["type"]]) for s in row["spans"]]
        said = [(f.start, f.end, GROUPS.get(f.kind, f.kind)) for f in personal_data(row["text"])]
        total += len(true) + len(said)
        counts["f1"] += _matches(true, said, typed=True)
        counts["f1_any_type"] += _matches(true, said, typed=False)
        counts["f1_exact"] += len(set(true) & set(said))
    return {"n": len(rows), **{name: round(2 * count / max(1, total), 4) for name, count in counts.items()}}


def _matches(true: Sequence[Span], said: Sequence[Span], *, typed: bool) -> int:
    """Return how many true spans were found; a span that was said counts once."""
    left = list(said)
    for one in true:
        for other in left:
            if (one[2] == other[2] or not typed) and _overlap(one, other) >= LEAST_OVERLAP:
                left.remove(other)
                break
    return len(said) - len(left)


def _overlap(one: Span, other: Span) -> float:
    both = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return both / (one[1] - one[0] + other[1] - other[0] - both)


def main() -> None:
    """Print every figure."""
    if not DATA.exists():
        print(json.dumps({"left_out": "moderation", "why": "the public data is not at ../shared/data"}))
        return
    for figure in chain(personal(), harmful()):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
