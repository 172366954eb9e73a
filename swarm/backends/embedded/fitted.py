"""Models fitted in this process: each once, however many ask for it at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

__all__ = ["FittedModels"]

T = TypeVar("T")

KEPT = 32  # a graph has a handful; a service that is given new examples all day must not grow


class FittedModels:
    """A small cache of fitted models; the least recently used go first.

    Fitting runs in a thread, so that it holds no loop up, and goes on for the others when one who
    waits is cancelled. Loops and threads may share one of these.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._models: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    async def get(self, key: Hashable, fit: Callable[[], T]) -> T:
        """Return the model of `key`; the first to ask has it fitted. What `fit` raises, all get.

        A failed fit is forgotten, so that the next to ask tries again.
        """
        future = self._future(key, fit)
        if future.done():
            return cast("T", future.result())
        return cast("T", await asyncio.wrap_future(future))

    def _future(self, key: Hashable, fit: Callable[[], Any]) -> Future[Any]:
        with self._lock:
            known = self._models.get(key)
            if known is not None:
                self._models.move_to_end(key)
                return known
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()  # from here on no waiter can cancel it for the others
            self._models[key] = future
            while len(self._models) > self._kept:
                self._models.popitem(last=False)
        threading.Thread(target=self._fit, args=(key, fit, future), name="swarm fit", daemon=True).start()
        return future

    def _fit(self, key: Hashable, fit: Callable[[], Any], future: Future[Any]) -> None:
        try:
            model = fit()
        except BaseException as error:
            with self._lock:
                if self._models.get(key) is future:
                    del self._models[key]
            future.set_exception(error)
        else:
            future.set_result(model)
