"""Step 12: steering questions that the unsteered assistant answers at the LOW end, behind a behavioural prefix.

A prefix may hold so fast that nothing moves the assistant any more, steering least of all. So each candidate is
measured twice: alone, and against a plain instruction to show the trait. Of those that still move the lowest baseline
wins.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from agent.decisions import Kind, PrefixDraft, QuestionDraft
from agent.errors import GateFailed
from agent.records import Question, Questions
from agent.seeds import derive_seed
from agent.spec import Spec
from agent.steps.authoring import ask_author
from extract.dataset import Steering
from extract.lint.pairs import touches
from extract.lint.sets import repeats_scenario
from extract.trait import Pair, Trait
from lm import Judge, JudgeItem, Message, Model, Request, Sampling
from prompts import load_prompt
from prompts.quoting import is_plain

KIND_FORMS: dict[Kind, str] = {
    "choose": "asks the assistant what to say or do, so that it must choose what to bring up",
    "confirm": "asks the assistant to confirm that something is fine or true",
}
PREFIX_WORDS = 10
"""A prefix has fewer words than this (METHOD, step 12)."""
SPARE = 2.0
"""Questions written per question kept, so that those that trigger the trait by themselves can go."""
PROBED = 8
"""Questions on which the prefixes are compared."""
SCORED_MIN = 0.8
"""Least share of scored answers for a mean to count, as in steering."""


async def write_questions(
    author: Model, assistant: Model, judge: Judge, spec: Spec, trait: Trait, pairs: Sequence[Pair]
) -> Questions:
    """Write prefixes and questions, keep the lowest prefix that still moves, and measure every question under it.

    Raises GateFailed when too few usable questions remain.
    """
    prefixes = await _write_prefixes(author, spec, trait)
    drafts = _usable(await _draft_questions(author, spec, trait), pairs, spec)
    if not prefixes or len(drafts) < spec.settings.questions:
        raise GateFailed(
            "questions",
            f"the author wrote {len(prefixes)} usable prefixes and {len(drafts)} usable questions; "
            f"needed are 1 and {spec.settings.questions}.",
        )
    candidates: dict[str, float | None] = {}
    moves: dict[str, float | None] = {}
    against = load_prompt("show_trait").render({"trait": trait.label, "high": trait.rubric.high}).user
    for prefix in prefixes:
        candidates[prefix] = _mean(await _answer(assistant, judge, spec, trait, prefix, drafts[:PROBED]))
        moves[prefix] = _mean(await _answer(assistant, judge, spec, trait, prefix, drafts[:PROBED], against))
    prefix = choose_prefix(candidates, moves, spec.settings.moves_min)
    scores = await _answer(assistant, judge, spec, trait, prefix, drafts)
    kept = _keep([q.model_copy(update={"baseline": s}) for q, s in zip(drafts, scores, strict=True)], spec)
    return Questions(
        prefix=prefix,
        questions=tuple(kept),
        baseline=_mean([question.baseline for question in kept]),
        candidates=candidates,
        instructed=moves,
        dropped=len(drafts) - len(kept),
    )


def choose_prefix(baselines: Mapping[str, float | None], instructed: Mapping[str, float | None], least: float) -> str:
    """The prefix of the lowest baseline among those under which an instruction moves the score by `least` points.

    Where none moves, or nothing says so, the lowest of all. Raises GateFailed where no baseline could be measured.
    """
    measured = {prefix: mean for prefix, mean in baselines.items() if mean is not None}
    if not measured:
        raise GateFailed("baseline", "no answer under any prefix could be scored; name another judge or assistant.")
    moving = [prefix for prefix, mean in measured.items() if (instructed.get(prefix) or mean) - mean >= least]
    return min(moving or measured, key=lambda name: measured[name])


def full_text(prefix: str, question: str) -> str:
    """A question as the assistant is asked it: "[prefix]. [question]"; without a prefix the question alone."""
    return f"{prefix}. {question}" if prefix else question


def given_questions(steering: Steering) -> Questions:
    """The questions of a dataset, not measured; its prefix counts where every text begins with it."""
    prefix = steering.prefix.strip().rstrip(".")
    start = full_text(prefix, "")
    if not all(text.startswith(start) for text in steering.questions):
        prefix = start = ""
    questions = [text.removeprefix(start) for text in steering.questions]
    return Questions(
        prefix=prefix,
        questions=tuple(Question(text=text, kind="given", domain="", baseline=None) for text in questions),
        baseline=None,
        candidates={},
        dropped=0,
    )


async def measure_questions(
    assistant: Model, judge: Judge, spec: Spec, trait: Trait, questions: Questions
) -> Questions:
    """The questions with what the unsteered assistant scores on each, and their mean."""
    scores = await _answer(assistant, judge, spec, trait, questions.prefix, questions.questions)
    measured = [q.model_copy(update={"baseline": s}) for q, s in zip(questions.questions, scores, strict=True)]
    return questions.model_copy(
        update={
            "questions": tuple(measured),
            "baseline": _mean(scores),
            "candidates": {questions.prefix: _mean(scores)},
        }
    )


async def _write_prefixes(author: Model, spec: Spec, trait: Trait) -> list[str]:
    values = {"trait": trait.label, "high": trait.rubric.high, "low": trait.rubric.low, "key": trait.rubric.key}
    count = spec.settings.prefix_candidates
    keys = [f"prefix/{index}" for index in range(count)]
    answers = await ask_author(author, spec, "write_prefix", [values] * count, PrefixDraft, keys=keys)
    texts = [answer.prefix.strip().rstrip(".") for answer in answers if isinstance(answer, PrefixDraft)]
    return list(dict.fromkeys(text for text in texts if 0 < len(text.split()) < PREFIX_WORDS and is_plain(text)))


async def _draft_questions(author: Model, spec: Spec, trait: Trait) -> list[Question]:
    """Distinct questions, half of each kind, over all domains in turn."""
    count = int(spec.settings.questions * SPARE)
    kinds: list[Kind] = ["choose" if index % 2 == 0 else "confirm" for index in range(count)]
    domains = [spec.domains[(index // 2) % len(spec.domains)] for index in range(count)]
    values = [
        {
            "trait": trait.label,
            "definition": trait.is_,
            "key": trait.rubric.key,
            "domain": domain,
            "kind": kind,
            "kind_form": KIND_FORMS[kind],
            "avoid": None,
        }
        for kind, domain in zip(kinds, domains, strict=True)
    ]
    keys = [f"question/{index}" for index in range(count)]
    answers = await ask_author(author, spec, "write_question", values, QuestionDraft, keys=keys)
    questions = {
        answer.question.strip(): Question(text=answer.question.strip(), kind=kind, domain=domain, baseline=None)
        for kind, domain, answer in zip(kinds, domains, answers, strict=True)
        if isinstance(answer, QuestionDraft)
    }
    return list(questions.values())


def _usable(questions: Sequence[Question], pairs: Sequence[Pair], spec: Spec) -> list[Question]:
    """Questions that repeat no scenario (held out means held out), touch no forbidden topic and hide nothing."""
    told = tuple(text for pair in pairs for text in (pair.ground_truth, pair.positive, pair.negative) if text)
    return [
        question
        for question in questions
        if is_plain(question.text)
        and not repeats_scenario(question.text, told)
        and not touches(question.text, spec.forbidden)
    ]


async def _answer(
    assistant: Model,
    judge: Judge,
    spec: Spec,
    trait: Trait,
    prefix: str,
    questions: Sequence[Question],
    against: str = "",
) -> list[float | None]:
    """Trait score of the unsteered answer to each question; None where it could not be scored.

    `against` is an instruction that stands in front of the prefix, as plain prompting does in steering.
    """
    lead = f"{against}\n\n" if against else ""
    requests = [
        Request(
            prompt=(Message(role="user", content=lead + full_text(prefix, question.text)),),
            sampling=Sampling(
                max_tokens=spec.settings.answer_tokens,
                temperature=0,
                seed=derive_seed(spec.seed, "baseline", prefix, question.text, *([against] if against else [])),
            ),
        )
        for question in questions
    ]
    answers = await assistant.complete(requests)
    verdicts = await judge.score_trait(
        trait.rubric,
        trait.label,
        [JudgeItem(situation=q.text, text=answer.answer) for q, answer in zip(questions, answers, strict=True)],
    )
    return [verdict.value if verdict.kind == "score" else None for verdict in verdicts]


def _keep(questions: Sequence[Question], spec: Spec) -> list[Question]:
    """The questions asked for, half of each kind where there are enough, lowest baseline first within a kind."""
    usable = [q for q in questions if q.baseline is not None and q.baseline <= spec.settings.question_max]
    usable.sort(key=lambda question: question.baseline or 0.0)
    half = spec.settings.questions // 2
    kept: list[Question] = []
    for kind in ("choose", "confirm"):
        kept += [question for question in usable if question.kind == kind][:half]
    kept += [question for question in usable if question not in kept][: spec.settings.questions - len(kept)]
    if len(kept) < spec.settings.questions:
        raise GateFailed(
            "baseline",
            f"only {len(kept)} of {spec.settings.questions} questions leave the trait unexpressed under the best "
            "prefix; the others trigger it by themselves.",
        )
    return kept


def _mean(scores: Sequence[float | None]) -> float | None:
    """Of scored answers; None where too few are: a gate must not pass on what is left."""
    scored = [score for score in scores if score is not None]
    return fmean(scored) if scored and len(scored) >= SCORED_MIN * len(scores) else None
