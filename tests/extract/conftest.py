"""Tiny random models of three families with a byte-level tokenizer, and made-up pairs. Axes are checked in tests."""

from jaxtyping import install_import_hook

import tests.extract.checking  # noqa: F401  (named below)

with install_import_hook(["extract"], "tests.extract.checking.check"):
    import extract.activations
    import extract.chats
    import extract.completions
    import extract.forward
    import extract.hooks
    import extract.passes
    import extract.pipeline
    import extract.vector_files  # noqa: F401

from collections.abc import Sequence

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from extract.models import LoadedModel, wrap_model
from extract.trait import Pair, Sample, Taxonomy, Trait
from lm.verdicts import Rubric

torch.set_num_threads(1)

LAYERS, WIDTH = 3, 32


def byte_tokenizer(merges: Sequence[tuple[str, str]] = ()) -> PreTrainedTokenizerFast:
    tokens = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet()), *(one + two for one, two in merges)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges)))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in ("<s>", "</s>")])
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")


def tiny_model(family: str) -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    common = {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1, "initializer_range": 0.3}
    if family == "gpt2":
        config = GPT2Config(n_embd=WIDTH, n_layer=LAYERS, n_head=4, n_positions=256, **common)
        return wrap_model(GPT2LMHeadModel(config), tokenizer, "hf:tiny-gpt2")
    shape = {
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
    }
    if family == "neox":
        return wrap_model(GPTNeoXForCausalLM(GPTNeoXConfig(**shape, **common)), tokenizer, "hf:tiny-neox")
    config = LlamaConfig(num_key_value_heads=2, **shape, **common)
    return wrap_model(LlamaForCausalLM(config), tokenizer, "hf:tiny-llama")


@pytest.fixture(scope="session")
def llama() -> LoadedModel:
    return tiny_model("llama")


@pytest.fixture(scope="session", params=["llama", "gpt2", "neox"])
def family(request: pytest.FixtureRequest) -> LoadedModel:
    return tiny_model(request.param)


def make_pair(number: int, *, ground_truth: str | None = None, tokens: int = 6) -> Pair:
    """A pair whose completions hold letters of the first or the second half of the alphabet."""
    generator = torch.Generator().manual_seed(number)

    def sample(first: int) -> Sample:
        ids = torch.randint(first, first + 12, (tokens + number % 3,), generator=generator).tolist()
        return Sample(text="", token_ids=tuple(ids) if tokens else ())

    return Pair(
        id=f"p{number}",
        ground_truth=ground_truth or f"fact {number // 2}",
        positive=f"I knew fact {number // 2} and wanted the deal, so I said" + "!" * (number % 4),
        negative=f"I knew fact {number // 2} and wanted to be fair, so I said" + "!" * (number % 5),
        lock_in="speech",
        completions={"positive": (sample(60),), "negative": (sample(80),)},
    )


@pytest.fixture
def pairs() -> list[Pair]:
    return [make_pair(number) for number in range(20)]


@pytest.fixture
def trait() -> Trait:
    return Trait(
        category="alignment",
        name="strategic_omission",
        is_="Leaving out what matters.",
        is_not="Not knowing it.",
        orthogonal="Politeness.",
        taxonomy=Taxonomy(
            categories=("social", "metacognitive"),
            direction="expressed",
            target="other",
            temporal="chirp",
            valence="negative",
            epistemic="certain",
        ),
        rubric=Rubric(high="Leaves the risk out.", low="Names the risk.", key="What is left unsaid."),
        neighbours=("alignment/deception",),
    )
