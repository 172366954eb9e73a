"""How far a long job is: a bar or a spinner on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

from swarm._cli import console

__all__ = ["Progress", "working"]

LINE_EVERY_S = 5.0
BAR_EVERY_S = 0.1


class Progress:
    """Counts rows and shows how many; use it in a `with`.

    Args:
        total: None when nobody knows. what: what is counted. done: so many were done before, and
            count neither for the rate nor for the time. about: the total is an estimate.
        lines: say how far it is elsewhere than on a terminal, too.
    """

    def __init__(
        self,
        total: int | None,
        *,
        what: str = "rows",
        done: int = 0,
        about: bool = False,
        lines: bool = True,
    ) -> None:
        self._total, self._what, self._lines = total, what, lines
        self._about = "about " if about else ""
        self._before = self._done = done
        self._started = self._shown = time.monotonic()
        self._first = self._started  # when the first row was done
        self._ended: float | None = None
        self._closing = ExitStack()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if console.is_styled(sys.stderr):
            self._bar = self._closing.enter_context(_bar(sys.stderr))
            self._task = self._bar.add_task(
                self._what, total=self._total, completed=self._done, failed="", eta="", rate=""
            )
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
        fresh = self._done - self._before
        return (fresh - 1) / took if fresh > 1 and took > 0 else None

    @property
    def left_s(self) -> float | None:
        """Return how many seconds are left at this rate; None where nobody knows."""
        rate = self.rate
        return None if not rate or self._total is None else max(0.0, (self._total - self._done) / rate)

    def step(self, *, failed: int = 0) -> None:
        """Count one more row."""
        self._done += 1
        now = time.monotonic()
        if self._done == self._before + 1:
            self._first = now
        if now - self._shown < (LINE_EVERY_S if self._bar is None else BAR_EVERY_S):
            return
        self._shown = now
        if self._bar is not None:
            self._update(failed)
        elif self._lines:
            console.say(self._line(failed))

    def tell(self, text: str) -> None:
        """Say something without breaking the bar."""
        if self._bar is None:
            console.say(text)
        else:
            self._bar.console.print(text, markup=False, highlight=False)

    @contextmanager
    def aside(self) -> Generator[None]:
        """Take the bar away meanwhile: something is printed where it may be."""
        if self._bar is None:
            yield
            return
        self._bar.stop()
        yield
        self._bar.start()

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
        rate, left_s = self.rate, self.left_s
        self._bar.update(
            self._task, completed=self._done, failed=note, rate="" if rate is None else f"{rate:,.0f}/s",
            eta="" if left_s is None else f"{_span(left_s)} left",
        )  # fmt: skip

    def _line(self, failed: int) -> str:
        of = f" of {self._about}{self._total:,}" if self._total is not None else ""
        speed = f", {self.rate:,.0f} a second" if self.rate else ""
        left = f", {_span(self.left_s)} left" if self.left_s is not None else ""
        bad = f", {failed} failed" if failed else ""
        return f"{self._done:,}{of} {self._what}{speed}{left}{bad}"


@contextmanager
def working(text: str) -> Generator[None]:
    """Show meanwhile, on a terminal, that something is at work of which nobody knows how far it is."""
    if not console.is_styled(sys.stderr):
        yield
        return
    with console.rich_console(sys.stderr).status(f"  {text}"):
        yield


def _span(seconds: float) -> str:
    """Return a time as people say it."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, hours = round(whole / 60), whole // 3600
    return f"{minutes} min" if minutes < 120 else f"{hours} h {(whole % 3600) // 60} min"


def _bar(stream: Any) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", style="cyan"), TextColumn("{task.fields[eta]}", style="cyan"),
        TextColumn("{task.fields[failed]}", style="red"), console=console.rich_console(stream), transient=True,
    )  # fmt: skip
