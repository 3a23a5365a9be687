"""What kind of act a scenario breaks off in, told from its last words: the class of its lock-in."""

import re
from typing import Literal

from extract.trait import LockIn, Pair

Ending = Literal["speech", "mid_claim", "thought", "written", "deflection"]

_CLAUSES = re.compile(r"[,.;:!?]+(?=\s|$)")
_WROTE = re.compile(
    r"\b(?:wr(?:ite|ote|iting)|typ(?:e|ed|ing)|noted down|jotted|scribbled|emailed|texted|checked the box)\b",
    re.IGNORECASE,
)
_THOUGHT = re.compile(
    r"\b(?:thought|thinking|figuring|wondered|wondering|in my head|in my mind|to myself|told myself|mentally)\b",
    re.IGNORECASE,
)
_DEFLECTED = re.compile(
    r"\b(?:chang(?:e|ed|ing) the subject|(?:steered|turned) (?:the talk|us|it) to|moved on to|brought up|"
    r"started talking about)\b",
    re.IGNORECASE,
)


def ending_of(scenario: str) -> Ending | None:
    """The class that the last words show; None where they show none, as those of acts and gestures do."""
    outside, mark, inside = _split_open_quote(scenario)
    clause = _last_clause(outside)
    if _DEFLECTED.search(clause):
        return "deflection"
    if _THOUGHT.search(clause):
        return "thought"
    if not mark:
        return None
    if _WROTE.search(clause):
        return "written"
    return "mid_claim" if inside.strip() else "speech"


def lock_in_of(pair: Pair) -> LockIn:
    """The pair's lock-in type as it is written down, else as both sides' endings show it; `other` where they do not."""
    if pair.lock_in != "other":
        return pair.lock_in
    one, other = ending_of(pair.positive), ending_of(pair.negative)
    return one if one is not None and one == other else "other"


def _split_open_quote(scenario: str) -> tuple[str, str, str]:
    """What stands before an open quote, the mark, and what stands in it; all of the text where none is open."""
    text = scenario.translate(str.maketrans("“”„", '"""'))
    return text.rpartition('"') if text.count('"') % 2 == 1 else (text, "", "")


def _last_clause(text: str) -> str:
    return next((part for part in reversed(_CLAUSES.split(text)) if part.strip()), "")
