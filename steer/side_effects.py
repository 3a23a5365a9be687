"""What a push does besides: to texts that have nothing to do with it, and to the flow of the answers."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from extract.intervals import mean_interval
from extract.models import LoadedModel
from extract.rows import pad
from lm.local.batches import fixed_batches
from steer.intervention import steered
from steer.operators import ALL, Operator
from steer.report import OtherScore, SideEffects
from steer.scoring import Answer, Scorer
from steer.trials import Trial

_REPEATED = 3
"""Words of a sequence that counts as repeated."""


@dataclass(frozen=True)
class Aside:
    """Which side effects are measured, besides repetition."""

    texts: Sequence[str] = ()
    """Texts that have nothing to do with the questions: their perplexity."""
    refuses: Callable[[str], bool] | None = None
    """Whether an answer is a refusal."""
    traits: Mapping[str, Scorer] = field(default_factory=dict)
    """Scorers of other traits, by name."""


async def side_effects(
    model: LoadedModel, operators: Sequence[Operator], before: Trial, after: Trial, aside: Aside
) -> SideEffects:
    """What operators change in texts, and in answers to the same questions before and after."""
    plain, pushed = await asyncio.to_thread(_perplexities, model, operators, aside.texts)
    return SideEffects(
        perplexity_before=plain,
        perplexity_after=pushed,
        n_texts=len(aside.texts),
        repetition_before=repetition(before.answers),
        repetition_after=repetition(after.answers),
        refusals_before=_share(aside.refuses, before.answers),
        refusals_after=_share(aside.refuses, after.answers),
        other_scores=tuple([await _other_score(name, scorer, before, after) for name, scorer in aside.traits.items()]),
    )


def _perplexities(
    model: LoadedModel, operators: Sequence[Operator], texts: Sequence[str]
) -> tuple[float | None, float | None]:
    return perplexity(model, texts), perplexity(model, texts, operators)


def _share(is_one: Callable[[str], bool] | None, answers: Sequence[str]) -> float | None:
    return None if is_one is None or not answers else sum(map(is_one, answers)) / len(answers)


async def _other_score(name: str, scorer: Scorer, before: Trial, after: Trial) -> OtherScore:
    """Another trait's scores of the very same answers."""
    answers = [
        Answer(question=question.natural, text=text)
        for trial in (before, after)
        for question, text in zip(trial.questions, trial.answers, strict=True)
    ]
    marks = tuple(await scorer(answers))
    size = len(before.answers)
    plain = before.model_copy(update={"marks": marks[:size]})
    pushed = after.model_copy(update={"marks": marks[size:]})
    gains = pushed.gains(plain)
    return OtherScore(
        trait=name,
        before=plain.score,
        after=pushed.score,
        delta=fmean(gains) if gains else None,
        delta_ci95=mean_interval(gains),
        n=len(gains),
    )


@torch.inference_mode()
def perplexity(
    model: LoadedModel, texts: Sequence[str], operators: Sequence[Operator] = (), *, token_budget: int = 2048
) -> float | None:
    """exp of the mean negative log-likelihood of all tokens but each text's first; None where there are none.

    Operators touch every token: none of a given text is the model's own.
    """
    rows = [ids for ids in map(model.encode, texts) if len(ids) > 1]
    everywhere = [replace(one, tokens=ALL, when=one.when and replace(one.when, hold=False)) for one in operators]
    total = 0.0
    with steered(model, everywhere):
        for batch in fixed_batches([len(row) for row in rows], max(len(rows), 1), token_budget):
            ids, real = pad([rows[number] for number in batch], "right", model.device)
            logits = model.model(input_ids=ids, attention_mask=real).logits
            total += _negative_log_likelihood(logits, ids, real)
    count = sum(len(row) - 1 for row in rows)
    return math.exp(total / count) if count else None


def repetition(answers: Sequence[str]) -> float:
    """Mean share of three-word sequences that occurred earlier in the same answer."""
    return sum(map(_repeated_share, answers)) / len(answers) if answers else 0.0


def _repeated_share(answer: str) -> float:
    words = answer.lower().split()
    runs = [tuple(words[start : start + _REPEATED]) for start in range(len(words) - _REPEATED + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _negative_log_likelihood(
    logits: Float[Tensor, "row token vocab"], ids: Int[Tensor, "row token"], real: Int[Tensor, "row token"]
) -> float:
    losses = cross_entropy(logits[:, :-1].float().transpose(1, 2), ids[:, 1:], reduction="none")
    return float((losses * real[:, 1:]).sum())
