"""Steps 8 and 9: name why pairs failed, learn one lesson per class, and decide which pairs stand."""

from collections import Counter
from collections.abc import Mapping, Sequence

from agent.decisions import Lesson
from agent.failures import ADVICE, Evidence, classify
from agent.records import Draft, Failure, FirstTokenRecord, LessonRecord, Outcome, Trial
from agent.settings import Settings
from agent.spec import Spec
from agent.steps.authoring import ask_author
from extract.trait import Pair, Trait
from lm import Model


def analyse_failures(
    pairs: Sequence[Pair],
    trials: Mapping[str, Trial],
    first_tokens: Mapping[str, FirstTokenRecord],
    settings: Settings,
    *,
    first_person: bool,
) -> dict[str, Failure]:
    """One failure class for every pair that failed its test or its first tokens; by pair id.

    `first_person` says whether the scenarios are meant to be told so.
    """
    return {
        pair.id: classify(Evidence(pair, trials[pair.id], first_tokens.get(pair.id), settings, first_person))
        for pair in pairs
        if not decide_outcome(trials[pair.id], first_tokens.get(pair.id)).accepted
    }


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
    """One lesson per failure class of the round, written by the author; keys are 'round/class'."""
    classes = [failure for failure, _ in Counter(f.failure for f in failures.values()).most_common()]
    values = [
        {
            "trait": trait.label,
            "failure": failure,
            "advice": ADVICE[failure],
            "examples": _examples(
                [id_ for id_, f in failures.items() if f.failure == failure], failures, drafts, trials
            ),
        }
        for failure in classes
    ]
    keys = [f"{round_number}/{failure}" for failure in classes]
    answers = await ask_author(author, spec, "write_lesson", values, Lesson, keys=keys)
    return {
        key: LessonRecord(failure=failure, lesson=answer.lesson)
        for key, failure, answer in zip(keys, classes, answers, strict=True)
        if isinstance(answer, Lesson)
    }


def _examples(
    ids: Sequence[str], failures: Mapping[str, Failure], drafts: Mapping[str, Draft], trials: Mapping[str, Trial]
) -> str:
    lines = []
    for id_ in ids[:3]:
        side = failures[id_].side or "positive"
        lines.append(f"- {drafts[id_].pair.scenario(side)} … {trials[id_].samples[side][0].text}")
    return "\n".join(lines)


def _show(trial: Trial) -> str:
    return " / ".join("unscored" if score is None else f"{score:.0f}" for score in trial.scores.values())
