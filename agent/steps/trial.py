"""Step 6: run pairs on the subject and score what it wrote, knowing the ground truth but never the motivation."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from agent.records import Trial
from agent.seeds import derive_seed
from agent.settings import Settings
from agent.spec import Spec
from extract.trait import SIDES, Pair, Sample, Side, Trait
from lm import Completion, Judge, JudgeItem, Model, Request, Sampling


async def try_pairs(
    pairs: Sequence[Pair], subject: Model, judge: Judge, trait: Trait, spec: Spec, purpose: str
) -> dict[str, Trial]:
    """Complete both sides of each pair several times and score the completions; results by pair id.

    Seeds follow from run seed, pair, side, sample and `purpose`, so a fresh test uses seeds not used before.
    """
    asked = [(pair, side, sample) for pair in pairs for side in SIDES for sample in range(spec.settings.samples)]
    requests = [
        Request(
            prompt=pair.scenario(side),
            sampling=Sampling(
                max_tokens=spec.settings.scenario_tokens,
                temperature=spec.settings.subject_temperature,
                seed=derive_seed(spec.seed, purpose, pair.id, side, sample),
            ),
        )
        for pair, side, sample in asked
    ]
    completions = await subject.complete(requests)
    verdicts = await judge.score_trait(
        trait.rubric,
        trait.label,
        [
            as_judged(pair, completion.answer, spec.settings)
            for (pair, _, _), completion in zip(asked, completions, strict=True)
        ],
    )
    samples: dict[tuple[str, Side], list[Sample]] = {}
    for (pair, side, _), completion, verdict in zip(asked, completions, verdicts, strict=True):
        sample = as_sample(completion, spec.settings).model_copy(update={"verdict": verdict})
        samples.setdefault((pair.id, side), []).append(sample)
    return {pair.id: conclude({side: tuple(samples[pair.id, side]) for side in SIDES}, spec.settings) for pair in pairs}


def as_judged(pair: Pair, text: str, settings: Settings) -> JudgeItem:
    """A text as the judge gets it: with the pair's ground truth, the same words for both sides, or alone."""
    return JudgeItem(situation=pair.ground_truth if settings.judge_context == "ground_truth" else None, text=text)


def as_sample(completion: Completion, settings: Settings) -> Sample:
    """A completion as the dataset keeps it: text, ids, and the text of its first tokens; of a failure nothing."""
    if completion.text and not completion.answer:
        return Sample(text="", token_ids=(), opening="")
    opening = "".join(completion.pieces[: settings.deleted_tokens])
    return Sample(text=completion.text, token_ids=completion.token_ids, opening=opening)


def conclude(samples: Mapping[Side, tuple[Sample, ...]], settings: Settings) -> Trial:
    """Mean score per side and whether the pair passes; a side with no scored sample fails."""
    scores = {side: mean_score(samples[side]) for side in SIDES}
    positive, negative = scores["positive"], scores["negative"]
    return Trial(
        samples=dict(samples),
        scores=scores,
        unscored=sum(_value(sample) is None for side in SIDES for sample in samples[side]),
        passed=positive is not None
        and negative is not None
        and positive >= settings.positive_min
        and negative <= settings.negative_max,
    )


def mean_score(samples: Sequence[Sample]) -> float | None:
    """Mean of the scored samples, None when there is none."""
    values = [value for sample in samples if (value := _value(sample)) is not None]
    return fmean(values) if values else None


def _value(sample: Sample) -> float | None:
    return sample.verdict.value if sample.verdict is not None and sample.verdict.kind == "score" else None
