"""`swarm run --batch`: a graph on every line of a file, so many at once, in the order of the input or as they come.

Rows are read as they are needed and results written as they come, so a batch of any length takes
the same memory. With `--out FILE` it survives the death of the process: `--resume` goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import click

from swarm._app.facade import new_run_id
from swarm._cli import console
from swarm._cli.batch_begin import Begun, begin
from swarm._cli.batch_identity import forget
from swarm._cli.batch_rows import Row, RowSet, count_lines, open_rows, read_rows
from swarm._cli.batch_window import run_rows
from swarm._cli.batch_work import RowWork, columns_of, expectation_of
from swarm._cli.exits import FAILED, INTERRUPTED, OK
from swarm._cli.progress import Progress
from swarm._cli.recording import Recorder
from swarm._cli.session import Session
from swarm._cli.settings import Settings
from swarm._cli.tally import Tally, show_tally

__all__ = ["run_batch"]
