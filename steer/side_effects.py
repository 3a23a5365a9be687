"""What a push does besides: to texts that have nothing to do with it, and to the flow of the answers."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from extract.models import LoadedModel
from extract.rows import pad
from lm.local.batches import fixed_batches
from steer.intervention import steered
from steer.operators import ALL, Operator
from steer.report import SideEffects

_REPEATED = 3
"""Words of a sequence that counts as repeated."""


def side_effects(
    model: LoadedModel, operators: Sequence[Operator], texts: Sequence[str], before: Sequence[str], after: Sequence[str]
) -> SideEffects:
    """Perplexity of texts with and without operators, and how far answers before and after repeat themselves."""
    return SideEffects(
        perplexity_before=perplexity(model, texts),
        perplexity_after=perplexity(model, texts, operators),
        n_texts=len(texts),
        repetition_before=repetition(before),
        repetition_after=repetition(after),
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
