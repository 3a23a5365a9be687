"""A run in a thread of its own that waits for a page, as `traitsmith review RUN --web` has it."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agent.checkpoints import Watcher
from agent.engine import Result, work
from agent.folder import RunFolder
from agent.review.web.reviewer import WebReview


@dataclass
class WebRun:
    """The thread, the link it showed, and how it ended."""

    link: str
    thread: threading.Thread
    ends: list[Result] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.link.split("/enter")[0]

    def end(self) -> str:
        self.thread.join(timeout=280)
        assert self.ends, "the run has not ended"
        return self.ends[0].end


@contextmanager
def waiting_for_page(folder: RunFolder) -> Iterator[WebRun]:
    """Work on a run until its page is up; the run is stopped at the end."""
    links: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    ends: list[Result] = []

    def play() -> None:
        with WebReview(links.put, stop.is_set) as reviewer:
            ends.append(asyncio.run(work(folder, Watcher(), reviewer)))

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield WebRun(links.get(timeout=280), thread, ends)
    finally:
        stop.set()
        thread.join(timeout=280)
