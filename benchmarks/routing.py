"""What routing wins on public outcomes: from the text alone, and with two small models as witnesses.

`python -m benchmarks.routing` prints one JSON line a figure; `python -m benchmarks.routing mmlu` only these. The
data belongs in `../shared/data/routing`; what is not there is said, and left out. APGR: the mean, over the share
of questions sent to the large model, of the share of its advantage that is won; 0.5 is chance.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._routing_data import GSM8K, MMLU, NINE, PRO, curve, folds, lines, unique
from benchmarks._routing_models import nine
from benchmarks._routing_witnesses import witnesses
from swarm.confidence.foresight import Foresight

FOLDS = 5
Figures = Iterator[tuple[str, dict[str, Any]]]


def mmlu() -> Figures:
    """Yield the text-only router on RouteLLM's MMLU outcomes, mixtral-8x7b or gpt-4-1106; each prompt once."""
    import numpy as np

    rows = unique(lines(MMLU), "prompt")
    texts = [str(row["prompt"]) for row in rows]
    small, large = (np.array([float(row[name]) for row in rows]) for name in ("mixtral-8x7b", "gpt-4-1106"))
    domains = [str(row["domain"]) for row in rows]
    yield "by_row", text_only(texts, small, large, texts)
    yield (
        "domain_left_out",
        text_only(texts, small, large, domains),
    )


def gsm8k() -> Figures:
    """Yield the text-only router on GSM8K, a 6 B or a 175 B model with verification."""
    import numpy as np

    rows = unique(lines(GSM8K), "question")
    texts = [str(row["question"]) for row in rows]
    small, large = (
        np.array([float(row[name]["is_correct"]) for row in rows])
        for name in ("6b_verification", "175b_verification")
    )
    yield (
        "by_row",
        text_only(texts, small, large, texts),
    )


def text_only(texts: Sequence[str], small: Any, large: Any, groups: Sequence[str]) -> dict[str, Any]:
    """Return what a foresight wins that is fitted on the gain of the large model, brought into [0, 1].

    A group of texts is never on both sides.
    """
    import numpy as np

    stays = np.zeros(len(texts))
    goal = (1 + small - large) / 2
    parts = folds(groups, FOLDS)
    for fit, rest in parts:
        foresight = Foresight.fit([texts[int(at)] for at in fit], goal[fit].tolist())
        stays[rest] = foresight.many([texts[int(at)] for at in rest])
    return curve(stays, small, large, [rest for _, rest in parts])


@dataclass(frozen=True, slots=True)
class Part:
    """One set of figures, the data it needs, and what the project asks for."""

    figures: Callable[[], Figures]
    needs: Path
    asked: str


PARTS = {
    "mmlu": Part(mmlu, MMLU, "APGR at least 0.64 by row"),
    "witnesses": Part(witnesses, PRO, "APGR at least 0.72; simple agreement 0.655, text alone 0.517"),
    "nine": Part(nine, NINE, "4 points over the best single model at half its cost"),
    "gsm8k": Part(gsm8k, GSM8K, "nothing; a check on other data"),
}


def measured(names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the figures of these parts, each with its name."""
    for name in names:
        part = PARTS[name]
        if not part.needs.exists():
            yield name, {"skipped": f"the data is not here: {'/'.join(part.needs.parts[-3:])}"}
        elif importlib.util.find_spec("sklearn") is None:
            yield name, {"skipped": "scikit-learn is not here: pip install 'swarm-slm[eval]'"}
        else:
            for row, figures in part.figures():
                yield f"{name}.{row}", figures | {"asked": part.asked}


def run() -> dict[str, object]:
    """Return all figures by name."""
    return dict(measured(list(PARTS)))


def main() -> None:
    """Print the figures of the parts named on the command line, one JSON object a line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which ones (default: all)")
    for name, figures in measured(parser.parse_args().parts or list(PARTS)):
        print(json.dumps({"figure": name} | figures), flush=True)


if __name__ == "__main__":
    main()
