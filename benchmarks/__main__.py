"""Run every benchmark, or those named; `--json` prints one object."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys

ALL = ("engine", "startup", "batch", "experts")


def main() -> None:
    """Run the benchmarks named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="which ones (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    table: dict[str, object] = {}
    for name in options.names or ALL:
        print(f"== {name}", file=sys.stderr)
        rows: dict[str, object] = importlib.import_module(f"benchmarks.{name}").run()
        table[name] = rows
        if not options.json:
            for row, value in rows.items():
                print(f"{name:8} {row:44} {value}")
    if options.json:
        print(
            json.dumps(
                {"python": platform.python_version(), "machine": platform.machine(), **table}, indent=1
            )
        )


if __name__ == "__main__":
    main()
