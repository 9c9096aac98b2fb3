"""Whose turn it is at the decoders: short turns before long ones, so that nobody's last words wait for others' long
speeches."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Turns:
    """`workers` threads. What waits is taken in the order in which it came, the short first."""

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="ears")
        self._short: deque[Callable[[], None]] = deque()
        self._long: deque[Callable[[], None]] = deque()

    async def take(self, work: Callable[..., Any], *arguments: Any, short: bool = False) -> Any:
        """What `work` gives, done in a thread; raises what it raises."""
        done: Future[Any] = Future()

        def turn() -> None:
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(work(*arguments))
                except BaseException as trouble:
                    done.set_exception(trouble)

        (self._short if short else self._long).append(turn)
        self._threads.submit(self._next)
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Nothing that waits is done any more; what is in progress is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _next(self) -> None:
        # There are as many calls of this as turns: one of the two is never empty.
        try:
            turn = self._short.popleft()
        except IndexError:
            turn = self._long.popleft()
        turn()
