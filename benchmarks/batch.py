"""A batch: memory and rate over many rows, and what is lost when it is killed again and again.

python -m benchmarks batch                          # memory over 10,000 messages of the bank example
python -m benchmarks.batch --rows 1000000           # rate and memory over a million trivial rows
python -m benchmarks.batch --kills 100              # kill -9 at random moments, and go on each time
python -m benchmarks.batch --kills 100 --unordered
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
BANK = ROOT / "examples/bank_triage/bank.swarm.yaml"
ROWS = 10_000
TRIVIAL = """\
swarm: 1
name: trivial
input: {message: string}
nodes:
  hello: {reply: "Hello {{ input.message }}"}
output: hello
"""
CHILD = """
import resource, sys, threading, time
from swarm.__main__ import main
marks = []
def now():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
def watch(out):
    while True:
        try:
            with open(out) as rows:
                if sum(1 for _ in zip(rows, range(200))) >= 200:
                    marks.append(now())
        except FileNotFoundError:
            pass
        time.sleep(0.05)
out = sys.argv[sys.argv.index("--out") + 1]
threading.Thread(target=watch, args=(out,), daemon=True).start()
try:
    main()
finally:
    print("MEMORY", marks[0] if marks else 0, max(marks, default=0), file=sys.stderr)
"""


def run() -> dict[str, object]:
    """Return the growth of memory from the first 200 rows to the end, over the bank example."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "rows.jsonl", ROWS, "my card number {} has not arrived, where is it?", "text")
        start, peak, _, tally = _measure(folder, [str(BANK), "--map", "message=text"])
    said = (
        f"{tally['rows']:,} results; {start:.0f} MB after 200 rows, peak {peak:.0f} MB (+{peak - start:.0f})"
    )
    return {f"{ROWS:,} messages": said}


def trivial(rows: int) -> dict[str, object]:
    """Return rate and memory of a graph of one reply over so many rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "g.swarm.yaml").write_text(TRIVIAL)
        _write(folder / "rows.jsonl", rows, "m{}", "message")
        start, peak, seconds, tally = _measure(folder, ["g.swarm.yaml"])
    return {
        f"{rows:,} trivial rows": f"{tally['rows']:,} results in {seconds:.1f} s, {tally['rows_per_s']:,} a second;"
        f" {start:.0f} MB after 200 rows, peak {peak:.0f} MB"
    }


def kills(count: int, *, unordered: bool) -> dict[str, object]:
    """Return what killing a batch so many times cost: rows lost, repeated or different from the uninterrupted ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "g.swarm.yaml").write_text(TRIVIAL)
        rows = 4_000 * count
        _write(folder / "rows.jsonl", rows, "m{}", "message")
        words = ["run", "g.swarm.yaml", "--batch", "rows.jsonl", *(["--unordered"] if unordered else [])]
        whole, out = folder / "whole.jsonl", folder / "out.jsonl"
        _swarm(folder, [*words, "--out", whole.name])
        rng, killed = random.Random(1), 0
        while killed < count and _kill(folder, [*words, "--out", out.name, "--resume"], out, rng):
            killed += 1
        _swarm(folder, [*words, "--out", out.name, "--resume"])
        wanted, found = list(_said(whole)), list(_said(out))
    order = sorted if unordered else list
    lost, repeated = len(set(wanted) - set(found)), len(found) - len(set(found))
    return {
        f"{killed} kills{', unordered' if unordered else ''}": f"{rows:,} rows: {lost} lost, {repeated} repeated,"
        f" output {'equal' if order(wanted) == order(found) else 'DIFFERENT'} to the uninterrupted one"
    }


def _kill(folder: Path, words: Sequence[str], out: Path, rng: random.Random) -> bool:
    """Run a batch, and kill it at a random moment after it began; return whether it had not ended before."""
    note = out.with_name(out.name + ".batch.json")
    began_with = out.stat().st_size if out.exists() else 0
    child = subprocess.Popen(
        [sys.executable, "-m", "swarm", *words], cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    is_early = rng.random() < 0.2  # one in five while it starts, and reads what is there
    _wait(child, lambda: note.exists() and (is_early or out.stat().st_size > began_with))
    until = time.monotonic() + rng.uniform(0, 0.3)
    _wait(child, lambda: time.monotonic() > until)
    child.kill()
    return child.wait() == -signal.SIGKILL


def _wait(child: subprocess.Popen[bytes], is_time: Callable[[], bool]) -> None:
    while child.poll() is None and not is_time():
        time.sleep(0.005)


def _said(path: Path) -> Iterator[tuple[object, ...]]:
    """Yield what does not differ from run to run."""
    with path.open() as lines:
        for line in map(json.loads, lines):
            yield line["row"], line["status"], line["text"], tuple(line["path"])


def _write(path: Path, rows: int, text: str, column: str) -> None:
    with path.open("w") as file:
        for number in range(rows):
            file.write(json.dumps({column: text.format(number)}) + "\n")


def _swarm(folder: Path, words: Sequence[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swarm", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the batch failed ({done.returncode}):\n{done.stderr[-2000:]}")


def _measure(folder: Path, words: Sequence[str]) -> tuple[float, float, float, dict[str, float]]:
    """Return the memory after 200 rows and at the most (MB), the seconds, and the closing table."""
    command = [sys.executable, "-c", CHILD, "run", *words, "--batch", "rows.jsonl", "--out", "out.jsonl"]
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, cwd=folder,
        env={**os.environ, "SWARM_OLLAMA_URL": "http://127.0.0.1:9"}, check=False,
    )  # fmt: skip
    line = next((line for line in done.stderr.splitlines() if line.startswith("MEMORY")), "")
    if done.returncode or not line:
        raise SystemExit(f"the batch failed ({done.returncode}):\n{done.stderr[-2000:]}")
    tally = json.loads(done.stdout)
    start, peak = (int(word) / 1000 for word in line.split()[1:])
    return start, peak, tally["seconds"], tally


def main() -> None:
    """Run one of them, by the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--rows", type=int, default=0, help="rate and memory over so many trivial rows")
    parser.add_argument("--kills", type=int, default=0, help="kill a batch so many times")
    parser.add_argument("--unordered", action="store_true", help="of --kills: results as they come")
    options = parser.parse_args()
    found = kills(options.kills, unordered=options.unordered) if options.kills else {}
    found |= trivial(options.rows) if options.rows else {}
    for row, value in (found or run()).items():
        print(f"{row:24} {value}")


if __name__ == "__main__":
    main()
