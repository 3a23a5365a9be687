"""What a direction says in words: the tokens that it makes likelier, read off the model's own output head."""

from dataclasses import dataclass

import torch

from extract.models import LoadedModel
from extract.vectors import Direction
from lm.errors import UserError


@dataclass(frozen=True)
class Words:
    """Tokens as the vocabulary spells them, strongest first."""

    layer: int
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def __str__(self) -> str:
        return f"words at layer {self.layer}: + {' '.join(self.positive)}   - {' '.join(self.negative)}"


@torch.no_grad()
def logit_lens(model: LoadedModel, direction: Direction, *, words: int = 8) -> Words:
    """Tokens with the largest and the smallest logit change W v, less the mean change; the final norm is left out.

    A hint, not evidence: early layers speak another language than the head. Source: nostalgebraist 2020, interpreting
    GPT: the logit lens.
    """
    head = model.model.get_output_embeddings()
    if head is None or head.weight.shape[1] != len(direction.vector):
        raise UserError(f"{model.reference} has no output head of width {len(direction.vector)}.")
    change = (head.weight.float() @ direction.vector.to(head.weight.device)).cpu()
    order = change[: len(model.tokenizer)].argsort(descending=True).tolist()
    spelled = [model.spelling.spell(token) for token in [*order[:words], *order[::-1][:words]]]
    return Words(direction.layer, tuple(spelled[:words]), tuple(spelled[words:]))
