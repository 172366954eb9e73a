"""Make the artefacts of `embedded/moderator`: `python -m benchmarks.train_moderator [lexicon] [injection]`.

`lexicon` writes `experts/moderator/artefacts/lexicon.json`: the words and weights of the package
alt-profanity-check (MIT), which must be installed; its pickled model is loaded here and nowhere else.

`injection` writes `injection.json`. It learns from text of this project (the moderator's examples and attempts,
the requests of all bundled experts, the documents and mails in their cases) and from the public training half of
BIPIA in `../shared/data`. No other public data goes in. Fixed order, no random numbers: the same input gives the
same file.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from swarm.backends.embedded.harm.injection import BUCKETS, GAMMA, pieces_of, words_of
from swarm.backends.embedded.harm.lexicon import STEP
from swarm.backends.embedded.harm.machine import Weighing
from swarm.backends.embedded.vectors import shared_vectors

ROOT = Path(__file__).parents[1]
EXPERTS = ROOT / "experts"
ARTEFACTS = EXPERTS / "moderator" / "artefacts"
OWN = ("examples.jsonl", "attempts.jsonl")  # the latter teaches nothing but injection
PROFANITY = "alt-profanity-check"
BIPIA = ROOT.parent / "shared" / "data" / "prompt_injection" / "bipia" / "composed_train.jsonl"
WORDS_PENALTY = 8.0  # 5 folds of the attempts: AUROC 0.933; with 30 0.935
VECTORS_PENALTY = 10.0  # 3 and 10 are alike
FOLDS = 5
Labelled = list[tuple[str, bool]]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def requests() -> Iterator[str]:
    """Yield what people ask of an assistant: harmless as a message, out of place in a document."""
    for path in (EXPERTS / "none_requests.jsonl", *sorted(EXPERTS.glob("*/requests.jsonl"))):
        yield from (row["text"] for row in rows_of(path) if path.parent.name != "moderator")


def documents() -> Iterator[str]:
    """Yield mails and other texts that ask an assistant for nothing."""
    yield from (row["text"] for row in rows_of(BIPIA) if not row["label"])
    yield from (row["input"]["text"] for row in rows_of(EXPERTS / "summarizer" / "evals.jsonl"))


def attempts() -> Labelled:
    """Return whole messages; true: they try to make an AI drop its rules or tell its secrets."""
    rows = [row for name in OWN for row in rows_of(EXPERTS / "moderator" / name)]
    found = [(row["text"], row["label"] == "injection") for row in rows]
    found += [(text, False) for text in (*requests(), *documents())]
    return list(dict(found).items())


def orders() -> Labelled:
    """Return sentences; true: they order an assistant to do something."""
    found = [(row["attack"], True) for row in rows_of(BIPIA) if row["label"]]
    found += [(pieces_of(text)[0], True) for text in requests() if text.strip()]
    found += [(text, True) for text, tried in attempts() if tried]
    found += [(piece, False) for text in documents() for piece in pieces_of(text)]
    return list(dict(found).items())


def head(rows: Labelled) -> dict[str, Any]:
    """Return one head as plain data; what its two scores are worth is fitted on held-out folds."""
    import numpy as np

    vectors = shared_vectors()
    if vectors is None:
        sys.exit("the word vectors are missing: pip install '.[embedded]'")
    matrix, near = hashed([text for text, _ in rows]), vectors.embed([text for text, _ in rows])
    truth = np.array([said for _, said in rows])
    scores = np.zeros((len(rows), 2))
    for fold in range(FOLDS):
        held = np.arange(len(rows)) % FOLDS == fold
        line, machine = fitted(matrix[~held], near[~held], truth[~held])
        scores[held] = np.column_stack([matrix[held] @ line, machine.decision_function(near[held])])
    line, machine = fitted(matrix, near, truth)
    alone, together = Weighing.fit(scores[:, :1], truth.tolist()), Weighing.fit(scores, truth.tolist())
    return {
        "words": packed(line),
        "support": packed(machine.support_vectors_),
        "machine": packed(machine.dual_coef_[0]),
        "offset": float(machine.intercept_[0]),
        "alone": {"weights": alone.weights.tolist(), "offset": alone.offset},
        "together": {"weights": together.weights.tolist(), "offset": together.offset},
    }


def hashed(texts: Sequence[str]) -> Any:
    """Return the sparse matrix of the hashed words of texts: (texts, buckets)."""
    sparse: Any = import_module("scipy.sparse")
    flat = [(row, at, value) for row, text in enumerate(texts) for at, value in words_of(text).items()]
    lines, columns, values = zip(*flat, strict=True)
    return sparse.csr_matrix((values, (lines, columns)), shape=(len(texts), BUCKETS))


def fitted(matrix: Any, near: Any, truth: Any) -> tuple[Any, Any]:
    """Return the weights of the words, (buckets,), and the machine over vectors."""
    linear: Any = import_module("sklearn.linear_model")
    svm: Any = import_module("sklearn.svm")
    line = linear.LogisticRegression(C=WORDS_PENALTY, solver="liblinear").fit(matrix, truth)
    machine = svm.SVC(C=VECTORS_PENALTY, gamma=GAMMA, class_weight="balanced").fit(near, truth)
    return line.coef_[0], machine


def packed(numbers: Any) -> dict[str, Any]:
    """Return numbers as whole numbers of one byte and their scale."""
    import numpy as np

    scale = float(np.abs(numbers).max()) / 127
    whole = np.array(numbers / scale).round().astype(np.int8)
    return {"scale": scale, "bytes": base64.b64encode(whole.tobytes()).decode("ascii")}


def lexicon() -> dict[str, Any] | str:
    """Return the words of alt-profanity-check as plain data, or why they cannot be had.

    Its model is the mean of the linear machines of its folds; the sigmoid after them changes no order.
    """
    import numpy as np

    try:
        release, folder = (
            version(PROFANITY),
            Path(str(import_module("profanity_check").__file__)).parent / "data",
        )
    except (PackageNotFoundError, ModuleNotFoundError):
        return f"{PROFANITY} is not installed: pip install {PROFANITY}"
    joblib: Any = import_module("joblib")
    vectorizer, model = (joblib.load(folder / f"{name}.joblib") for name in ("vectorizer", "model"))
    machines = [each.estimator for each in model.calibrated_classifiers_]
    order = sorted(vectorizer.vocabulary_.items())
    columns = [column for _, column in order]
    return {
        "format": 1,
        "source": f"{PROFANITY} {release}, weights of its linear model",
        "licence": "MIT, Copyright (c) 2018 Victor Zhou, 2021 Menelaos Kotoglou, and Dimitrios Mistriotis",
        "words": " ".join(word for word, _ in order),
        "idf": thousandths(vectorizer.idf_[columns]),
        "weights": thousandths(np.mean([machine.coef_[0] for machine in machines], axis=0)[columns]),
        "offset": round(float(np.mean([machine.intercept_[0] for machine in machines])), 4),
    }


def thousandths(numbers: Any) -> str:
    """Return numbers as whole steps of two bytes."""
    return base64.b64encode((numbers / STEP).round().astype("<i2").tobytes()).decode("ascii")


def injection() -> dict[str, Any] | str:
    """Return both heads as plain data, or why they cannot be trained."""
    if not BIPIA.exists():
        return "the public data is not at ../shared/data"
    return {"format": 1, "attempt": head(attempts()), "order": head(orders())}


def main() -> None:
    """Make the artefacts named on the command line, or all."""
    steps = {"lexicon": lexicon, "injection": injection}
    for name in sys.argv[1:] or steps:
        if name not in steps:
            sys.exit(f"unknown artefact {name!r}: choose from {', '.join(steps)}")
        found, path = steps[name](), ARTEFACTS / f"{name}.json"
        if isinstance(found, str):
            print(json.dumps({"left_out": path.name, "why": found}))
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(json.dumps({"written": str(path.relative_to(ROOT)), "bytes": path.stat().st_size}))


if __name__ == "__main__":
    main()
