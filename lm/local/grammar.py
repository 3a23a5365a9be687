"""Hold rows to a JSON schema while they are generated (llguidance)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from llguidance import LLExecutor, LLMatcher, LLTokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask_par
from torch import Tensor

from lm.errors import CapabilityError
from lm.types import JsonSchema

_COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


@dataclass
class Grammars:
    """The schemas a tokenizer has been held to; each is compiled once and copied for every row."""

    tokenizer: LLTokenizer
    vocab: int
    """Width of the model's logits."""
    compiled: dict[str, LLMatcher] = field(default_factory=dict)

    def matcher(self, schema: JsonSchema) -> LLMatcher:
        """A fresh matcher for one row; CapabilityError when the schema cannot be enforced."""
        key = json.dumps(schema)
        if key not in self.compiled:
            self.compiled[key] = self._compile(key)
        return self.compiled[key].deep_copy()

    def _compile(self, schema: str) -> LLMatcher:
        matcher = LLMatcher(self.tokenizer, LLMatcher.grammar_from_json_schema(schema, overrides=_COMPACT))
        if matcher.is_error():
            raise CapabilityError(f"structured output cannot enforce this schema: {matcher.get_error()}\n{schema}")
        return matcher


@dataclass
class RowMatchers:
    """The matchers of one batch's rows (None: a free row), kept in step with the rows as they are dropped."""

    rows: list[LLMatcher | None]
    vocab: int
    executor: Any = field(default_factory=lambda: LLExecutor(num_threads=1))

    def allowed(self) -> Bool[Tensor, "row vocab"] | None:
        """Which tokens may come next in each row; None when no row is held to a schema."""
        held = [(matcher, row) for row, matcher in enumerate(self.rows) if matcher is not None]
        if not held:
            return None
        bits = allocate_token_bitmask(len(self.rows), self.vocab)
        fill_next_token_bitmask_par(self.executor, held, bits)
        flags = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, : self.vocab]
        return torch.from_numpy(flags.view(np.bool_))

    def advance(self, tokens: Sequence[int]) -> list[bool]:
        """Consume each row's token; says whose answer became complete by it. Such a row is free from then on."""
        complete = [False] * len(self.rows)
        for row, matcher in enumerate(self.rows):
            if matcher is not None:
                matcher.consume_token(tokens[row])
                complete[row] = matcher.is_stopped()
        self.rows = [None if done else matcher for done, matcher in zip(complete, self.rows, strict=True)]
        return complete

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all other rows."""
        self.rows = [self.rows[row] for row in rows]
