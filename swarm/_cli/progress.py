"""How far a long job is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from swarm._cli import console

__all__ = ["Progress"]

LINE_EVERY_S = 5.0
BAR_EVERY_S = 0.1


class Progress:
    """Counts rows and shows how many; use it in a `with`.

    Args:
        total: None when nobody knows. what: what is counted.
    """

    def __init__(self, total: int | None, *, what: str = "rows") -> None:
        self._total, self._what = total, what
        self._done = 0
        self._started = self._shown = time.monotonic()
        self._first = self._started  # when the first row was done
        self._ended: float | None = None
        self._closing = ExitStack()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if console.is_styled(sys.stderr):
            self._bar = self._closing.enter_context(_bar(sys.stderr))
            self._task = self._bar.add_task(self._what, total=self._total, failed="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def seconds(self) -> float:
        """Return how long it took, or takes so far."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def rate(self) -> float | None:
        """Return rows a second since the first was done: before it, experts are made ready."""
        took = (self._ended or time.monotonic()) - self._first
        return (self._done - 1) / took if self._done > 1 and took > 0 else None

    def step(self, *, failed: int = 0) -> None:
        """Count one more row."""
        self._done += 1
        now = time.monotonic()
        if self._done == 1:
            self._first = now
        if now - self._shown < (LINE_EVERY_S if self._bar is None else BAR_EVERY_S):
            return
        self._shown = now
        if self._bar is None:
            console.say(self._line(failed))
        else:
            self._update(failed)

    def tell(self, text: str) -> None:
        """Say something without breaking the bar."""
        if self._bar is None:
            console.say(text)
        else:
            self._bar.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Take the bar away; calling it twice is fine."""
        if self._ended is None:
            self._ended = time.monotonic()
        if self._bar is not None:
            self._update(0)
        self._closing.close()
        self._bar = None

    def _update(self, failed: int) -> None:
        note = f"{failed} failed" if failed else ""
        self._bar.update(self._task, completed=self._done, failed=note)

    def _line(self, failed: int) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        rate = self.rate
        left = ""
        if rate:
            left = f", {rate:,.0f} a second"
            left += f", {(self._total - self._done) / rate:.0f} s left" if self._total is not None else ""
        bad = f", {failed} failed" if failed else ""
        return f"{self._done:,}{of} {self._what}{left}{bad}"


def _bar(stream: Any) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s", style="cyan")

    return Bar(
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}", style="red"), console=console.rich_console(stream), transient=True,
    )  # fmt: skip
