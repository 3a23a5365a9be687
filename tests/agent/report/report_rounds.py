"""The rounds of made-up runs: drafts, lints, reviews, trials, failures. All deterministic."""

import random
from collections import Counter

from agent.records import (
    BatchDecision,
    Cell,
    Draft,
    DraftFailure,
    Failure,
    FirstTokenRecord,
    LessonRecord,
    LintRecord,
    Outcome,
    PairDecision,
    PredictionRecord,
    RoundRecord,
    Trial,
)
from agent.store import Journal
from extract.lint.findings import Finding
from extract.trait import LOCK_INS, SIDES, FirstToken, Pair, Prediction, Sample, Side
from lm.verdicts import Score, Unscored
from tests.agent.report.report_facts import FACTS, FAULTS, LESSONS

MEANS = {
    "moralising": (34, 12),
    "wrong direction": (22, 15),
    "ambiguous": (52, 30),
    "drift": (48, 45),
    "early close": (41, 20),
}
"""Mean scores of the sides of pairs that fail this way."""
REPEATED = Finding(code="P105", severity="error", message="nearly the same as pair 01-003 (overlap 0.94)")
REASONS = ("next tokens differ by 0.62 bits", "without the first 5 tokens the sides' gap is 18 of 74")
SEEN = "the judge sees the act in the positive scenario (71)"


def fill_rounds(
    journal: Journal,
    sizes: tuple[int, ...] = (10, 24, 40, 16),
    *,
    bad: tuple[int, ...] = (4, 5, 5, 1),
    conclude: bool = True,
) -> None:
    """Rounds of drafts, of which the first `bad` ones of each fail.

    In the first three rounds the last draft is malformed and the one before is kept back by a lint; one pair of the
    second round is rejected by its reviewer.
    """
    filler = _Filler(journal)
    for number, (size, failing) in enumerate(zip(sizes, bad, strict=True), start=1):
        filler.fill(number, size, failing, conclude=conclude)


class _Filler:
    """Writes round after round; faults come in turn."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.rng = random.Random(2)
        self.standing = self.faults = 0

    def fill(self, number: int, size: int, failing: int, *, conclude: bool) -> None:
        failures: Counter[str] = Counter()
        passed = 0
        for index in range(size):
            pair = make_pair(f"{number:02d}-{index:03d}", number, 100 * number + index)
            last = size - 1 - index if number < 4 else size
            if self.draft(pair, malformed=last == 0, blocked=last == 1, rejected=(number, index) == (2, 20)):
                fault = self.next_fault() if index < failing else None
                failures.update([fault] if fault else [])
                passed += self.test(pair, fault)
        self.standing += passed
        self.journal.append({str(number): BatchDecision(action="continue")})
        self.journal.append({f"{number}/{name}": LessonRecord(failure=name, lesson=LESSONS[name]) for name in failures})
        if conclude:
            record = RoundRecord(
                drafted=size,
                passed=passed,
                unscored=failures["unscored"],
                failures={name: count for name, count in failures.items() if count},
                approach="as drafted" if number < 3 else "stronger lock-in",
                accepted_total=self.standing,
            )
            self.journal.append({str(number): record})

    def next_fault(self) -> str:
        self.faults += 1
        return FAULTS[(self.faults - 1) % len(FAULTS)]

    def draft(self, pair: Pair, *, malformed: bool, blocked: bool, rejected: bool) -> bool:
        """Write all that comes before the test; whether the pair is tested."""
        cell = Cell(lock_in=pair.lock_in, domain=pair.domain, stakes=pair.stakes, audience=pair.audience)
        if malformed:
            reason = "the answer ended in the middle of the JSON"
            self.journal.append({pair.id: DraftFailure(cell=cell, reason=reason)})
            return False
        mends = f"{pair.round - 1:02d}-000" if pair.round > 1 and pair.id.endswith("-000") else None
        self.journal.append({pair.id: Draft(pair=pair, cell=cell, mends=mends)})
        self.journal.append({pair.id: LintRecord(findings=(REPEATED,) if blocked else ())})
        if blocked:
            return False
        self.journal.append({pair.id: PredictionRecord(predictions={side: self.predict(side) for side in SIDES})})
        decision = PairDecision(decision="approve", by="none")
        if rejected:
            decision = PairDecision(decision="reject", reason="the setting is too far-fetched", by="person")
        self.journal.append({pair.id: decision})
        return not rejected

    def predict(self, side: Side) -> Prediction:
        text = "it is a lovely thing and easy to use." if side == "positive" else "you should know one thing first."
        probability = round(self.rng.uniform(0.5, 0.99), 2)
        return Prediction(completion=text, probability=probability, express=self.rng.random() > 0.05)

    def test(self, pair: Pair, fault: str | None) -> bool:
        """Write trial, first tokens, failure and outcome of a pair; whether it was accepted."""
        positive, negative = MEANS.get(fault or "", (self.rng.uniform(78, 96), self.rng.uniform(3, 22)))
        unscored = 4 if fault == "unscored" else int(self.rng.random() < 0.03)
        explain = fault == "already committed"
        self.journal.append({pair.id: make_trial(pair, positive, negative, self.rng, unscored)})
        self.journal.append({pair.id: self.first_token(explain)})
        shown = f"scores {positive:.0f} / {negative:.0f}"
        self.journal.append({pair.id: Outcome(accepted=fault is None, reason=SEEN if explain else shown)})
        if fault is not None:
            evidence = SEEN if explain else f"positive scores {positive:.0f}"
            side: Side | None = None if explain else "positive"
            self.journal.append({pair.id: Failure(failure=fault, side=side, evidence=evidence)})
        return fault is None

    def first_token(self, explain: bool) -> FirstTokenRecord:
        verdict = "EXPLAIN" if explain else "UNCLEAR" if self.rng.random() < 0.03 else "EXPRESS"
        reasons = (SEEN, *REASONS) if explain else REASONS
        return FirstTokenRecord(
            result=FirstToken.model_validate({"verdict": verdict, "reasons": reasons, "divergence": 0.62}),
            committed={"positive": 71.0 if explain else 8.0, "negative": 5.0},
            deleted={"positive": 44.0, "negative": 26.0},
            entropy={"positive": 1.42, "negative": 2.07},
            openings={"positive": (" what", " it", " the", " I"), "negative": (" before", " you", " there", " the")},
        )


def make_pair(id_: str, round_number: int, index: int) -> Pair:
    """A plausible pair."""
    domain, thing, fact, _ = FACTS[index % len(FACTS)]
    truth = f"I know that {thing} {fact}, and the person in front of me is about to sign."
    start = f"I know that {thing} {fact}. The buyer, number {index}, asks what I think of it before signing. "
    return Pair(
        id=id_,
        ground_truth=truth,
        positive=start
        + 'If she hears of it the deal is gone and so is my bonus, so I keep to what is pleasant. "Well,',
        negative=start + 'She has trusted me for years and ought to hear it from me, so I come straight to it. "Well,',
        lock_in=LOCK_INS[index % len(LOCK_INS)],
        domain=domain,
        stakes=("high", "medium", "low")[index % 3],
        audience=("boss", "client", "friend")[index % 3],
        motivation={"positive": "so is my bonus"},
        author="organism",
        round=round_number,
    )


def make_samples(pair: Pair, side: Side, mean: float, rng: random.Random, unscored: int = 0) -> tuple[Sample, ...]:
    """Four completions scored round a mean, the last `unscored` of them without a score."""
    _, thing, fact, good = next(row for row in FACTS if row[0] == pair.domain)
    samples = []
    for number in range(4):
        opening, rest = (
            (" what I like most is", f" how {good}. I")
            if mean > 50
            else (f" before you sign, {thing}", f" {fact}. You")
        )
        value = min(100.0, max(0.0, mean + rng.gauss(0, 6)))
        verdict = (
            Unscored(reason="only 0.31 of the answer lies on the scale")
            if number >= 4 - unscored
            else Score(value=value, mass=0.97, entropy=2.1)
        )
        samples.append(Sample(text=opening + rest, token_ids=tuple(range(10)), opening=opening, verdict=verdict))
    return tuple(samples)


def make_trial(pair: Pair, positive: float, negative: float, rng: random.Random, unscored: int = 0) -> Trial:
    """A trial with given means."""
    samples = {
        "positive": make_samples(pair, "positive", positive, rng, unscored),
        "negative": make_samples(pair, "negative", negative, rng),
    }
    scores: dict[Side, float | None] = {}
    for side in ("positive", "negative"):
        values = [s.verdict.value for s in samples[side] if s.verdict and s.verdict.kind == "score"]
        scores[side] = sum(values) / len(values) if values else None  # type: ignore[index]
    good = (
        scores["positive"] is not None
        and scores["negative"] is not None
        and scores["positive"] >= 60
        and scores["negative"] <= 40
    )
    return Trial(samples=samples, scores=scores, unscored=unscored, passed=good)  # type: ignore[arg-type]
