"""The words that every model speaks: a request, a completion, next-token probabilities, capabilities."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

JsonSchema = dict[str, Any]


class Value(BaseModel):
    """A frozen, strictly checked value: the base of all data that crosses a border."""

    # A label that cannot come next has log-probability -inf, which JSON knows only as a string.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Message(Value):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


Prompt = str | tuple[Message, ...]
"""A text to continue (base models), or a chat whose next turn the assistant takes."""


class Sampling(Value):
    """How to sample. Each request has a seed of its own, so that batching never changes a text."""

    max_tokens: int
    temperature: float = 1.0
    seed: int = 0


class Request(Value):
    """One text to generate; with `output_schema` the answer is JSON that obeys it."""

    prompt: Prompt
    sampling: Sampling
    output_schema: JsonSchema | None = None


class Completion(Value):
    """One generated text with the token ids it was made of; an open end has finish 'length'."""

    text: str
    finish: Literal["stop", "length", "refusal", "error"]
    prompt_ids: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()
    pieces: tuple[str, ...] = ()
    """Text of each generated token; joined they are the text."""
    log_probabilities: tuple[float, ...] = ()
    """Natural log of each generated token's probability, where the endpoint tells it."""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    """Tokens of the prompt that the endpoint had read before and charges less for."""
    tokens_reasoning: int = 0
    """Tokens of the answer that were thought and not shown."""
    reason: str | None = None
    """What the provider said, for a refusal or an error."""

    @property
    def answer(self) -> str:
        """The text, as far as it is one: empty for a refusal or an error, whatever had been written by then."""
        return self.text if self.finish in ("stop", "length") else ""


class NextTokenRequest(Value):
    """Ask for the probabilities of the next token: of each label, and of the `top` most likely tokens."""

    prompt: Prompt
    labels: tuple[str, ...] = ()
    top: int = 0


class NextTokens(Value):
    """Natural-log probabilities of the next token, unmasked and untempered; tokens spelled as in the vocabulary."""

    labels: dict[str, float]
    """A label that is asked for and absent here has probability zero."""
    top: dict[str, float]
    tokens_in: int = 0
    tokens_cached: int = 0


class Capabilities(Value):
    """What one endpoint can do, found out once at the start."""

    context: int
    """Largest number of tokens of prompt and completion together."""
    chat: bool
    """It has a chat template."""
    structured: bool
    """It can be held to a JSON schema."""
    scale: tuple[str, ...]
    """Judge labels that are single tokens, lowest first: 0-100, else 0-9 or A-J; empty when there are none."""
    completes: bool = True
    """It continues a plain text."""
    probabilities: Literal["all", "top", "none"] = "all"
    """Whose probability it tells: every label's, only those among its likeliest tokens, or none at all."""
    served: str = ""
    """What answers, beyond the model's name: as the endpoint says, or a digest of local weights; part of the identity
    of its answers."""
    traits: tuple[str, ...] | None = None
    """The only traits this model knows (category/trait), where its card says so; None: no such limit."""


class Model(Protocol):
    """A language model behind a reference; every provider implements this and nothing more."""

    reference: str

    async def capabilities(self) -> Capabilities:
        """What this endpoint can do."""
        ...

    def count_tokens(self, prompt: Prompt) -> int:
        """Number of tokens of a prompt, template included (an estimate where the tokenizer is out of reach)."""
        ...

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request, in order."""
        ...

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """Next-token probabilities per request, in order."""
        ...

    async def close(self) -> None:
        """Give back what is held open (connections); nothing for a model in this process. Closing twice is allowed."""
        ...
