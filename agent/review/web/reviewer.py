"""The review in the browser: a server in a thread of its own while the run waits here for what is decided."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from agent.errors import ReviewError
from agent.review.asking import open_review, review_deadline, time_out
from agent.review.layout import lay_out
from agent.review.schema import ReviewId
from agent.review.web import work
from agent.review.web.desk import Desk
from agent.review.web.session import Session
from agent.workshop import Workshop

FAREWELL_S = 4.0
"""Seconds that the page is given to hear how the run ended."""


class Open:
    """The review that waits now, for requests; used in the run's thread only, but for its key."""

    def __init__(self) -> None:
        self._sheet: work.Sheet | None = None
        self.handed_in = False

    @property
    def key(self) -> str | None:
        """The review's key; None while nothing waits."""
        sheet = self._sheet
        return sheet.id.key if sheet is not None else None

    def turn_to(self, sheet: work.Sheet | None) -> None:
        """Another review waits now, or none."""
        self._sheet, self.handed_in = sheet, False

    def look(self) -> work.View:
        """What the page shows."""
        return work.look(self._now())

    def decide(self, answer: work.Answer) -> dict[str, object]:
        """Take one answer over."""
        return work.decide(self._now(), answer)

    def decide_rest(self, rest: work.Rest) -> dict[str, object]:
        """Decide what is left."""
        return work.decide_rest(self._now(), rest)

    def hand_in(self, given: work.HandIn) -> None:
        """Close the review."""
        work.hand_in(self._now(), given)
        self.handed_in = True

    def _now(self) -> work.Sheet:
        assert self._sheet is not None  # the desk refuses requests while nothing waits
        return self._sheet


class WebReview:
    """Asks a person in the browser; one page for all reviews of this stretch of work."""

    def __init__(
        self, show_link: Callable[[str], None], stop_asked: Callable[[], bool] = lambda: False, port: int = 0
    ) -> None:
        """`port` 0 takes any that is free."""
        self._show_link = show_link
        self._stop_asked = stop_asked
        self._port = port
        self._desk, self._session, self._open = Desk(), Session(), Open()
        self._stop: Callable[[], None] | None = None

    def __call__(self, workshop: Workshop, id_: ReviewId) -> bool:
        """Wait until the review is handed in; False when the work is to stop before that."""
        sheet = work.Sheet(workshop, lay_out(workshop.board, id_))
        self._open.turn_to(sheet)
        self._desk.turn("waiting", id_.title)
        if self._stop is None:
            self._stop = self._serve()
        deadline = review_deadline(workshop, id_)
        try:
            while not self._open.handed_in:
                self._desk.serve()
                if self._stop_asked():
                    return False
                if deadline is not None and datetime.now(UTC) >= deadline:
                    time_out(workshop, open_review(workshop, sheet.shown), datetime.now(UTC))
                    return True
            return True
        finally:
            self._desk.turn("working")
            self._open.turn_to(None)

    def tell(self, doing: str) -> None:
        """Let the page say what the run does while nothing waits."""
        self._desk.turn("working", doing)

    def __enter__(self) -> "WebReview":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell the page that it is over, and stop the server."""
        self._desk.turn("ended", "The run has stopped; the terminal says how.")
        if self._stop is not None:
            if self._session.used:
                time.sleep(FAREWELL_S)
            self._stop()

    def _serve(self) -> Callable[[], None]:
        """Start the server on a free port of this machine; what stops it."""
        import uvicorn

        from agent.review.web.app import build_app

        listening = _listen(self._port)
        port = int(listening.getsockname()[1])
        app = build_app(self._desk, self._session, self._open, port)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        self._show_link(f"http://127.0.0.1:{port}/enter?token={self._session.token}")

        def stop() -> None:
            server.should_exit = True
            thread.join(timeout=FAREWELL_S)
            listening.close()

        return stop


def _listen(port: int) -> socket.socket:
    """A socket of this machine only; ReviewError where the port cannot be had."""
    listening = socket.socket()
    # A page that was just closed leaves its port in a state that refuses it for a minute otherwise.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise ReviewError(
            f"--port {port} cannot be used ({error}). Name another, or 0 for any that is free."
        ) from error
    listening.listen()
    return listening
