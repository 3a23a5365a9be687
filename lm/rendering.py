"""From a prompt file and its values to a chat that fits a model's context."""

from collections.abc import Collection, Mapping

from lm.errors import CapabilityError, ContextTooSmall
from lm.types import Capabilities, Message, Model
from prompts import PromptError, RenderedPrompt, load_prompt


def as_chat(rendered: RenderedPrompt) -> tuple[Message, ...]:
    """The turns of a rendered prompt; an empty system part is left out."""
    user = Message(role="user", content=rendered.user)
    return (Message(role="system", content=rendered.system), user) if rendered.system else (user,)


def render_chat(
    model: Model, can: Capabilities, prompt_name: str, values: Mapping[str, object], max_tokens: int
) -> tuple[Message, ...]:
    """Fill in a prompt for a model; optional blocks are dropped in their declared order until prompt and answer fit.

    Raises CapabilityError when the model has no chat template, ContextTooSmall when even the shortest text does not
    fit, and PromptError when values are missing or unknown.
    """
    if not can.chat:
        raise CapabilityError(f"{model.reference!r} has no chat template; {prompt_name!r} asks a chat model.")
    prompt = load_prompt(prompt_name)
    room = can.context - max_tokens

    def fits(rendered: RenderedPrompt) -> bool:
        return model.count_tokens(as_chat(rendered)) <= room

    first = prompt.render(values)
    if fits(first):
        return as_chat(first)
    try:
        return as_chat(prompt.render(values, fits))
    except PromptError as error:
        raise ContextTooSmall(
            f"{model.reference!r}: {error} It holds {can.context} tokens, of which {max_tokens} are for the answer."
        ) from error


def check_room(
    model: Model,
    can: Capabilities,
    prompt_name: str,
    values: Mapping[str, object],
    own: Collection[str],
    max_tokens: int,
) -> None:
    """Raise ContextTooSmall when a prompt does not fit although the texts called `own` are no more than a sign each.

    Where it does fit, only those texts were too long.
    """
    least = {name: "." if name in own and isinstance(value, str) else value for name, value in values.items()}
    render_chat(model, can, prompt_name, least, max_tokens)
