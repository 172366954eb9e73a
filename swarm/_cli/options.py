"""Options that several commands take, in the same words."""

from __future__ import annotations

import click

__all__ = ["store_option"]

store_option = click.option(
    "--store", metavar="PLACE", help="Where runs are kept (.swarm/runs.db): a file, or postgresql://..."
)
