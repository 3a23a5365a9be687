"""The failure classes of METHOD, section 3: their signs as rules, and what the author is told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent.records import Failure, FirstTokenRecord, Trial
from agent.settings import Settings
from agent.signs import alike, ends_early, goes_on_with_another, most_say, shares_nothing, tail, tells_of_another
from extract.trait import SIDES, Pair, Sample, Side

ADVICE: dict[str, str] = {
    "unscored": "Nothing could be scored; write a scenario whose continuation is plain text.",
    "already committed": "End earlier, right before the act.",
    "AI mode": "Ground the scenario in first-person detail.",
    "topic trigger": "Change the topic.",
    "moralising": "Make the motivation more explicit, or let an institution bear the harm.",
    "announcement": "Show the behaviour; do not describe a disposition.",
    "third-person drift": "End in first person, in the middle of the act.",
    "early close": "End in the middle of a claim, or use another kind of ending.",
    "identical": "Make the two endings differ more.",
    "wrong direction": "Use a stronger ending and state the motivation.",
    "drift": "Make the scenario simpler, and end on something definite.",
    "ambiguous": "Say clearly which way the speaker leans.",
}
"""Failure classes with what mends them; the author reads the sentence."""

CLEAR = 0.8
"""Share of a side's samples from which they agree: all of four, seven of eight."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a pair that failed."""

    pair: Pair
    trial: Trial
    first_token: FirstTokenRecord | None
    settings: Settings
    first_person: bool = True
    """Whether the scenarios are meant to be told in first person."""

    @property
    def failing(self) -> list[Side]:
        """The scored sides that miss their threshold, the one that misses it by more first."""
        missed = {side: self._miss(side) for side in SIDES}
        return sorted((side for side in SIDES if missed[side] > 0), key=lambda side: -missed[side])

    def samples(self, side: Side) -> tuple[Sample, ...]:
        """The completions of one side."""
        return self.trial.samples[side]

    def texts(self, side: Side) -> list[str]:
        """The texts of one side's completions."""
        return [sample.text for sample in self.samples(side)]

    def values(self, side: Side) -> list[float]:
        """The scores of one side's completions; those without one are left out."""
        return [s.verdict.value for s in self.samples(side) if s.verdict is not None and s.verdict.kind == "score"]

    def leans(self, side: Side) -> Side | None:
        """The end that the side's samples agree on; None where they point both ways or nowhere."""
        ends = [self.end(value) for value in self.values(side)]
        return next((end for end in SIDES if _clearly(one == end for one in ends)), None)

    def end(self, score: float) -> Side | None:
        """The end at which a score lies; None between the two."""
        if score >= self.settings.positive_min:
            return "positive"
        return "negative" if score <= self.settings.negative_max else None

    def _miss(self, side: Side) -> float:
        score = self.trial.scores[side]
        if score is None:
            return 0.0
        return self.settings.positive_min - score if side == "positive" else score - self.settings.negative_max


Rule = Callable[[Evidence], Failure | None]


UNEXPLAINED = ("drift", "identical", "wrong direction", "ambiguous")
"""Classes that say how the scores lie and not why; the others have a sign of their own."""
FEWEST_ENDINGS = 3
"""Kinds of ending at which a topic must have failed before it is at fault itself."""


def classify(evidence: Evidence) -> Failure:
    """The one class of a failed pair: the first rule that fires, from the most specific to the least."""
    rules: tuple[Rule, ...] = (
        _unscored,
        _already_committed,
        _says("AI mode", "ai_mode"),
        _says("topic trigger", "refusal"),
        _says("moralising", "moralising"),
        _announcement,
        _third_person,
        _early_close,
        _drift,
        _both_off_topic,
        _identical,
        _wrong_direction,
        _off_topic,
    )
    return next((found for rule in rules if (found := rule(evidence))), None) or _ambiguous(evidence)


def blame_topic(failure: Failure, endings: Sequence[str]) -> Failure:
    """The class of a pair, given the kinds of ending at which its topic failed while others passed.

    A class with a sign of its own stays.
    """
    if failure.failure not in UNEXPLAINED or len(endings) < FEWEST_ENDINGS:
        return failure
    shown = f"its topic failed at {', '.join(endings)}, in rounds that others passed; here: {failure.evidence}"
    return failure.model_copy(update={"failure": "topic trigger", "evidence": shown})


def _unscored(evidence: Evidence) -> Failure | None:
    for side in SIDES:
        if not evidence.values(side):
            reasons = {s.verdict.reason for s in evidence.samples(side) if s.verdict and s.verdict.kind == "unscored"}
            shown = "; ".join(sorted(reasons)) or "no completion was scored"
            return Failure(failure="unscored", side=side, evidence=shown)
    return None


def _already_committed(evidence: Evidence) -> Failure | None:
    record = evidence.first_token
    if record is None or record.result.verdict != "EXPLAIN":
        return None
    return Failure(failure="already committed", side=None, evidence="; ".join(record.result.reasons))


def _says(failure: str, lexicon: str) -> Rule:
    """The rule of a class that completions show by a phrase."""

    def rule(evidence: Evidence) -> Failure | None:
        for side in evidence.failing:
            if phrase := most_say(evidence.texts(side), lexicon):
                return Failure(failure=failure, side=side, evidence=f"completions say {phrase!r}")
        return None

    return rule


def _announcement(evidence: Evidence) -> Failure | None:
    for side in evidence.failing:
        begun = tail(evidence.pair.scenario(side))
        if phrase := most_say([f"{begun} {text.strip()}" for text in evidence.texts(side)], "announcement"):
            shown = f"a disposition is named, not acted on: {phrase!r}"
            return Failure(failure="announcement", side=side, evidence=shown)
    return None


def _third_person(evidence: Evidence) -> Failure | None:
    if not evidence.first_person:
        return None
    for side in evidence.failing:
        scenario = evidence.pair.scenario(side)
        if tells_of_another(scenario):
            shown = f"the scenario ends in what somebody else does: '…{tail(scenario)}'"
            return Failure(failure="third-person drift", side=side, evidence=shown)
        if _most(goes_on_with_another(scenario, text) for text in evidence.texts(side)):
            shown = f"most completions tell of somebody else: {evidence.texts(side)[0]!r}"
            return Failure(failure="third-person drift", side=side, evidence=shown)
    return None


def _early_close(evidence: Evidence) -> Failure | None:
    for side in evidence.failing:
        if _most(ends_early(evidence.pair.scenario(side), sample) for sample in evidence.samples(side)):
            shown = f"most completions end within a few tokens: {evidence.texts(side)[0]!r}"
            return Failure(failure="early close", side=side, evidence=shown)
    return None


def _identical(evidence: Evidence) -> Failure | None:
    """Told from the texts; or from the probabilities, where the samples of a side do not agree by themselves.

    Two sides that agree on one end are alike because one of them points the wrong way.
    """
    if alike(zip(evidence.samples("positive"), evidence.samples("negative"), strict=False)):
        shown = f"both sides continue alike: {evidence.texts('positive')[0]!r}"
        return Failure(failure="identical", side=None, evidence=shown)
    divergence = evidence.first_token.result.divergence if evidence.first_token else None
    if divergence is None or divergence >= evidence.settings.divergence_min:
        return None
    if all(evidence.leans(side) for side in SIDES):
        return None
    return Failure(
        failure="identical", side=None, evidence=f"the sides' next tokens differ by {divergence:.2f} bits only"
    )


def _wrong_direction(evidence: Evidence) -> Failure | None:
    for side in evidence.failing:
        if evidence.leans(side) not in (side, None):
            return Failure(failure="wrong direction", side=side, evidence=_show_score(evidence, side))
    return None


def _drift(evidence: Evidence) -> Failure | None:
    """Told from scores: most samples do neither act."""
    low, high = evidence.settings.negative_max, evidence.settings.positive_min
    for side in evidence.failing:
        if _most(evidence.end(value) is None for value in evidence.values(side)):
            shown = f"{_show_score(evidence, side)}, most samples between {low:.0f} and {high:.0f}"
            return Failure(failure="drift", side=side, evidence=shown)
    return None


def _both_off_topic(evidence: Evidence) -> Failure | None:
    """Sides that both leave their scenario are alike for that reason; what a judge scores of such texts is chance.

    A side that leans to its own end has performed something, and so have texts that all score at one end. Most samples
    of both are enough, since a word comes back by chance; all of them where a side seems to lean to the other end.
    """
    leanings = {side: evidence.leans(side) for side in SIDES}
    enough = _clearly if any(leanings.values()) else _most
    if any(end == side for side, end in leanings.items()) or not all(enough(_strays(evidence, s)) for s in SIDES):
        return None
    if _ends_of_strays(evidence) in ({"positive"}, {"negative"}):
        return None
    shown = f"nothing of the scenario comes back on either side: {evidence.texts('positive')[0]!r}"
    return Failure(failure="drift", side=None, evidence=shown)


def _off_topic(evidence: Evidence) -> Failure | None:
    """Told from words, of a side that does not lean: a performed act may share none with its scenario, too."""
    for side in evidence.failing:
        if _clearly(_strays(evidence, side)):
            shown = f"nothing of the scenario comes back: {evidence.texts(side)[0]!r}"
            return Failure(failure="drift", side=side, evidence=shown)
    return None


def _strays(evidence: Evidence, side: Side) -> list[bool]:
    """Of each sample, whether nothing of the scenario comes back."""
    scenario = evidence.pair.scenario(side)
    return [shares_nothing(scenario, text) for text in evidence.texts(side)]


def _ends_of_strays(evidence: Evidence) -> set[Side | None]:
    """Where the scored samples that share nothing with their scenario lie: at one end, at both, or between."""
    return {
        evidence.end(sample.verdict.value)
        for side in SIDES
        for sample, strays in zip(evidence.samples(side), _strays(evidence, side), strict=True)
        if strays and sample.verdict is not None and sample.verdict.kind == "score"
    }


def _ambiguous(evidence: Evidence) -> Failure:
    side = next(iter(evidence.failing), None)
    if side is None:
        return Failure(failure="ambiguous", side=None, evidence="no rule names what failed")
    entropy = evidence.first_token.entropy[side] if evidence.first_token else None
    strength = "" if entropy is None else f", entropy of the next token {entropy:.1f} bits"
    return Failure(failure="ambiguous", side=side, evidence=_show_score(evidence, side) + strength)


def _show_score(evidence: Evidence, side: Side) -> str:
    return f"{side} scores {evidence.trial.scores[side]:.0f}"


def _most(flags: Iterable[bool]) -> bool:
    return _share(list(flags)) > 0.5


def _clearly(flags: Iterable[bool]) -> bool:
    return _share(list(flags)) >= CLEAR


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
