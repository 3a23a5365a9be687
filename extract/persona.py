"""Persona vectors: differences between a model's own answers under opposite system prompts, scored by a judge.

Answers come as two CSV files with the columns prompt, answer, the trait's score and coherence (0-100), row by row of
the same question. A pair of rows is effective where the positive shows the trait, the negative does not, and both are
coherent. Source: Chen et al. 2025, Persona Vectors.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from extract.activations import read_rows
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import TokenRow
from lm.errors import UserError

THRESHOLD = 50.0
"""Trait score that parts the sides, and least coherence of both."""

CHUNK = 128
"""Answers whose activations are held at one time."""

_POSITIONS = tuple(Position.parse(text) for text in ("prompt[:]", "response[:]", "prompt[-1]"))
_NAMES = ("prompt_avg_diff", "response_avg_diff", "prompt_last_diff")

Stack = Float[Tensor, "row d_model"]


@dataclass(frozen=True)
class Answer:
    """One answer of the assistant, scored; a score is None where the judge gave none."""

    prompt: str
    """The whole text before the answer, the chat template included."""
    answer: str
    trait: float | None
    coherence: float | None


@dataclass(frozen=True, eq=False)
class PersonaVectors:
    """Three tensors [layers + 1, d_model]: row 0 is the embeddings, row r the output of block r - 1."""

    prompt_avg_diff: Stack
    response_avg_diff: Stack
    prompt_last_diff: Stack
    pairs: int
    effective: int

    def save(self, folder: Path, trait: str) -> list[Path]:
        """Write `{trait}_{name}.pt`, three files of one tensor each."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{trait}_{name}.pt" for name in _NAMES]
        for name, path in zip(_NAMES, paths, strict=True):
            torch.save(getattr(self, name), path)
        return paths


def persona_vectors(
    model: LoadedModel, positive: Sequence[Answer], negative: Sequence[Answer], *, threshold: float = THRESHOLD
) -> PersonaVectors:
    """v = mean(positive) - mean(negative) over effective pairs, at the prompt, the answer and the prompt's last token.

    Raises UserError where the sides are of different number, and where no pair is effective.
    """
    if len(positive) != len(negative):
        raise UserError(
            f"There are {len(positive)} positive answers and {len(negative)} negative ones; rows are matched."
        )
    kept = [(one, other) for one, other in zip(positive, negative, strict=True) if is_effective(one, other, threshold)]
    if not kept:
        raise UserError(f"None of {len(positive)} pairs is effective at {threshold:g}: there is nothing to extract.")
    above, below = (_means(model, [pair[side] for pair in kept]) for side in (0, 1))
    differences = [(one - other).float() for one, other in zip(above, below, strict=True)]
    prompt, response, last = differences
    return PersonaVectors(prompt, response, last, pairs=len(positive), effective=len(kept))


def is_effective(positive: Answer, negative: Answer, threshold: float = THRESHOLD) -> bool:
    """Positive at or above the threshold, negative below it, both coherent; an unscored answer never is."""
    scores = (positive.trait, negative.trait, positive.coherence, negative.coherence)
    if None in scores or not positive.answer or not negative.answer:
        return False
    shown, absent, *coherent = (float(score) for score in scores if score is not None)
    return shown >= threshold > absent and min(coherent) >= threshold


def read_answers(path: Path, trait: str) -> list[Answer]:
    """Answers of a CSV file; `trait` names the column of the trait's score. Raises UserError that names the row."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV file: {error}.") from error
    missing = [name for name in ("prompt", "answer", trait, "coherence") if not rows or name not in rows[0]]
    if missing:
        told = ", ".join(rows[0]) if rows else "no rows"
        raise UserError(f"{path} has no column {', '.join(missing)}; it has {told}.")
    return [
        Answer(row["prompt"], row["answer"], _score(path, n, row[trait]), _score(path, n, row["coherence"]))
        for n, row in enumerate(rows, 2)
    ]


def _score(path: Path, line: int, text: str | None) -> float | None:
    if not (text or "").strip():
        return None
    try:
        score = float(text or "")
    except ValueError:
        score = float("nan")
    if not 0 <= score <= 100:
        raise UserError(f"{path}, row {line}: {text!r} is no score. Scores are 0-100; empty where there is none.")
    return score


def _means(model: LoadedModel, answers: Sequence[Answer]) -> list[Float[Tensor, "row d_model"]]:
    """Means over answers at each position, embeddings first, in float64."""
    sums = [torch.zeros(model.n_layers + 1, model.d_model, dtype=torch.float64) for _ in _POSITIONS]
    for start in range(0, len(answers), CHUNK):
        rows = [_row(model, answer) for answer in answers[start : start + CHUNK]]
        below = read_rows(model, rows, _POSITIONS, component="block_input", layers=[0])
        for total, early, late in zip(sums, below, read_rows(model, rows, _POSITIONS), strict=True):
            total += torch.cat([early.mean, late.mean], dim=1).double().sum(dim=0)
    return [total / len(answers) for total in sums]


def _row(model: LoadedModel, answer: Answer) -> TokenRow:
    """Prompt and answer, each tokenised on its own: the border between them stays where it was."""
    prompt = tuple(model.encode(answer.prompt))
    told = model.tokenizer(answer.answer, add_special_tokens=False)["input_ids"]
    return TokenRow(prompt + tuple(told), len(prompt), model.leading(prompt))
