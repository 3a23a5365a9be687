"""Step 7: is the behaviour in the first tokens of the completion (EXPRESS), or already in the scenario (EXPLAIN)?

Three signals, one verdict: the judge on the scenario alone, the delete test, and the subject's own probabilities. On
the organism's labels the first tells EXPLAIN from EXPRESS without a mistake, the other two do not tell them apart at
all (benchmarks/RESULTS.md). So the judge decides that, the probabilities decide whether the sides differ, and the
delete test is given as a reason only.
"""

import math
import re
from collections.abc import Mapping, Sequence
from statistics import fmean

from agent.records import FirstTokenRecord, PredictionRecord, Trial
from agent.settings import Settings
from agent.spec import Spec
from agent.steps.trial import as_judged
from extract.trait import SIDES, FirstToken, Pair, Side, Trait
from lm import Judge, Model, NextTokenRequest, NextTokens

TOP_TOKENS = 100
"""Next tokens looked at; the rest of the probability counts as one token that both sides share."""
SHOWN_TOKENS = 8
"""Likeliest first tokens kept for the report."""


async def examine_first_tokens(
    pairs: Sequence[Pair],
    trials: Mapping[str, Trial],
    subject: Model,
    judge: Judge,
    trait: Trait,
    spec: Spec,
    predicted: Mapping[str, PredictionRecord] | None = None,
) -> dict[str, FirstTokenRecord]:
    """The first-token verdict of each pair, with its signals; results by pair id.

    `predicted` is what the author expected; the subject's surprise at it is noted.
    """
    sides = [(pair, side) for pair in pairs for side in SIDES]
    nexts = await subject.next_tokens(
        [NextTokenRequest(prompt=pair.scenario(side), top=TOP_TOKENS) for pair, side in sides]
    )
    verdicts = await judge.score_committed(trait.rubric, trait.label, [pair.scenario(side) for pair, side in sides])
    deleted = await _score_without_opening(pairs, trials, judge, trait, spec.settings)
    by_side = {(pair.id, side): index for index, (pair, side) in enumerate(sides)}
    records = {}
    for pair in pairs:
        tokens = {side: nexts[by_side[pair.id, side]] for side in SIDES}
        committed: dict[Side, float | None] = {}
        for side in SIDES:
            verdict = verdicts[by_side[pair.id, side]]
            committed[side] = verdict.value if verdict.kind == "score" else None
        divergence = js_divergence(tokens["positive"].top, tokens["negative"].top)
        records[pair.id] = FirstTokenRecord(
            result=decide_verdict(committed, deleted[pair.id], trials[pair.id].scores, divergence, spec.settings),
            committed=committed,
            deleted=deleted[pair.id],
            entropy={side: _entropy(tokens[side]) for side in SIDES},
            openings={side: tuple(list(tokens[side].top)[:SHOWN_TOKENS]) for side in SIDES},
            surprise=_surprises(predicted.get(pair.id) if predicted else None, tokens),
        )
    return records


def decide_verdict(
    committed: Mapping[Side, float | None],
    deleted: Mapping[Side, float | None],
    scores: Mapping[Side, float | None],
    divergence: float,
    settings: Settings,
) -> FirstToken:
    """One verdict from the three signals, with reasons a person can check."""
    reasons = []
    begun = [side for side in SIDES if (committed[side] or 0) >= settings.committed_max]
    unknown = [side for side in SIDES if committed[side] is None]
    reasons += [f"the judge sees the act in the {side} scenario ({committed[side]:.0f})" for side in begun]
    reasons.append(f"next tokens differ by {divergence:.2f} bits")
    gap, rest = _gap(scores), _gap(deleted)
    if gap is not None and rest is not None:
        reasons.append(f"without the first {settings.deleted_tokens} tokens the sides' gap is {rest:.0f} of {gap:.0f}")
    verdict: str
    if begun:
        verdict = "EXPLAIN"
    elif unknown:
        reasons.append(f"the judge gave no score for the {' and '.join(unknown)} scenario")
        verdict = "UNCLEAR"
    else:
        verdict = "EXPRESS" if divergence >= settings.divergence_min else "UNCLEAR"
    return FirstToken.model_validate({"verdict": verdict, "reasons": tuple(reasons), "divergence": divergence})


def js_divergence(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Jensen-Shannon divergence in bits (0 to 1) of two sets of top log-probabilities.

    Probability outside the listed tokens counts as one shared token, so the result is a lower bound.
    """
    tokens = sorted(set(one) | set(other))  # a fixed order: sums of the same numbers, to the last bit
    p = [math.exp(one[token]) if token in one else 0.0 for token in tokens]
    q = [math.exp(other[token]) if token in other else 0.0 for token in tokens]
    p.append(max(0.0, 1 - sum(p)))
    q.append(max(0.0, 1 - sum(q)))
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return max(0.0, (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


async def _score_without_opening(
    pairs: Sequence[Pair], trials: Mapping[str, Trial], judge: Judge, trait: Trait, settings: Settings
) -> dict[str, dict[Side, float | None]]:
    """The delete test: mean score per side once the first tokens of every completion are removed.

    A completion whose tokens are not known is left out: it would be judged as it was.
    """
    items = [
        (pair, side, sample.text[len(sample.opening) :].strip())
        for pair in pairs
        for side in SIDES
        for sample in trials[pair.id].samples[side]
        if sample.opening
    ]
    verdicts = await judge.score_trait(
        trait.rubric, trait.label, [as_judged(pair, text, settings) for pair, _, text in items]
    )
    values: dict[tuple[str, Side], list[float]] = {}
    for (pair, side, _), verdict in zip(items, verdicts, strict=True):
        if verdict.kind == "score":
            values.setdefault((pair.id, side), []).append(verdict.value)
    return {
        pair.id: {side: fmean(values[pair.id, side]) if (pair.id, side) in values else None for side in SIDES}
        for pair in pairs
    }


def surprise_at(completion: str, tokens: NextTokens) -> float | None:
    """Bits of surprise if a text goes on as predicted, -log2 p of all likely tokens that begin it; None without any."""
    start = completion.strip()
    begins = [
        math.exp(value)
        for token, value in tokens.top.items()
        if (text := re.sub("[\u0120\u2581]", " ", token).strip()) and start.startswith(text)
    ]
    return -math.log2(min(sum(begins), 1.0)) if sum(begins) > 0 else None


def _surprises(predicted: PredictionRecord | None, tokens: Mapping[Side, NextTokens]) -> dict[Side, float | None]:
    if predicted is None:
        return {}
    return {side: surprise_at(one.completion, tokens[side]) for side, one in predicted.predictions.items()}


def _gap(scores: Mapping[Side, float | None]) -> float | None:
    positive, negative = scores["positive"], scores["negative"]
    return None if positive is None or negative is None else positive - negative


def _relative_entropy(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log2(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def _entropy(tokens: NextTokens) -> float:
    """Entropy of the listed tokens in bits; the rest counts as one token."""
    probabilities = [math.exp(value) for value in tokens.top.values()]
    probabilities.append(max(0.0, 1 - sum(probabilities)))
    return -sum(p * math.log2(p) for p in probabilities if p > 0)
