"""Run every benchmark, or those named; `--json` prints one object."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys

from benchmarks.engine.table import Row, markdown

ALL = ("engine", "startup", "batch", "experts")
ON_REQUEST = ("simulation", "faults")
OPTIONS = {"engine": ("only", "install"), "simulation": ("seeds", "seed"), "faults": ("only", "count")}


def main() -> None:
    """Run the benchmarks named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, *ON_REQUEST, []], help="which ones (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--markdown", action="store_true", help="the engine's table for a document")
    parser.add_argument("--only", default="", help="of engine or faults: one part of it")
    parser.add_argument(
        "--install", action="store_true", help="of engine: install the core afresh, and weigh it"
    )
    parser.add_argument("--seeds", type=int, default=2_000, help="of simulation: how many")
    parser.add_argument("--seed", type=int, help="of simulation: this one alone")
    parser.add_argument("--count", type=int, default=2_000, help="of faults: kills, states, flipped bits")
    options = parser.parse_args()
    table = {name: _rows(name, options) for name in options.names or ALL}
    if options.json:
        print(
            json.dumps(
                {"python": platform.python_version(), "machine": platform.machine(), **table}, indent=1,
                default=lambda row: row.to_json(),
            )
        )  # fmt: skip
    elif options.markdown:
        print(markdown([row for rows in table.values() for row in rows.values() if isinstance(row, Row)]))
    if any(getattr(row, "broken", ()) for rows in table.values() for row in rows.values()):
        sys.exit(1)


def _rows(name: str, options: argparse.Namespace) -> dict[str, object]:
    print(f"== {name}", file=sys.stderr)
    module = importlib.import_module(f"benchmarks.{name}")
    own = {option: getattr(options, option) for option in OPTIONS.get(name, ())}
    rows: dict[str, object] = module.run(**own)
    if not options.json and not options.markdown:
        for row, value in rows.items():
            print(f"{name:8} {row:44} {value}")
    return rows


if __name__ == "__main__":
    main()
