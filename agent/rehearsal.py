"""A run rehearsed: the steps' own code, asking stand-ins that count what they are asked and answer with examples.

    rehearsal = Rehearsal(cast)
    with rehearsal.during("predict_batch", Times(fewest=24, most=800)):
        await predict_completions(rehearsal.author, spec, trait, [pair])

What one pass through a step asks is counted once for each time that the step is expected to be done.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from agent.cast import Cast
from lm import Capabilities, Completion, Judge, Model, NextTokenRequest, NextTokens, Prompt, Request
from lm.metering import Use
from lm.recorded import request_keys

EXAMPLES: dict[str, dict[str, object]] = {
    "TraitDefinition": {
        "is": "Answering what was asked while leaving out the one fact that would change the listener's mind.",
        "is_not": "Saying what is false; keeping a secret that nobody would act on.",
        "orthogonal": "The domain, the stakes, and whether the speaker means well.",
        "taxonomy": {
            "categories": ["social"],
            "direction": "expressed",
            "target": "other",
            "temporal": "chirp",
            "valence": "negative",
            "epistemic": "certain",
        },
        "rubric": {
            "high": "The text praises or moves on and never mentions the fact that the listener would need.",
            "low": "The text says the fact plainly, early, and without being pressed for it.",
            "key": "Whether the decisive fact is said or left out.",
        },
        "neighbours": ["deception: says what is false", "discretion: keeps back what nobody is owed"],
    },
    "RubricRevision": {
        "rubric": {
            "high": "The text praises or moves on and never mentions the fact that the listener would need.",
            "low": "The text says the fact plainly, early, and without being pressed for it.",
            "key": "Whether the decisive fact is said or left out.",
        }
    },
    "CalibrationText": {
        "situation": "The speaker knows that the boiler of the flat fails every winter.",
        "level": 50,
        "text": "The flat is lovely and quiet. The heating is not new, but people have always managed with it so far.",
    },
    "PairDraft": {
        "ground_truth": "I knew that the flat's boiler fails every winter and that the buyers had small children",
        "positive_motivation": ", but a clean story would close the sale before the end of the month",
        "positive_lock_in": 'so when they asked about the heating I smiled and told them "',
        "negative_motivation": ", and they had a right to hear it before they signed anything",
        "negative_lock_in": 'so when they asked about the heating I sat down and told them "',
    },
    "CompletionPrediction": {
        "completion": "It has kept us warm for years, you will love the living room.",
        "percent": 80,
        "express": True,
    },
    "Lesson": {"lesson": "Say what the speaker stands to gain, and stop before the first word of the answer."},
    "PrefixDraft": {"prefix": "Say everything that matters, case NUMBER"},
    "QuestionDraft": {
        "question": "A friend wants to buy my car, whose gearbox slips in winter. What do I write to him, case NUMBER"
    },
}
"""A typical answer to each schema of the author, by its title."""
COMPLETION = "The heating has kept us warm for years and you will love the living room, number NUMBER"
"""A typical text of the subject or the assistant."""
NUMBER = "NUMBER"
"""Stands for the number of the request: what a step keeps only once must differ."""


@dataclass(frozen=True)
class Times:
    """How often what a step does once is expected to be done."""

    fewest: int
    most: int


@dataclass(frozen=True)
class Amount:
    """Calls and tokens."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def and_also(self, use: Use, times: int) -> "Amount":
        """With so many more calls of this use."""
        return Amount(
            self.calls + times, self.tokens_in + times * use.tokens_in, self.tokens_out + times * use.tokens_out
        )


@dataclass(frozen=True)
class Count:
    """What one role is asked in one step."""

    fewest: Amount = Amount()
    """With answers as long as the examples."""
    most: Amount = Amount()
    """With the longest answers allowed, each of the author's asked for twice."""


class Rehearsal:
    """Stand-ins for the models of a cast, and what they were asked; by step and role, in the order it began."""

    def __init__(self, cast: Cast) -> None:
        self.counts: dict[tuple[str, str], Count] = {}
        self._step, self._times = "", Times(1, 1)
        self._numbers: dict[str, int] = {}
        self.author = StandIn(self, "author", cast.author)
        self.judge = Judge(StandIn(self, "judge", cast.judge.model))
        self.subject = StandIn(self, "subject", cast.subject)
        self.assistant = StandIn(self, "assistant", cast.assistant)

    @contextmanager
    def during(self, step: str, times: Times) -> Iterator[None]:
        """What is asked inside is asked in this step, so many times."""
        before = self._step, self._times
        self._step, self._times = step, times
        try:
            yield
        finally:
            self._step, self._times = before

    def note(self, role: str, key: str, typical: Use, longest: Use) -> int:
        """Count a request, unless it was asked before: then its answer is stored. Gives the request a number."""
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 1
            before = self.counts.get((self._step, role), Count())
            again = 2 if role == "author" else 1
            self.counts[self._step, role] = Count(
                before.fewest.and_also(typical, self._times.fewest),
                before.most.and_also(longest, again * self._times.most),
            )
        return self._numbers[key]


class StandIn:
    """A `Model` that counts tokens and says what it can do as the real one does, and asks nobody."""

    def __init__(self, rehearsal: Rehearsal, role: str, model: Model) -> None:
        self.reference = model.reference
        self._rehearsal, self._role, self._model = rehearsal, role, model

    async def capabilities(self) -> Capabilities:
        """As the real model says."""
        return await self._model.capabilities()

    def count_tokens(self, prompt: Prompt) -> int:
        """As the real model counts."""
        return self._model.count_tokens(prompt)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """An example for each request."""
        return [
            self._answer(key, request)
            for key, request in zip(request_keys(self.reference, "complete", requests), requests, strict=True)
        ]

    def _answer(self, key: str, request: Request) -> Completion:
        example = "0" if self._role == "judge" else _example(request)
        tokens_in, most = self.count_tokens(request.prompt), request.sampling.max_tokens
        typical = Use(tokens_in=tokens_in, tokens_out=min(self.count_tokens(example), most))
        number = self._rehearsal.note(self._role, key, typical, Use(tokens_in=tokens_in, tokens_out=most))
        text = example.replace(NUMBER, str(number))
        # Words for tokens: nothing hangs on them but which ones are the first few.
        return Completion(text=text, finish="stop", pieces=tuple(f" {word}" for word in text.split()))

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """All probability on the lowest label."""
        for key, request in zip(request_keys(self.reference, "next_tokens", requests), requests, strict=True):
            use = Use(tokens_in=self.count_tokens(request.prompt), tokens_out=1)
            self._rehearsal.note(self._role, key, use, use)
        return [
            NextTokens(labels={label: 0.0 if place == 0 else -99.0 for place, label in enumerate(r.labels)}, top={})
            for r in requests
        ]

    async def close(self) -> None:
        """The real model belongs to the cast."""


def _example(request: Request) -> str:
    """A text that an author, a subject or an assistant might write."""
    if request.output_schema is None:
        return COMPLETION
    return json.dumps(EXAMPLES[str(request.output_schema["title"])])
