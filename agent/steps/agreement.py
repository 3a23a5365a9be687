"""Before weights stand for a served model: do both write the same where nothing is left to chance?"""

from collections.abc import Sequence

from agent.errors import GateFailed
from lm import Model, Prompt, Request, Sampling

PROMPTS = 8
"""Texts that both continue."""
TOKENS = 16
LEAST = 6
"""Equal continuations that are enough: rounding may turn a close choice, other weights turn them all."""


async def check_agreement(role: str, served: Model, local: Model, prompts: Sequence[Prompt]) -> str:
    """How many greedy continuations are the same, in words; GateFailed("weights") when too few are."""
    requests = [
        Request(prompt=prompt, sampling=Sampling(max_tokens=TOKENS, temperature=0)) for prompt in prompts[:PROMPTS]
    ]
    theirs, ours = await served.complete(requests), await local.complete(requests)
    same = sum(one.text == other.text for one, other in zip(theirs, ours, strict=True))
    if same < min(LEAST, len(requests)):
        raise GateFailed(
            "weights",
            f"the weights {local.reference!r} are not what {served.reference!r} serves: they continue {same} of "
            f"{len(requests)} texts alike without sampling. Name the served weights with --{role}-weights; the dataset "
            "stands.",
        )
    return f"the weights continue {same} of {len(requests)} texts as the served {role} does"
