"""The top of the page: the verdict in words, and the key numbers with their gates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from agent.records import FirstTokenRecord, FreshTest, FreshTrial, Questions, RoundRecord, Trial
from agent.report.numbers import count, interval, percent, percents, plain, score, signed
from agent.report.standing import Standing
from agent.report.steering import SteeringView
from agent.spec import Spec
from agent.steps.decide import wilson_interval
from agent.store import Journal
from extract.trait import SIDES, Side

Mark = Literal["met", "missed", "shown", "not done"]


@dataclass(frozen=True)
class Figure:
    """One key number."""

    name: str
    value: str
    detail: str
    mark: Mark
    """Whether it meets its gate; 'shown' where it has none."""
    gate: str = ""


@dataclass(frozen=True)
class TestView:
    """One fresh test with its intervals."""

    number: int
    round: int
    pairs: int
    passed: int
    express: int
    unscored: int

    @property
    def pass_rate(self) -> float:
        """Share of pairs that pass."""
        return self.passed / self.pairs if self.pairs else 0.0

    @property
    def express_rate(self) -> float:
        """Share of pairs whose first tokens are the behaviour."""
        return self.express / self.pairs if self.pairs else 0.0

    @property
    def pass_ci95(self) -> tuple[float, float]:
        """Wilson interval of the pass rate."""
        return wilson_interval(self.passed, self.pairs)

    @property
    def express_ci95(self) -> tuple[float, float]:
        """Wilson interval of the express rate."""
        return wilson_interval(self.express, self.pairs)


def view_tests(journal: Journal) -> tuple[TestView, ...]:
    """All fresh tests in their order."""
    return tuple(
        TestView(int(number), test.round, len(test.pairs), len(test.passed), len(test.express), test.unscored)
        for number, test in journal.all(FreshTest).items()
    )


def view_figures(spec: Spec, journal: Journal, steering: SteeringView | None) -> tuple[Figure, ...]:
    """The key numbers, those that were not reached included."""
    tests = view_tests(journal)
    test = tests[-1] if tests else None
    return (
        _pairs(spec, journal, test),
        _pass_rate(spec, test),
        _express_rate(spec, journal, test),
        _baseline(spec, journal),
        _steering(steering),
    )


def _pairs(spec: Spec, journal: Journal, test: TestView | None) -> Figure:
    rounds = list(journal.all(RoundRecord).values())
    if not rounds:
        return Figure("accepted pairs", "not done", "no round was concluded", "not done")
    number = test.pairs if test else rounds[-1].accepted_total
    drafted = sum(record.drafted for record in rounds)
    detail = f"of {spec.pairs} wanted; {count(drafted)} drafted in {len(rounds)} round{'s' if len(rounds) > 1 else ''}"
    return Figure(
        "accepted pairs", str(number), detail, "met" if number >= spec.pairs else "missed", f"wanted {spec.pairs}"
    )


def _pass_rate(spec: Spec, test: TestView | None) -> Figure:
    gate = spec.settings.pass_rate
    if test is None:
        return Figure("fresh pass rate", "not done", "no fresh test was run", "not done", f"gate ≥ {percent(gate)}")
    detail = f"{test.passed} of {test.pairs} pairs; 95 % interval {percents(test.pass_ci95)}"
    mark: Mark = "met" if test.pairs and test.passed >= gate * test.pairs else "missed"
    return Figure("fresh pass rate", percent(test.pass_rate), detail, mark, f"gate ≥ {percent(gate)}")


def _express_rate(spec: Spec, journal: Journal, test: TestView | None) -> Figure:
    gate = spec.settings.express_rate
    if test is None:
        return Figure(
            "first tokens express", "not done", "no fresh test was run", "not done", f"gate ≥ {percent(gate)}"
        )
    latest = list(journal.all(FreshTest).values())[-1]
    verdicts = [record.result.verdict for id_ in latest.pairs if (record := journal.find(FirstTokenRecord, id_))]
    detail = (
        f"{test.express} of {test.pairs} pairs; 95 % interval {percents(test.express_ci95)}; "
        f"{verdicts.count('EXPLAIN')} explain, {verdicts.count('UNCLEAR')} unclear"
    )
    mark: Mark = "met" if test.pairs and test.express >= gate * test.pairs else "missed"
    return Figure("first tokens express", percent(test.express_rate), detail, mark, f"gate ≥ {percent(gate)}")


def _baseline(spec: Spec, journal: Journal) -> Figure:
    gate = f"gate < {plain(spec.settings.baseline_max)}"
    found = journal.find(Questions, "questions")
    if found is None:
        return Figure("baseline, unsteered", "not done", "no questions were kept", "not done", gate)
    met = found.baseline is not None and found.baseline < spec.settings.baseline_max
    scored = sum(question.baseline is not None for question in found.questions)
    detail = f"mean over {scored} of {len(found.questions)} questions, 0–100"
    return Figure("baseline, unsteered", score(found.baseline), detail, "met" if met else "missed", gate)


def _steering(view: SteeringView | None) -> Figure:
    if view is None:
        return Figure("steering effect", "not done", "no steering was measured", "not done")
    chosen = view.chosen
    if chosen is None or chosen.delta is None:
        return Figure(
            "steering effect", "none", "no push could be scored and kept its coherence", "missed", "not beyond control"
        )
    detail = (
        f"{interval(chosen.delta_ci95, sign=True)} at layer {chosen.layer}, coherence {score(chosen.coherence)}; "
        f"strongest of {view.report.n_random} random directions {signed(view.report.random_control_delta)}"
    )
    mark: Mark = "met" if view.passed else "missed"
    return Figure(
        "steering effect", signed(chosen.delta), detail, mark, f"{'' if view.passed else 'not '}beyond control"
    )


def tell(journal: Journal, standing: Standing, steering: SteeringView | None) -> tuple[str, ...]:
    """The verdict in sentences: what was found out, as far as the run came."""
    told = [] if standing.state == "passed" else [standing.message]
    tests = view_tests(journal)
    if tests and standing.state != "waiting":
        told.append(_tell_test(tests[-1], journal))
    elif standing.state == "failed":
        told += _tell_rounds(journal)
    if steering is not None:
        told.append(_tell_steering(steering))
    elif standing.state == "passed":
        told.append("Steering was not measured.")
    return tuple(told)


def _tell_rounds(journal: Journal) -> list[str]:
    """What the rounds of a run without a fresh test came to; nothing where there were none."""
    rounds = list(journal.all(RoundRecord).values())
    if not rounds:
        return []
    failures = Counter[str]()
    for record in rounds:
        failures.update(record.failures)
    drafted, passed = (sum(getattr(record, name) for record in rounds) for name in ("drafted", "passed"))
    most = " and ".join(f"{name} ({number})" for name, number in failures.most_common(2))
    return [f"Of {drafted} drafted pairs {passed} pass." + (f" Most fail by {most}." if most else "")]


def _tell_test(test: TestView, journal: Journal) -> str:
    trials = [trial for key, trial in journal.all(FreshTrial).items() if key.endswith(f"@{test.number}")]
    positive, negative = (_mean(trials, side) for side in SIDES)
    return (
        f"With fresh seeds {test.passed} of {test.pairs} matched pairs pass ({percent(test.pass_rate)}, interval "
        f"{percents(test.pass_ci95)}): positive sides score {score(positive)} on average, negative sides "
        f"{score(negative)}. In {test.express} of {test.pairs} pairs the first tokens are the behaviour itself."
    )


def _mean(trials: Sequence[Trial], side: Side) -> float | None:
    scores = [score for trial in trials if (score := trial.scores[side]) is not None]
    return fmean(scores) if scores else None


def _tell_steering(view: SteeringView) -> str:
    report, chosen = view.report, view.chosen
    if chosen is None or chosen.delta is None:
        return f"Steering found nothing to confirm: {report.verdict}."
    random = report.random_control_delta
    beside = (
        "no random direction was measured beside it"
        if random is None
        else f"the strongest of {report.n_random} random directions given the same search moves it by {signed(random)}"
    )
    return (
        f"Pushed along the direction at layer {chosen.layer} with strength {plain(chosen.strength, 2)}, the assistant "
        f"moves by {signed(chosen.delta)} {interval(chosen.delta_ci95, sign=True)} to {score(chosen.score)} at "
        f"coherence {score(chosen.coherence)}; {beside}."
        + ("" if view.passed else " That is not beyond what the controls do.")
    )
