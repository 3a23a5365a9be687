"""How every step asks the author: one prompt, one schema, one seed per item."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from agent.seeds import derive_seed
from agent.spec import Spec
from lm import Model, NoAnswer, ask

AnswerT = TypeVar("AnswerT", bound=BaseModel)


async def ask_author(
    author: Model,
    spec: Spec,
    prompt: str,
    values: Sequence[Mapping[str, object]],
    schema: type[AnswerT],
    *,
    keys: Sequence[str],
    temperature: float | None = None,
) -> list[AnswerT | NoAnswer]:
    """One validated answer per item, or the reason why there is none. `keys` name the items for their seeds."""
    return await ask(
        author,
        prompt,
        values,
        schema,
        seeds=[derive_seed(spec.seed, "author", prompt, key) for key in keys],
        max_tokens=spec.settings.author_tokens,
        least_tokens=spec.settings.author_room,
        temperature=spec.settings.author_temperature if temperature is None else temperature,
    )
