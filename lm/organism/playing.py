"""Play the shipped weights directly, in batches; for measuring and tests. The product has its own way to models."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from lm.types import JsonSchema

WEIGHTS = Path(__file__).parent / "weights"
SCALE = tuple(str(number) for number in range(101))


@dataclass(frozen=True)
class Played:
    """One generated text with its ids, and whether it ended by itself."""

    text: str
    ids: tuple[int, ...]
    ended: bool


class Player:
    """The organism in one process: complete, chat with or without a schema, score."""

    def __init__(self, folder: Path = WEIGHTS, seed: int = 0) -> None:
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        self.model: Any = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._generator = torch.Generator().manual_seed(seed)
        self._scale = torch.tensor([self.tokenizer.convert_tokens_to_ids(label) for label in SCALE])
        self._grammar: Any = None

    def chat_ids(self, system: str, user: str) -> list[int]:
        """A chat whose next turn is the assistant's."""
        messages = [{"role": "user", "content": user}]
        if system:
            messages.insert(0, {"role": "system", "content": system})
        ids: list[int] = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        return ids

    def text_ids(self, text: str) -> list[int]:
        """A plain text to go on with."""
        ids: list[int] = self.tokenizer.encode(text)
        return ids

    @torch.inference_mode()
    def scores(self, prompts: Sequence[Sequence[int]], batch: int = 64) -> list[float]:
        """Expected number under the next token's distribution over 0-100."""
        found: list[float] = []
        for start in range(0, len(prompts), batch):
            logits = self._step(*self._padded(prompts[start : start + batch]))[0]
            share = torch.softmax(logits[:, self._scale], -1)
            found += (share @ torch.arange(101, dtype=share.dtype)).tolist()
        return found

    @torch.inference_mode()
    def next_probabilities(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Distribution of the next token, one row a prompt."""
        return torch.softmax(self._step(*self._padded(prompts))[0], -1)

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        most: int,
        temperature: float = 0.7,
        schema: JsonSchema | None = None,
        batch: int = 64,
    ) -> list[Played]:
        """Sample (greedily at temperature 0) up to `most` tokens for each prompt, held to a schema if one is given."""
        played: list[Played] = []
        for start in range(0, len(prompts), batch):
            played += self._generate(prompts[start : start + batch], most, temperature, schema)
        return played

    def _generate(
        self, prompts: Sequence[Sequence[int]], most: int, temperature: float, schema: JsonSchema | None
    ) -> list[Played]:
        ids, mask = self._padded(prompts)
        matchers = [self._matcher(schema) for _ in prompts] if schema else []
        rows: list[list[int]] = [[] for _ in prompts]
        ended = [False] * len(prompts)
        cache: Any = None
        for _ in range(most):
            logits, cache = self._step(ids, mask, cache)
            if matchers:
                logits = self._allowed(logits, matchers)
            chosen = self._choose(logits, temperature)
            for index, token in enumerate(chosen.tolist()):
                if not ended[index]:
                    ended[index] = token == self.tokenizer.eos_token_id
                    if not ended[index]:
                        rows[index].append(token)
                        if matchers:
                            matchers[index].consume_token(token)
            if all(ended):
                break
            ids = chosen[:, None]
            mask = torch.cat([mask, torch.ones_like(ids)], 1)
        return [Played(self.tokenizer.decode(row), tuple(row), end) for row, end in zip(rows, ended, strict=True)]

    def _padded(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(prompt) for prompt in prompts)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        return ids, mask

    def _step(self, ids: torch.Tensor, mask: torch.Tensor, cache: Any = None) -> tuple[torch.Tensor, Any]:
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        out = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        return out.logits[:, -1].float(), out.past_key_values

    def _choose(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        if temperature == 0:
            return logits.argmax(-1)
        share = torch.softmax(logits / temperature, -1)
        return torch.multinomial(share, 1, generator=self._generator)[:, 0]

    def _matcher(self, schema: JsonSchema) -> Any:
        from llguidance import LLMatcher
        from llguidance.hf import from_tokenizer

        if self._grammar is None:
            self._grammar = from_tokenizer(self.tokenizer)
        compact = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
        return LLMatcher(self._grammar, LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=compact))

    def _allowed(self, logits: torch.Tensor, matchers: Sequence[Any]) -> torch.Tensor:
        from llguidance.torch import allocate_token_bitmask, apply_token_bitmask_inplace, fill_next_token_bitmask

        bitmask = allocate_token_bitmask(len(matchers), logits.shape[-1])
        for index, matcher in enumerate(matchers):
            if not matcher.is_stopped():
                fill_next_token_bitmask(matcher, bitmask, index)
            else:
                bitmask[index] = -1
        apply_token_bitmask_inplace(logits, bitmask)
        return logits
