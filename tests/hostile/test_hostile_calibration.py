"""Outcomes, policies and recordings that nobody should make: a clear error, and nothing lost."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swarm import Swarm
from swarm._app.learned import LEARNED
from swarm._cli.main import cli
from swarm.confidence.outcomes import Outcome, RungOutcome, read_outcomes, write_outcomes
from swarm.errors import InputError
from swarm.stores.memory import MemoryStore
from swarm.stores.sqlite import SqliteStore
from swarm.testing import FakeModel, OllamaServer

GRAPH = """\
swarm: 1
name: shop
input: {message: string}
experts:
  triage:
    use: intent
    examples: intents.jsonl
    cascade: [embedded/ngram, ollama/qwen3:4b]
    confidence: {target_error: 0.1}
nodes:
  sort: {expert: triage, with: {text: input.message}}
output: sort
"""
INTENTS = [
    ("where is my parcel", "order"), ("track my parcel", "order"), ("when does the parcel come", "order"),
    ("money back", "refund"), ("refund me", "refund"), ("I want my money back", "refund"),
]  # fmt: skip
COMMAND = "<script>alert(1)</script>\x1b[2J\u2028"
HALF = f"\ud800{COMMAND}"  # half of a surrogate pair, which no UTF-8 file holds
Rows = list[dict[str, Any]]


def swarm(*words: str | Path, input: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=input)


def process(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "swarm", *words], capture_output=True, text=True, timeout=30, check=False
    )


def rows(count: int = 120, seed: int = 1) -> Rows:
    """Return outcomes of two rungs; the first is right the more often the surer it is."""
    rng = random.Random(seed)
    found: Rows = []
    for at in range(count):
        sure = rng.random()
        small = {
            "model": "embedded/ngram", "signals": {"margin": sure}, "output": rng.choice("ab"),
            "correct": rng.random() < sure**0.25, "cost": 0.01, "latency_ms": 1.0,
        }  # fmt: skip
        large = {"model": "ollama/qwen3:4b", "output": "a", "correct": rng.random() < 0.95, "cost": 1}
        found.append({"id": at, "expert": "triage", "expected": "a", "rungs": [small, large]})
    return found


def first_rung(**changes: Callable[[random.Random], Any]) -> Rows:
    """Return outcomes with keys of the first rung changed, row by row."""
    rng, found = random.Random(2), rows()
    for row in found:
        row["rungs"][0] |= {key: make(rng) for key, make in changes.items()}
    return found


def no_constant(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")


def write(name: str, lines: Rows) -> Path:
    path = Path(name)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a graph, the examples of its expert, and outcomes of it; no server answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    Path("shop.swarm.yaml").write_text(GRAPH, encoding="utf-8")
    write("intents.jsonl", [{"text": text, "label": label} for text, label in INTENTS])
    write("outcomes.jsonl", rows())
    return tmp_path


def calibrate(*more: str | Path, outcomes: str = "outcomes.jsonl", target: str = "0.1") -> Result:
    return swarm("calibrate", *more, "--outcomes", outcomes, "--target-error", target)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"rungs": [{"signals": {"margin": NaN}}]}', "NaN is no number in JSON"),
        ('{"rungs": [{"signals": {"margin": -Infinity}}]}', "-Infinity is no number in JSON"),
        ('{"rungs": [{"signals": {"margin": 1e999}}]}', "`signals.margin` is too large"),
        ('{"rungs": [{"signals": {"margin": "0.5"}}]}', "`signals.margin` is '0.5': a number, or null"),
        ('{"rungs": [{"cost": 1e308}]}', "`cost` is 1e+308: a number from 0 to 1e+15"),
        ('{"rungs": [{"latency_ms": -1}]}', "`latency_ms` is -1: a number from 0"),
        ('{"propensity": 5e-324, "rungs": [{"model": "m"}]}', "`propensity` is 4.94066e-324"),
        ('{"id": 0, "rungs": [{"model": "m"}]}', "id '0' is that of line 1"),
        ('{"rungs": [{"mod', "no JSON at character 17: Invalid control character"),
        ("[" * 200_000, "it nests too deeply"),
        ("\udcff", "no UTF-8 text: byte 1 is 0xff"),
        ("x" * 4_000_001, "longer than 4,000,000 bytes: nothing after it was read"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_line_that_is_no_outcome_is_named_by_its_number(line: str, said: str) -> None:
    text = json.dumps(rows(1)[0]) + "\n" + line + "\n"
    Path("bad.jsonl").write_text(text, encoding="utf-8", errors="surrogateescape")
    ran = calibrate(outcomes="bad.jsonl")
    assert ran.exit_code == 2
    assert f"bad.jsonl:2: {said}" in ran.stderr.replace("rungs[0]: ", "")
    assert "Mend these lines, or delete them" in ran.stderr


def test_outcomes_from_another_editor_are_read_all_the_same() -> None:
    text = "\r\n".join(json.dumps(row) for row in rows())
    Path("windows.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(read_outcomes("windows.jsonl")) == 120


ODD = {
    "one row": rows(1),
    "five rows": rows(5),
    "all right": first_rung(correct=lambda _: True),
    "all wrong": first_rung(correct=lambda _: False),
    "nobody judged": first_rung(correct=lambda _: None),
    "no signals": first_rung(signals=lambda _: None),
    "a constant signal": first_rung(signals=lambda _: {"margin": 0.5}),
    "signals at the end of the numbers": first_rung(signals=lambda rng: {"m": rng.choice([1e308, -1e308])}),
    "two hundred signals": first_rung(signals=lambda rng: {f"s{k}": rng.random() for k in range(200)}),
    "signals that come and go": first_rung(signals=lambda rng: {rng.choice("abc"): rng.choice([None, 1, -9])}),
    "labels nobody has seen": first_rung(output=lambda rng: f"label {rng.random()}"),
    "rungs in any number and order": [
        row | {"rungs": random.Random(at).sample([*row["rungs"], {"model": "third"}], at % 3 + 1)}
        for at, row in enumerate(rows())
    ],
    "rows that count a billion times": [row | {"propensity": 1e-9 ** (row["id"] % 2)} for row in rows()],
    "labels that command": [
        row | {"expert": COMMAND, "input": COMMAND, "expected": COMMAND}
        for row in first_rung(output=lambda _: COMMAND, model=lambda _: COMMAND)
    ],
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_odd_outcomes_give_a_policy_that_replays_or_says_what_would_help(odd: Rows) -> None:
    write("odd.jsonl", odd)
    ran = calibrate(
        "--groups", "--policy-out", "p.json", "--report", "r.html", "--json", outcomes="odd.jsonl"
    )
    assert ran.exit_code == 0, ran.stderr
    told = json.loads(ran.stdout, parse_constant=no_constant)
    assert told["feasible"] or told["helps"]
    again = swarm("replay", "--outcomes", "odd.jsonl", "--policy", "p.json", "--report", "r2.html", "--json")
    assert again.exit_code == 0, again.stderr
    figures = json.loads(again.stdout, parse_constant=no_constant)
    assert figures["n"] == len(odd)
    for report in ("r.html", "r2.html"):
        assert "<script" not in Path(report).read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["0", "1", "-1", "nan", "inf", "5%"])
def test_a_target_that_means_nothing_is_refused_before_anything_is_read(target: str) -> None:
    ran = calibrate(outcomes="nowhere.jsonl", target=target)
    assert ran.exit_code == 2
    assert "nowhere" not in ran.stderr


@pytest.mark.parametrize("target", ["1e-12", "0.999999"])
@pytest.mark.parametrize("surely", ["0.5", "0.999999"])
def test_a_target_at_the_edge_is_answered(target: str, surely: str) -> None:
    ran = calibrate("--with-confidence", surely, "--json", target=target)
    assert json.loads(ran.stdout, parse_constant=no_constant)["feasible"] is (target == "0.999999")


@pytest.mark.parametrize(
    ("words", "precious"),
    [
        ("calibrate --outcomes outcomes.jsonl --target-error 0.1 --policy-out ./outcomes.jsonl", "outcomes.jsonl"),
        ("calibrate --outcomes outcomes.jsonl --target-error 0.1 --report outcomes.jsonl", "outcomes.jsonl"),
        ("replay --outcomes outcomes.jsonl --policy p.json --report p.json", "p.json"),
        ("eval shop.swarm.yaml:triage --data intents.jsonl --record intents.jsonl", "intents.jsonl"),
        ("eval shop.swarm.yaml:triage --data intents.jsonl --report shop.swarm.yaml", "shop.swarm.yaml"),
        ("run shop.swarm.yaml --input message=hi --record shop.swarm.yaml", "shop.swarm.yaml"),
        ("run shop.swarm.yaml --input message=hi --record intents.jsonl", "intents.jsonl"),
        ("run shop.swarm.yaml --batch intents.jsonl --out intents.jsonl", "intents.jsonl"),
    ],
)  # fmt: skip
def test_no_command_writes_over_what_it_reads(words: str, precious: str) -> None:
    calibrate("--policy-out", "p.json")
    before = Path(precious).read_bytes()
    ran = swarm(*words.split())
    assert ran.exit_code == 2
    assert "another file" in ran.stderr
    assert Path(precious).read_bytes() == before


def test_two_results_do_not_go_into_one_file() -> None:
    ran = calibrate("--policy-out", "both", "--report", "both")
    assert (ran.exit_code, Path("both").exists()) == (2, False)


def test_a_run_is_not_recorded_twice_into_what_it_logs_anyway() -> None:
    ran = swarm("run", "shop.swarm.yaml", "--input", "message=hi", "--record", LEARNED)
    assert ran.exit_code == 2
    assert "`learn: true`" in ran.stderr


def test_results_go_into_folders_that_are_not_there_yet() -> None:
    ran = calibrate("--policy-out", "a/b/p.json", "--report", "c/d/r.html")
    assert ran.exit_code == 0
    assert Path("a/b/p.json").is_file()
    assert Path("c/d/r.html").is_file()


def test_where_nothing_can_be_written_that_is_said_before_the_work_begins() -> None:
    ran = calibrate("--report", "outcomes.jsonl/r.html")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "cannot be written" in ran.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("swarm_policy", 2), ("target_error", 2), ("with_confidence", "high"), ("loss", "none"),
        ("feasible", 1), ("rungs", []), ("chosen_on", {"n": -1}), ("expected", {"bound": "x"}),
        ("fits", []), ("zzz", 1), ("rungs.0.at_least", 2), ("rungs.0.groups", {"a": -1}),
        ("rungs.0.calibrator.n", 0.5), ("rungs.0.calibrator.edge", 1), ("rungs.0.zzz", 1),
        ("rungs.0.reference", [0.5, 0.4]),
    ],
)  # fmt: skip
def test_a_policy_edited_by_hand_is_refused_by_the_key_that_is_wrong(key: str, value: object) -> None:
    calibrate("--policy-out", "p.json")
    policy = json.loads(Path("p.json").read_text(encoding="utf-8"))
    *path, last = key.split(".")
    part: Any = policy
    for step in path:
        part = part[int(step) if isinstance(part, list) else step]
    part[last] = value
    Path("p.json").write_text(json.dumps(policy), encoding="utf-8")
    ran = swarm("replay", "--outcomes", "outcomes.jsonl", "--policy", "p.json")
    assert ran.exit_code == 2
    assert f"{last}" in ran.stderr
    assert "fix:" in ran.stderr


def test_several_writers_of_one_file_lose_nothing() -> None:
    def record(writer: int) -> None:
        for at in range(40):
            rung = RungOutcome(model="m", output="x" * (30_000 if at % 2 else 10), correct=True)
            write_outcomes("shared.jsonl", [Outcome(id=f"{writer}-{at}", rungs=(rung,))])

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(record, range(4)))
    assert len(read_outcomes("shared.jsonl")) == 160


def test_a_last_line_that_was_cut_off_spoils_no_other() -> None:
    Path("cut.jsonl").write_text('{"id": "1", "rungs": [{"mod', encoding="utf-8")
    write_outcomes("cut.jsonl", [Outcome(id="2", rungs=(RungOutcome(model="m", correct=True),))])
    with pytest.raises(InputError, match=r"1 line is no outcome:\n  cut.jsonl:1: no JSON"):
        read_outcomes("cut.jsonl")
    whole = Path("cut.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    Path("cut.jsonl").write_text("\n".join(whole), encoding="utf-8")
    assert [one.id for one in read_outcomes("cut.jsonl")] == ["2"]


def test_any_text_is_recorded_as_it_is() -> None:
    outcome = Outcome(id=HALF, input=HALF, rungs=(RungOutcome(model="m", output={"label": HALF}),))
    write_outcomes("any.jsonl", [outcome])
    assert read_outcomes("any.jsonl") == (outcome,)


def test_outcomes_of_models_that_the_expert_does_not_ask_are_told_of() -> None:
    write("others.jsonl", first_rung(model=lambda _: "llama3.2-1b"))
    ran = calibrate("shop.swarm.yaml:triage", outcomes="others.jsonl")
    told = " ".join(ran.stderr.split())
    assert "triage does not ask llama3.2-1b: a policy does nothing there" in told
    assert "its models are embedded/ngram, ollama/qwen3:4b" in told


def test_a_link_in_place_of_a_calibration_is_not_followed() -> None:
    Path("artefacts").mkdir()
    Path("artefacts/triage.json").symlink_to("../not_there_yet")
    ran = calibrate("shop.swarm.yaml:triage", "--write")
    assert ran.exit_code == 2
    assert "is no file" in ran.stderr
    assert "delete it" in ran.stderr
    assert not Path("not_there_yet").exists()


def test_writing_twice_changes_nothing_more() -> None:
    first = calibrate("shop.swarm.yaml:triage", "--with-confidence", "0.9", "--write")
    saved = [Path(name).read_bytes() for name in ("shop.swarm.yaml", "artefacts/triage.json")]
    again = calibrate("shop.swarm.yaml:triage", "--with-confidence", "0.9", "--write")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "+++" not in again.stdout
    assert [Path(name).read_bytes() for name in ("shop.swarm.yaml", "artefacts/triage.json")] == saved


def test_a_damaged_log_of_runs_is_named_by_its_line_and_stays_as_it_is() -> None:
    Path(LEARNED).parent.mkdir()
    Path(LEARNED).write_text(json.dumps(rows(1)[0]) + '\n{"id": "2", "ru', encoding="utf-8")
    before = Path(LEARNED).read_bytes()
    for words in (["examples"], ["calibrate", "--target-error", "0.1"]):
        ran = swarm(*words, "shop.swarm.yaml:triage", "--from-runs")
        assert ran.exit_code == 2
        assert f"{LEARNED}:2: no JSON" in ran.stderr
    assert Path(LEARNED).read_bytes() == before


@pytest.mark.parametrize("run", ["../../etc/passwd", "/etc/passwd", "..", "*", "\x1b[2J", "a" * 5000])
def test_the_id_of_a_run_leads_nowhere_else(run: str) -> None:
    ran = swarm("why", run)
    assert ran.exit_code == 1
    assert "no run" in ran.stderr
    assert "\x1b" not in ran.stderr


def test_a_run_with_damaged_lines_is_explained_by_the_others() -> None:
    store = SqliteStore(".swarm/runs.db")
    asyncio.run(store.open())  # somebody has the runs in use: this one is kept as a plain record
    swarm("run", "shop.swarm.yaml", "--input", f"message={COMMAND} where is my parcel")
    asyncio.run(store.aclose())
    (log,) = Path(".swarm/runs").glob("*.jsonl")
    log.write_bytes(log.read_bytes() + b'\xff\xfe\n{"type": "no.such"}\n[]\n{"type": "node.fin')
    ran = swarm("why", "last", "--report", "why.html")
    assert ran.exit_code == 0
    assert "embedded/ngram (rung 0) said 'order'" in ran.stdout
    assert ran.stderr.count("not an event") == 4
    assert "<script" not in Path("why.html").read_text(encoding="utf-8")


def test_labels_that_command_are_measured_kept_and_compared() -> None:
    labels = [f"first {COMMAND}", "second\nline", "third" * 100]
    cases = [
        {"text": f"word{(at + at % 4 // 3) % 3} and more {at}", "label": labels[at % 3]} for at in range(30)
    ]
    write("train.jsonl", cases)
    write("data.jsonl", cases[:12])
    words = ["eval", "intent", "--train", "train.jsonl", "--data", "data.jsonl", "--rung", "0"]
    first = swarm(*words, "--record", "o.jsonl", "--report", "r.html", "--json")
    again = swarm(*words, "--compare", "last", "--json")
    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr + again.stderr
    assert json.loads(again.stdout)["flips"]["compared"] == 12
    assert {one.expected for one in read_outcomes("o.jsonl")} == set(labels)
    assert "<script" not in Path("r.html").read_text(encoding="utf-8")


def test_results_that_cannot_be_kept_are_told_all_the_same() -> None:
    Path(".swarm").mkdir()
    Path(".swarm/evals").write_text("in the way", encoding="utf-8")
    ran = swarm("eval", "shop.swarm.yaml:triage", "--data", "intents.jsonl", "--rung", "0", "--json")
    assert json.loads(ran.stdout)["n"] == len(INTENTS)
    assert "not kept to compare with" in ran.stderr


@pytest.fixture
def other_weights() -> None:
    """Save a calibration of two Ollama models, the first of which had other weights then."""
    graph = GRAPH.replace("embedded/ngram, ollama/qwen3:4b", "ollama/small:1b, ollama/qwen3:4b")
    Path("shop.swarm.yaml").write_text(graph, encoding="utf-8")
    was = first_rung(model=lambda _: "ollama/small:1b", digest=lambda _: "of other weights")
    write("weights.jsonl", was)
    assert calibrate("shop.swarm.yaml:triage", "--write", outcomes="weights.jsonl").exit_code == 0


@pytest.mark.usefixtures("other_weights")
async def test_a_calibration_of_other_weights_is_not_used_and_the_run_says_so(
    ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("small:1b", "qwen3:4b"):
        ollama_server.serve(name, FakeModel(reply="order"))
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    async with Swarm.load("shop.swarm.yaml", store=MemoryStore()) as desk:
        result = await desk.run(message="where is my parcel")
        again = await desk.runs.replay(result.id)
    for notes in (result.notes, again.result.notes):  # offline, too, where no server can be asked
        assert any("other weights of ollama/small:1b" in note for note in notes), notes


def test_half_of_a_surrogate_pair_stops_no_command() -> None:
    odd = first_rung(output=lambda _: HALF, model=lambda _: HALF)
    write("half.jsonl", [row | {"expert": HALF} for row in odd])
    words = "calibrate --outcomes half.jsonl --target-error 0.1 --groups --policy-out p.json --report r.html"
    ran = process(*words.split())
    assert ran.returncode == 0, ran.stderr
    again = process("replay", "--outcomes", "half.jsonl", "--policy", "p.json", "--json")
    assert json.loads(again.stdout)["rungs"][0]["model"] == HALF


def test_a_closed_standard_output_is_no_error() -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m swarm --version >&-', sys.executable],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
