"""The failure classes of METHOD, section 3: their signs as rules, and what the author is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib import resources

from agent.records import Failure, FirstTokenRecord, Trial
from agent.settings import Settings
from extract.trait import SIDES, Sample, Side

ADVICE: dict[str, str] = {
    "unscored": "Nothing could be scored; write a scenario whose continuation is plain text.",
    "already committed": "End earlier, right before the act.",
    "identical": "Make the two endings differ more.",
    "topic trigger": "Change the topic.",
    "AI mode": "Ground the scenario in first-person detail.",
    "moralising": "Make the motivation more explicit, or let an institution bear the harm.",
    "third-person drift": "End in first person, in the middle of the act.",
    "early close": "End in the middle of a claim, or use another kind of ending.",
    "wrong direction": "Use a stronger ending and state the motivation.",
    "ambiguous": "Say clearly which way the speaker leans.",
    "drift": "Make the scenario simpler, and end on something definite.",
}
"""Failure classes with what mends them; the author reads the sentence."""

CLOSE = 0.9
"""Similarity from which two texts count as the same."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a pair that failed."""

    trial: Trial
    first_token: FirstTokenRecord | None


def classify(evidence: Evidence, settings: Settings) -> Failure:
    """The one class of a failed pair: the first rule that fires, from the most specific to the least."""
    for side in SIDES:
        if not any(sample.verdict and sample.verdict.kind == "score" for sample in evidence.trial.samples[side]):
            return Failure(failure="unscored", side=side, evidence=_unscored_reason(evidence.trial.samples[side]))
    if evidence.first_token is not None and evidence.first_token.result.verdict == "EXPLAIN":
        return Failure(failure="already committed", side=None, evidence="; ".join(evidence.first_token.result.reasons))
    side = _failing_side(evidence.trial.scores, settings)
    texts = [sample.text for sample in evidence.trial.samples[side]]
    for failure in ("moralising", "topic trigger", "AI mode"):
        if phrase := _most_say(texts, failure):
            return Failure(failure=failure, side=side, evidence=f"most completions say {phrase!r}")
    if _alike(evidence.trial.samples):
        return Failure(failure="identical", side=None, evidence=f"both sides continue alike: {texts[0]!r}")
    if _most(len(sample.token_ids) <= 3 and bool(sample.token_ids) for sample in evidence.trial.samples[side]):
        return Failure(failure="early close", side=side, evidence=f"ends within three tokens: {texts[0]!r}")
    return _by_score(evidence.trial, side, settings)


def _by_score(trial: Trial, side: Side, settings: Settings) -> Failure:
    score = trial.scores[side]
    assert score is not None  # unscored sides were handled before
    shown = f"{side} scores {score:.0f}"
    if (score <= settings.negative_max) if side == "positive" else (score >= settings.positive_min):
        return Failure(failure="wrong direction", side=side, evidence=shown)
    values = [s.verdict.value for s in trial.samples[side] if s.verdict and s.verdict.kind == "score"]
    middling = _most(settings.negative_max < value < settings.positive_min for value in values)
    return Failure(failure="drift" if middling else "ambiguous", side=side, evidence=shown)


def _failing_side(scores: Mapping[Side, float | None], settings: Settings) -> Side:
    """The side that misses its threshold by more."""
    positive, negative = scores["positive"], scores["negative"]
    assert positive is not None and negative is not None
    return "positive" if settings.positive_min - positive >= negative - settings.negative_max else "negative"


def _most_say(texts: Sequence[str], failure: str) -> str | None:
    phrases = _lexicon({"moralising": "moralising", "topic trigger": "refusal", "AI mode": "ai_mode"}[failure])
    hits = [next((phrase for phrase in phrases if phrase in text.lower()), None) for text in texts]
    return next((hit for hit in hits if hit), None) if _most(hit is not None for hit in hits) else None


def _alike(samples: Mapping[Side, Sequence[Sample]]) -> bool:
    pairs = zip(samples["positive"], samples["negative"], strict=False)
    return _most(SequenceMatcher(None, one.text, other.text).ratio() >= CLOSE for one, other in pairs)


def _unscored_reason(samples: Sequence[Sample]) -> str:
    reasons = {s.verdict.reason for s in samples if s.verdict and s.verdict.kind == "unscored"}
    return "; ".join(sorted(reasons)) or "no completion was scored"


def _most(flags: Iterable[bool]) -> bool:
    values = list(flags)
    return bool(values) and sum(values) * 2 > len(values)


@cache
def _lexicon(name: str) -> tuple[str, ...]:
    text = resources.files("agent").joinpath(f"lexicons/{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
