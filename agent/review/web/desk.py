"""The desk between a page and a run: requests come from the server's threads, the work is done in the run's own.

The journal belongs to the thread that opened it, and two requests must never write a review at once; so each request
hands over a piece of work and waits for its result.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Phase = Literal["working", "waiting", "ended"]

PATIENCE_S = 60.0
"""Seconds that a request waits for its work."""
TURN_S = 0.2
"""Seconds after which the run looks up from an empty desk."""


class Closed(Exception):
    """Nothing waits for a decision now."""


class Desk:
    """Where requests leave work for the run's thread."""

    def __init__(self) -> None:
        self._work: queue.Queue[tuple[Callable[[], Any], Future[Any]]] = queue.Queue()
        self._lock = threading.Lock()
        self._phase: Phase = "working"
        self._message = ""

    @property
    def phase(self) -> tuple[Phase, str]:
        """Whether the run works, waits or has ended, and a word on it."""
        with self._lock:
            return self._phase, self._message

    def turn(self, phase: Phase, message: str = "") -> None:
        """Say what the run does now; work that nobody will do any more is refused."""
        with self._lock:
            self._phase, self._message = phase, message
            while phase != "waiting" and not self._work.empty():
                self._work.get_nowait()[1].set_exception(Closed())

    def ask(self, work: Callable[[], T]) -> T:
        """Have something done in the run's thread; Closed where nothing waits."""
        done: Future[T] = Future()
        with self._lock:
            if self._phase != "waiting":
                raise Closed()
            self._work.put((work, done))
        return done.result(timeout=PATIENCE_S)

    def serve(self) -> None:
        """Do one piece of work, or wait a moment for one. Errors go to whoever asked."""
        try:
            work, done = self._work.get(timeout=TURN_S)
        except queue.Empty:
            return
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)
