"""`python -m swarm` and the `swarm` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code (docs/reference/cli.md)."""
    from swarm._cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
