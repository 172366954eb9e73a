"""A polite request to end (SIGTERM) is treated as Ctrl-C: what runs is cancelled, files are closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["term_is_ctrl_c"]


@contextmanager
def term_is_ctrl_c() -> Generator[None]:
    """Treat SIGTERM as Ctrl-C meanwhile; where Ctrl-C is ignored, SIGTERM stays as it is.

    Only the main thread may say what a signal means; in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread() or _is_ctrl_c_ignored():
        yield
        return
    before = signal.signal(signal.SIGTERM, _press_ctrl_c)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _press_ctrl_c(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


def _is_ctrl_c_ignored() -> bool:
    return signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None)
