"""The answers of OpenAI and of servers that speak its language, as far as they are read; anything else is nonsense."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lm.metering import Use
from lm.types import Completion

Finish = Literal["stop", "length", "refusal", "error"]
_FINISHES: dict[str | None, Finish] = {"stop": "stop", "length": "length", "content_filter": "refusal"}


class _Part(BaseModel):
    """Servers add fields of their own; what is read must be of the right kind."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class PromptDetails(_Part):
    """Part of `Usage`."""

    cached_tokens: int | None = None


class OutputDetails(_Part):
    """Part of `Usage`."""

    reasoning_tokens: int | None = None


class Usage(_Part):
    """Tokens that the server counted."""

    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: OutputDetails | None = None

    def use(self) -> Use:
        """In the words of the ledger."""
        return Use(
            tokens_in=self.prompt_tokens,
            tokens_out=self.completion_tokens,
            cached=(self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0,
            reasoning=(self.completion_tokens_details and self.completion_tokens_details.reasoning_tokens) or 0,
        )


class LikelyToken(_Part):
    """One of the likeliest tokens of a place."""

    token: str
    logprob: float


class ChatToken(LikelyToken):
    """A generated token of a chat, with those that were nearly written in its place."""

    top_logprobs: tuple[LikelyToken, ...] = ()


class ChatTokens(_Part):
    """Log-probabilities of a chat answer."""

    content: tuple[ChatToken, ...] | None = None


class ChatMessage(_Part):
    """What the assistant said."""

    content: str | None = None
    refusal: str | None = None


class _Choice(_Part):
    """What answers of both kinds tell beside their text."""

    finish_reason: str | None = None
    stop_reason: Any = None
    """vLLM's: the text before which it was told to stop, if it was that and no token."""
    token_ids: tuple[int, ...] | None = None
    """With the token at which the text stopped."""

    @property
    def finish(self) -> Finish:
        """How it ended, in our words."""
        return _FINISHES.get(self.finish_reason, "error")

    @property
    def written(self) -> tuple[int, ...]:
        """The tokens of the text alone: a text that stopped did so at a token that says nothing else."""
        ids = self.token_ids or ()
        return ids[:-1] if self.finish == "stop" and not isinstance(self.stop_reason, str) else ids


class ChatChoice(_Choice):
    """One answer of a chat."""

    message: ChatMessage
    logprobs: ChatTokens | None = None


class ChatAnswer(_Part):
    """Body of an answer to /chat/completions."""

    choices: tuple[ChatChoice, ...] = Field(min_length=1)
    usage: Usage
    prompt_token_ids: tuple[int, ...] | None = None

    def likeliest(self) -> dict[str, float]:
        """Log-probabilities of the tokens that the server tells of for the first place."""
        content = (self.choices[0].logprobs and self.choices[0].logprobs.content) or ()
        return {likely.token: likely.logprob for likely in (content[0].top_logprobs if content else ())}

    def completion(self) -> Completion:
        """As a completion."""
        choice, use = self.choices[0], self.usage.use()
        refusal = choice.message.refusal
        finish = "refusal" if refusal else choice.finish
        tokens = (choice.logprobs and choice.logprobs.content) or ()
        return Completion(
            text=choice.message.content or "",
            finish=finish,
            reason=refusal or _reason(finish, choice.finish_reason),
            prompt_ids=self.prompt_token_ids or (),
            token_ids=choice.written,
            log_probabilities=tuple(token.logprob for token in tokens),
            **_counts(use),
        )


class TextTokens(_Part):
    """Log-probabilities of a continued text, by place."""

    tokens: tuple[str, ...] = ()
    token_logprobs: tuple[float | None, ...] = ()
    top_logprobs: tuple[dict[str, float] | None, ...] | None = None

    def first(self, count: int) -> "TextTokens":
        """What is told of so many tokens."""
        return TextTokens(tokens=self.tokens[:count], token_logprobs=self.token_logprobs[:count])


class TextChoice(_Choice):
    """One continuation."""

    text: str
    logprobs: TextTokens | None = None
    prompt_token_ids: tuple[int, ...] | None = None

    def told(self) -> TextTokens:
        """What is told of the tokens of the text, without the one at which it stopped."""
        tokens = self.logprobs or TextTokens()
        if self.token_ids is not None:
            return tokens.first(len(self.written))
        # Without ids that token shows by its being no part of the text; some servers do not tell of it.
        stopped = self.finish == "stop" and "".join(tokens.tokens[:-1]) == self.text
        return tokens.first(len(tokens.tokens) - 1) if stopped and tokens.tokens else tokens


class TextAnswer(_Part):
    """Body of an answer to /completions."""

    choices: tuple[TextChoice, ...] = Field(min_length=1)
    usage: Usage

    def likeliest(self) -> dict[str, float]:
        """Log-probabilities of the tokens that the server tells of for the first place."""
        tokens = self.choices[0].logprobs
        return (tokens.top_logprobs[0] if tokens and tokens.top_logprobs else None) or {}

    def completion(self) -> Completion:
        """As a completion; a token that only says that the text ends is no part of it."""
        choice = self.choices[0]
        tokens = choice.told()
        return Completion(
            text=choice.text,
            finish=choice.finish,
            reason=_reason(choice.finish, choice.finish_reason),
            prompt_ids=choice.prompt_token_ids or (),
            token_ids=choice.written,
            # Half characters are spelled as replacement marks: pieces that do not join to the text are of no use.
            pieces=tokens.tokens if "".join(tokens.tokens) == choice.text else (),
            log_probabilities=tuple(value or 0.0 for value in tokens.token_logprobs),
            **_counts(self.usage.use()),
        )


class ListedModel(_Part):
    """A model that a server lists."""

    id: str
    root: str | None = None
    max_model_len: int | None = None
    max_input_tokens: int | None = None


class ModelList(_Part):
    """Body of an answer to /models."""

    data: tuple[ListedModel, ...]


class Tokenized(_Part):
    """Body of an answer to vLLM's /tokenize."""

    tokens: tuple[int, ...]


class ItemScore(_Part):
    """The probability of the first label that was asked for."""

    score: float


class Scored(_Part):
    """Body of an answer to vLLM's /generative_scoring."""

    data: tuple[ItemScore, ...] = Field(min_length=1)
    usage: Usage


def _counts(use: Use) -> dict[str, Any]:
    return {
        "tokens_in": use.tokens_in,
        "tokens_out": use.tokens_out,
        "tokens_cached": use.cached,
        "tokens_reasoning": use.reasoning,
    }


def _reason(finish: Finish, said: str | None) -> str | None:
    return f"finish reason {said!r}" if finish in ("refusal", "error") else None
