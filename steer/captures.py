"""A prompt set read once under a model, projected on any directions later; two models compared, prompt by prompt.

    before = capture(model, prompts)                 # every layer, mean over what the model itself answered
    before.save("runs/plain.safetensors")
    after = capture(fine_tuned, prompts)
    shifts(before, after, directions)

A model is read on its own answers: on another's text the shift is the text's.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from extract.activations import read_rows
from extract.intervals import Interval, mean_interval
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import TokenRow
from extract.vectors import Direction
from lm.errors import UserError
from lm.types import Message, Prompt
from steer.generation import Row, generate
from steer.projection import Scale

HEADER = "traitsmith.capture"


@dataclass(frozen=True, eq=False)
class Capture:
    """Mean residuals of each prompt at one position, all layers."""

    model: str
    """Reference of the model that was read."""
    position: str
    prompts: tuple[str, ...]
    """Each as JSON of the text or the chat, so that two captures can be matched."""
    answers: tuple[str, ...]
    mean: Float[Tensor, "prompt layer d_model"]
    norm: Float[Tensor, "prompt layer"]
    """Mean residual norm over the position's tokens; 0 where it selects none: such a prompt counts nowhere."""

    def project(self, directions: Iterable[Direction], scale: Scale = "raw") -> Float[Tensor, "prompt direction"]:
        """x . v of each prompt's mean residual; NaN for a prompt without tokens at the position.

        `norm` divides by the mean residual norm over all prompts, `cosine` by the length of the prompt's own mean.
        Raises UserError for directions that do not fit.
        """
        return torch.stack([self._column(direction, scale) for direction in directions], dim=1)

    def save(self, path: str | Path) -> Path:
        """Write a safetensors file in one step."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"model": self.model, "position": self.position, "prompts": self.prompts, "answers": self.answers}
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            fresh.write_bytes(save({"mean": self.mean, "norm": self.norm}, {HEADER: json.dumps(about)}))
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
        return file

    @staticmethod
    def load(path: str | Path) -> "Capture":
        """Read such a file. Raises UserError for any other."""
        try:
            with safe_open(str(path), framework="pt") as file:
                about = json.loads((file.metadata() or {})[HEADER])
                mean, norm = file.get_tensor("mean"), file.get_tensor("norm")
            prompts, answers = tuple(about["prompts"]), tuple(about["answers"])
            if mean.ndim != 3 or norm.shape != mean.shape[:2] or not len(mean) == len(prompts) == len(answers):
                raise ValueError(f"shapes {list(mean.shape)} and {list(norm.shape)} for {len(prompts)} prompts")
            return Capture(about["model"], about["position"], prompts, answers, mean, norm)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is no capture of prompts: {error}.") from error

    def _column(self, direction: Direction, scale: Scale) -> Float[Tensor, " prompt"]:
        if not direction.layer < self.mean.shape[1] or len(direction.vector) != self.mean.shape[2]:
            raise UserError(
                f"A direction of {len(direction.vector)} numbers at layer {direction.layer} does not fit this capture "
                f"of {self.mean.shape[1]} layers, {self.mean.shape[2]} wide."
            )
        mean, norm = self.mean[:, direction.layer], self.norm[:, direction.layer]
        there = norm > 0
        unit = {"raw": torch.tensor(1.0), "norm": norm[there].mean(), "cosine": mean.norm(dim=1)}[scale]
        return torch.where(there, mean @ direction.vector / unit, torch.nan)


@dataclass(frozen=True)
class Shift:
    """How far two captures of the same prompts lie apart along one direction."""

    trait: str
    layer: int
    before: float
    after: float
    difference: float
    """Mean over prompts of after minus before."""
    ci95: Interval | None
    n: int
    """Prompts with tokens at the position in both."""


def capture(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    *,
    position: str = "response[:]",
    answers: Sequence[str] | None = None,
    max_tokens: int = 48,
) -> Capture:
    """Read a prompt set in one pass over the model, on its own greedy answers or on the answers given."""
    if answers is not None and len(answers) != len(prompts):
        raise UserError(f"{len(answers)} answers were given for {len(prompts)} prompts; give one each.")
    if not prompts:
        raise UserError("There are no prompts to read.")
    if answers is None:
        written = generate(model, [Row(prompt) for prompt in prompts], max_tokens=max_tokens)
        texts, ids = [one.text for one in written], [one.token_ids for one in written]
    else:
        texts = list(answers)
        ids = [tuple(model.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
    starts = [model.encode(prompt) for prompt in prompts]
    rows = [
        TokenRow((*start, *rest), len(start), model.leading(start)) for start, rest in zip(starts, ids, strict=True)
    ]
    [found] = read_rows(model, rows, [Position.parse(position)])
    return Capture(
        model=model.reference,
        position=position,
        prompts=tuple(map(_as_json, prompts)),
        answers=tuple(texts),
        mean=found.mean,
        norm=found.norm,
    )


def shifts(before: Capture, after: Capture, directions: Iterable[Direction], scale: Scale = "raw") -> list[Shift]:
    """The paired difference of two captures along each direction, with its interval over prompts.

    Raises UserError unless both hold the same prompts at the same position.
    """
    if before.prompts != after.prompts or before.position != after.position:
        raise UserError(
            f"The captures are of other prompts or positions ({len(before.prompts)} at {before.position}, "
            f"{len(after.prompts)} at {after.position}). Capture the same prompts, in the same order."
        )
    chosen = list(directions)
    old, new = before.project(chosen, scale), after.project(chosen, scale)
    return [_shift(direction, old[:, column], new[:, column]) for column, direction in enumerate(chosen)]


def _shift(direction: Direction, before: Float[Tensor, " prompt"], after: Float[Tensor, " prompt"]) -> Shift:
    there = before.isfinite() & after.isfinite()
    differences = (after - before)[there].tolist()
    return Shift(
        trait=direction.trait,
        layer=direction.layer,
        before=float(before[there].mean()),
        after=float(after[there].mean()),
        difference=float((after - before)[there].mean()),
        ci95=mean_interval(differences),
        n=len(differences),
    )


def _as_json(prompt: Prompt) -> str:
    return json.dumps(prompt if isinstance(prompt, str) else [_turn(message) for message in prompt], ensure_ascii=False)


def _turn(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}
