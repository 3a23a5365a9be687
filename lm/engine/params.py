"""A request in vLLM's words. Texts are spelled here, as for local models, so the engine need not decode them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm.types import Request

if TYPE_CHECKING:
    from vllm import SamplingParams


def for_text(request: Request, ends: Sequence[int]) -> "SamplingParams":
    """Write a text, with the log-probability of each of its tokens."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    schema, sampling = request.output_schema, request.sampling
    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        seed=sampling.seed % 2**63,
        stop_token_ids=list(ends),
        structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
        logprobs=0,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def for_labels(ids: Sequence[int]) -> "SamplingParams":
    """Tell how likely each of these tokens is to come next (vLLM takes 128 of them)."""
    from vllm import SamplingParams

    return SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=list(ids), detokenize=False)


def for_top(count: int) -> "SamplingParams":
    """Tell which tokens are likeliest to come next."""
    from vllm import SamplingParams

    return SamplingParams(max_tokens=1, temperature=0, logprobs=count, detokenize=False)
