"""Who may use the page: whoever opened the link that the terminal showed, once, in one browser."""

import hmac
import secrets
import threading


class Session:
    """A link that works once, and the secrets of the browser that opened it."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self.csrf = secrets.token_urlsafe(32)
        """What every request that changes something must carry; only our own page knows it."""
        self._used = False
        self._lock = threading.Lock()

    def enter(self, token: str) -> str | None:
        """The cookie for the browser with the right token; None for a wrong one, and for a second use."""
        with self._lock:
            if self._used or not _same(token, self.token):
                return None
            self._used = True
            return self._cookie

    def knows(self, cookie: str | None) -> bool:
        """Whether a request comes from the browser that opened the link."""
        return self._used and cookie is not None and _same(cookie, self._cookie)

    def allows(self, csrf: str | None) -> bool:
        """Whether a request that changes something comes from our own page."""
        return csrf is not None and _same(csrf, self.csrf)

    @property
    def used(self) -> bool:
        """Whether a browser has opened the link."""
        return self._used


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
