"""Steps 8 and 9: name why pairs failed, learn one lesson per class, and decide which pairs stand."""

from collections.abc import Mapping, Sequence

from agent.decisions import Lesson
from agent.failures import ADVICE, Evidence, blame_topic, classify
from agent.records import Draft, Failure, FirstTokenRecord, LessonRecord, Outcome, Trial
from agent.report.numbers import points
from agent.settings import Settings
from agent.spec import Spec
from agent.steps.authoring import ask_author
from agent.topics import Ended, failing_endings
from extract.trait import Pair, Trait
from lm import Model
from prompts.quoting import one_line

MOST_LESSONS = 12
"""Lessons of one round: a class at one kind of ending each."""


def analyse_failures(
    pairs: Sequence[Pair],
    trials: Mapping[str, Trial],
    first_tokens: Mapping[str, FirstTokenRecord],
    settings: Settings,
    earlier: Sequence[Ended] = (),
    *,
    first_person: bool,
) -> dict[str, Failure]:
    """One failure class for every pair that failed its test or its first tokens; by pair id.

    `first_person` says whether the scenarios are meant to be told so; `earlier` are the tested pairs of the run so far.
    """
    passed = {pair.id: decide_outcome(trials[pair.id], first_tokens.get(pair.id)).accepted for pair in pairs}
    ended = [*earlier, *(Ended(pair.round, pair.ground_truth, pair.lock_in, passed[pair.id]) for pair in pairs)]
    failures = {
        pair.id: classify(Evidence(pair, trials[pair.id], first_tokens.get(pair.id), settings, first_person))
        for pair in pairs
        if not passed[pair.id]
    }
    truths = {pair.id: pair.ground_truth for pair in pairs}
    return {id_: blame_topic(failure, failing_endings(truths[id_], ended)) for id_, failure in failures.items()}


def decide_outcome(trial: Trial, first_token: FirstTokenRecord | None) -> Outcome:
    """Cut ruthlessly: a pair stands when both sides pass and its first tokens are not mere continuation."""
    if not trial.passed:
        return Outcome(accepted=False, reason=f"scores {_show(trial)}")
    if first_token is not None and first_token.result.verdict == "EXPLAIN":
        return Outcome(accepted=False, reason="; ".join(first_token.result.reasons))
    return Outcome(accepted=True, reason=f"scores {_show(trial)}")


async def learn_lessons(
    author: Model,
    spec: Spec,
    trait: Trait,
    round_number: int,
    failures: Mapping[str, Failure],
    drafts: Mapping[str, Draft],
    trials: Mapping[str, Trial],
) -> dict[str, LessonRecord]:
    """A lesson per failure class and kind of ending, written by the author; keys are 'round/class/lock-in'.

    The most frequent ones, MOST_LESSONS at most.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for id_, found in failures.items():
        groups.setdefault((found.failure, drafts[id_].cell.lock_in), []).append(id_)
    kinds = sorted(groups, key=lambda kind: -len(groups[kind]))[:MOST_LESSONS]
    values = [
        {
            "trait": trait.label,
            "failure": failure,
            "advice": ADVICE[failure],
            "examples": _examples(groups[failure, lock_in], failures, drafts, trials),
        }
        for failure, lock_in in kinds
    ]
    keys = [f"{round_number}/{failure}/{lock_in}" for failure, lock_in in kinds]
    answers = await ask_author(author, spec, "write_lesson", values, Lesson, keys=keys)
    return {
        key: LessonRecord(failure=failure, lock_in=lock_in, lesson=answer.lesson)
        for key, (failure, lock_in), answer in zip(keys, kinds, answers, strict=True)
        if isinstance(answer, Lesson)
    }


def _examples(
    ids: Sequence[str], failures: Mapping[str, Failure], drafts: Mapping[str, Draft], trials: Mapping[str, Trial]
) -> str:
    lines = []
    for id_ in ids[:3]:
        side = failures[id_].side or "positive"
        lines.append(f"- {one_line(drafts[id_].pair.scenario(side))} … {one_line(trials[id_].samples[side][0].text)}")
    return "\n".join(lines)


def _show(trial: Trial) -> str:
    return " / ".join(map(points, trial.scores.values()))
