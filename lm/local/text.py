"""Between text and token ids, so that a prompt and its completion join to the letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

from lm.errors import CapabilityError
from lm.types import Prompt

_TAIL = 4
"""Prompt tokens decoded along with a completion: some tokenizers drop the space before a text's first word."""

_INCOMPLETE = "\ufffd"
"""What a decoder writes for a character whose last bytes are still to come."""


@dataclass(frozen=True)
class Spelling:
    """How one tokenizer spells prompts, completions and labels."""

    tokenizer: Any

    @property
    def chats(self) -> bool:
        """Whether there is a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def encode(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Token ids of each prompt: texts after the tokenizer's own opening tokens (such as BOS), chats by template.

        Raises CapabilityError for a chat when there is no chat template.
        """
        texts = [prompt if isinstance(prompt, str) else self.as_chat_text(prompt) for prompt in prompts]
        if not texts:
            return []
        encoded: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        opening = self._opening
        return [
            opening + ids if isinstance(prompt, str) and ids[: len(opening)] != opening else ids
            for prompt, ids in zip(prompts, encoded, strict=True)
        ]

    def as_chat_text(self, messages: Sequence[Any]) -> str:
        """A chat up to the assistant's turn, as its template writes it; CapabilityError where there is none."""
        if not self.chats:
            raise CapabilityError("this model has no chat template: it can continue texts, but not take a chat turn.")
        turns = [{"role": message.role, "content": message.content} for message in messages]
        text: str = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text

    def decode_after(self, prompt: Sequence[int], ids: Sequence[int]) -> str:
        """The text that `ids` add to a prompt."""
        tail = list(prompt[-_TAIL:])
        before, both = self._decode(tail), self._decode([*tail, *ids])
        return both[len(before) :] if both.startswith(before) else self._decode(ids)

    def pieces_after(self, prompt: Sequence[int], ids: Sequence[int]) -> tuple[str, ...]:
        """The text of each of `ids`, which join to `decode_after`; a character goes to the token that completes it."""
        text = self.decode_after(prompt, ids)
        single = tuple(self._decode([token]) for token in ids)
        if "".join(single) == text:
            return single
        ends = [len(self.decode_after(prompt, ids[:count]).rstrip(_INCOMPLETE)) for count in range(1, len(ids))]
        cuts = [0, *ends, len(text)] if ids else [0]
        return tuple(text[start:end] for start, end in pairwise(accumulate(cuts, max)))

    def label_ids(self, labels: Sequence[str]) -> list[int]:
        """The one token that spells each label; CapabilityError when one takes several."""
        if not labels:
            return []
        encoded: list[list[int]] = self.tokenizer(list(labels), add_special_tokens=False)["input_ids"]
        for label, ids in zip(labels, encoded, strict=True):
            if len(ids) != 1:
                raise CapabilityError(f"the label {label!r} is {len(ids)} tokens in this model's vocabulary, not one.")
        return [ids[0] for ids in encoded]

    def spell(self, token: int) -> str:
        """A token as the vocabulary spells it."""
        spelled: str = self.tokenizer.convert_ids_to_tokens(token)
        return spelled

    def spelled(self, scale: Sequence[str]) -> tuple[str, ...]:
        """Labels of one token each, with or without a leading space; empty where they are not."""
        for space in ("", " "):
            labels = tuple(f"{space}{label}" for label in scale)
            encoded = self.tokenizer(list(labels), add_special_tokens=False)["input_ids"]
            if all(len(ids) == 1 for ids in encoded) and len({ids[0] for ids in encoded}) == len(labels):
                return labels
        return ()

    @cached_property
    def _opening(self) -> list[int]:
        plain = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        full: list[int] = self.tokenizer("a")["input_ids"]
        starts = (i for i in range(len(full)) if full[i : i + len(plain)] == plain)
        return full[: next(starts, 0)]

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text
