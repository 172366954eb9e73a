"""Memory of a batch: 10,000 messages through the bank example, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BANK = ROOT / "examples/bank_triage/bank.swarm.yaml"
ROWS = 10_000
CHILD = """
import resource, sys, threading, time
from swarm.__main__ import main
marks = []
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
def watch(out):
    while True:
        try:
            with open(out) as rows:
                if sum(1 for _ in zip(rows, range(200))) >= 200:
                    marks.append(peak())
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
    """Return the growth of memory from the first 200 rows to the end."""
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder, "rows.jsonl"), Path(folder, "out.jsonl")
        with rows.open("w") as file:
            for number in range(ROWS):
                file.write(
                    json.dumps({"text": f"my card number {number} has not arrived, where is it?"}) + "\n"
                )
        command = [
            sys.executable, "-c", CHILD, "run", str(BANK), "--batch", str(rows), "--map", "message=text",
            "--out", str(out),
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder,
            env={**os.environ, "SWARM_OLLAMA_URL": "http://127.0.0.1:9"}, check=False,
        )  # fmt: skip
        line = next((line for line in done.stderr.splitlines() if line.startswith("MEMORY")), "")
        if done.returncode or not line:
            raise SystemExit(f"the batch failed ({done.returncode}):\n{done.stderr[-2000:]}")
        start, peak = (int(word) / 1000 for word in line.split()[1:])
        with out.open() as results:
            count = sum(1 for _ in results)
    return {
        f"{ROWS:,} messages": f"{count:,} results; {start:.0f} MB after 200 rows, peak {peak:.0f} MB (+{peak - start:.0f})"
    }
