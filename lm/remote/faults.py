"""From what an SDK raises to what it means: try again, stop, or a refusal. Knows both SDKs by their errors' shape."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lm.errors import ModelFailure
from lm.limits import Transient

_SPENT = ("insufficient_quota", "spend limit", "credit balance", "billing")
"""Words of a 429 or 400 that no waiting mends: the account has no money left."""
_REFUSALS = ("content_filter", "content_policy_violation", "invalid_prompt")
"""Codes of a 400 that is the provider's judgement of the text, not of the request's form."""
_FOR_GOOD = (501, 505)
"""What a server has not built it will not have built in a minute."""
_HINTS = {
    401: "Check the key in the environment.",
    403: "The key may not use this model.",
    404: "Check the model's name and the address; `traitsmith doctor` shows what is served.",
}
_WORDS = 500


class Refused(Exception):
    """The provider will not answer this text; a result, not an error."""


class Rejected(ModelFailure):
    """The provider says that a request is wrong; it would say so again."""


def fault_of(error: Exception, who: str, key: str) -> Exception:
    """What to raise for an error of an attempt; `key` never appears in its words."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 400:
        return _of_status(error, status, who, key)
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return Transient("time", "no answer within the time of one attempt")
    if isinstance(error, ValueError):
        return Transient("line", f"what came back is no answer ({type(error).__name__})")
    if type(error).__module__.split(".")[0] in ("openai", "anthropic", "httpx2", "httpx", "httpcore2", "httpcore"):
        return Transient("line", f"the connection failed ({_without(key, _cause(error))})")
    return error


def _of_status(error: Any, status: int, who: str, key: str) -> Exception:
    words, code = _without(key, _words(error)), str(getattr(error, "code", "") or "")
    spent = any(mark in f"{code} {words}".lower() for mark in _SPENT)
    if status == 400 and code in _REFUSALS:
        return Refused(words)
    if status == 429 and not spent:
        return Transient("rate", f"HTTP 429: {words}", _retry_after(error))
    if status in (408, 409, 425) or (status >= 500 and status not in _FOR_GOOD):
        return Transient("server" if status == 500 else "busy", f"HTTP {status}: {words}", _retry_after(error))
    hint = "The account cannot pay for it." if spent else _HINTS.get(status, "")
    return Rejected(f"{who} turned the request down (HTTP {status}): {words} {hint}".rstrip())


def _words(error: Any) -> str:
    """The provider's own sentence, wherever the body holds it."""
    body = getattr(error, "body", None)
    said = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(said, dict):
        said = said.get("message")
    return said if isinstance(said, str) and said.strip() else str(error)


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def _without(key: str, words: str) -> str:
    """The first of these words. The key goes before they are cut, so that no half of it is left at the end."""
    return (words.replace(key, "[key]") if key else words)[:_WORDS]


def _retry_after(error: Any) -> float | None:
    """Seconds that the server asks to wait, as a number or as a date."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        if (asked := headers.get("retry-after")) is None:
            return None
        if asked.strip().replace(".", "", 1).isdigit():
            return float(asked)
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
