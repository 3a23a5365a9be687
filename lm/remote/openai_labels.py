"""Which labels a judge may answer with on an endpoint of the OpenAI kind, and by what means their odds can be had.

The best means that the endpoint honours is taken: tokens asked for by id, all in one request; the likeliest tokens, as
far as the labels are among them; vLLM's scoring endpoint, exact too, but a request for each label.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from lm.limits import together
from lm.remote.openai_answers import Scored, Tokenized
from lm.remote.trials import Trials
from lm.scales import DIGITS, LETTERS, NUMBERS, TRIAL_TOKENS, digit_trial, is_one_digit
from lm.types import Prompt

Means = Literal["ids", "top", "scoring", "none"]
"""How the odds of a chat's labels are had: by their ids, among the likeliest tokens, one by one, or not at all."""
SCORING = "/generative_scoring"
MOST_TOP = 20
"""Likely tokens that OpenAI and vLLM give at most: enough to hold what a judge hesitates between."""


@dataclass(frozen=True)
class Labels:
    """What a judge may answer with, and how the odds of that are asked for."""

    scale: tuple[str, ...] = ()
    ids: dict[str, int] = field(default_factory=dict)
    """Token of each label, where the endpoint has a tokenizer to ask."""
    means: Means = "none"
    scoring: bool = False
    """The scoring endpoint answers."""

    def exact(self, prompt: Prompt) -> bool:
        """Whether the odds of labels after such a prompt are had by their tokens; texts take no list of them."""
        return self.scoring if isinstance(prompt, str) else self.means in ("ids", "scoring")


@dataclass(frozen=True)
class Habits:
    """How chats are asked for on this endpoint, as far as it matters here."""

    limit_name: str
    greedy: dict[str, Any]
    """What asks for the likeliest answer."""
    top: int
    """Likely tokens it tells at most."""
    wrote: tuple[str, ...]
    """The tokens it wrote when it was asked for the number 73."""


async def find_labels(it: Trials, chat: Habits) -> Labels:
    """The finest scale whose labels are single tokens, and the best means that the endpoint honours."""
    if not it.is_vllm:
        return Labels(scale := await _scale_by_trial(it, chat), means="top" if scale else "none")
    scale, ids = await _scale_by_tokenizer(it, chat)
    if not scale:
        return Labels()
    scoring = await _scores(it, ids[scale[0]])
    return Labels(scale, ids, await _best(it, chat, ids, scoring), scoring)


async def _best(it: Trials, chat: Habits, ids: dict[str, int], scoring: bool) -> Means:
    if await _tells_by_id(it, chat, ids):
        return "ids"
    if scoring and chat.top < MOST_TOP:
        return "scoring"
    return "top" if chat.top else "none"


async def _scale_by_tokenizer(it: Trials, chat: Habits) -> tuple[tuple[str, ...], dict[str, int]]:
    for scale in (NUMBERS, tuple(f" {number}" for number in NUMBERS), DIGITS, LETTERS):
        ids = await _single_tokens(it, scale)
        if ids and (scale != DIGITS or await _writes_one_digit(it, chat)):
            return scale, dict(zip(scale, ids, strict=True))
    return (), {}


async def _scale_by_trial(it: Trials, chat: Habits) -> tuple[str, ...]:
    """Without a tokenizer: a number that comes in one piece says that numbers are single tokens here."""
    if not chat.top:
        return ()
    pieces = [token.strip() for token in chat.wrote]
    if "73" in pieces:
        return NUMBERS
    return DIGITS if "7" in pieces and await _writes_one_digit(it, chat) else LETTERS


async def _writes_one_digit(it: Trials, chat: Habits) -> bool:
    """Whether a digit, where one is asked for, is the whole answer and not the beginning of a number."""
    turns = [{"role": turn.role, "content": turn.content} for turn in digit_trial()]
    found = await it.chat({"messages": turns, chat.limit_name: TRIAL_TOKENS, **chat.greedy})
    return not isinstance(found, str) and is_one_digit(found.completion().text)


async def _tells_by_id(it: Trials, chat: Habits, ids: dict[str, int]) -> bool:
    """Whether every label comes back when all are asked for by id; some versions ignore the wish."""
    turns = [{"role": "user", "content": "Write a number."}]
    wish = {"logprobs": True, "top_logprobs": 0, "extra_body": {"logprob_token_ids": list(ids.values())}}
    found = await it.chat({"messages": turns, chat.limit_name: 1, **chat.greedy, **wish})
    return not isinstance(found, str) and set(ids) <= set(found.likeliest())


async def _scores(it: Trials, label: int) -> bool:
    body = {"query": "Write a number.", "items": [""], "label_token_ids": [label], "apply_softmax": False}
    return not isinstance(await it.post(SCORING, body, Scored), str)


async def _single_tokens(it: Trials, labels: tuple[str, ...]) -> list[int]:
    """The token of each label, or nothing when one takes several or two share one."""
    if len(await tokenize(it, labels[-1])) != 1:
        return []
    ids = await together(tokenize(it, label) for label in labels)
    singles = [one[0] for one in ids if len(one) == 1]
    return singles if len(set(singles)) == len(labels) else []


async def tokenize(it: Trials, text: str) -> tuple[int, ...]:
    """The tokens of a text, where the endpoint has a tokenizer to ask."""
    found = await it.post("/tokenize", {"prompt": text, "add_special_tokens": False}, Tokenized, free=True)
    return () if isinstance(found, str) else found.tokens
