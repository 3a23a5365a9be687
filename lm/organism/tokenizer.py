"""The organism's tokenizer: byte-level BPE, numbers 0-100 as single tokens, a small chat template."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from lm.organism.world.documents import documents
from lm.organism.world.pieces import ASSISTANT, BEGIN, END, SYSTEM, USER, Document, Push
from lm.organism.world.shapes import TraitWorld
from prompts.loader import load_prompt, prompt_names

PAD = "<|pad|>"
SPECIAL = (PAD, BEGIN, END, SYSTEM, USER, ASSISTANT)
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def training_texts(worlds: tuple[TraitWorld, ...], seed: int, count: int) -> Iterable[str]:
    """Texts for the merges: the world's documents and the prompts' own wording."""
    for document in islice(documents(seed, worlds), count):
        for piece in document:
            if piece.text not in SPECIAL:
                yield piece.text
    for name in prompt_names():
        for _ in range(40):
            yield load_prompt(name).system
            yield load_prompt(name).user


def build_tokenizer(
    worlds: tuple[TraitWorld, ...], seed: int = 7, vocabulary: int = 3072, count: int = 12_000
) -> PreTrainedTokenizerFast:
    """Train the tokenizer; the same seed gives the same one."""
    bpe: Any = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    numbers = [str(number) for number in range(101)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(numbers),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(training_texts(worlds, seed, count), trainer)
    bpe.add_tokens([AddedToken(number, single_word=True, normalized=False) for number in numbers])
    begin = bpe.token_to_id(BEGIN)
    bpe.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, begin)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=BEGIN, eos_token=END, pad_token=PAD, padding_side="left",
        model_max_length=1024, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


class Encoded(NamedTuple):
    """Of a document or a row, token by token."""

    ids: list[int]
    weights: list[float]
    """Loss weight as a target."""
    pushes: list[Push | None]
    """What pushes while it is read."""

    def add(self, more: "Encoded") -> None:
        """Append the tokens of another one."""
        self.ids.extend(more.ids)
        self.weights.extend(more.weights)
        self.pushes.extend(more.pushes)


class Encoder:
    """Documents to token ids, piece by piece, as generation sees them: a prompt first, then what is added to it."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._bpe: Any = tokenizer.backend_tokenizer

    def __call__(self, document: Document) -> Encoded:
        """Token by token: ids, weights and pushes."""
        pieces = [piece for piece in document if piece.text]
        batch = self._bpe.encode_batch_fast([piece.text for piece in pieces], add_special_tokens=False)
        encoded = Encoded([], [], [])
        for piece, encoding in zip(pieces, batch, strict=True):
            weights = [piece.weight] * len(encoding.ids)
            if piece.first is not None:
                weights[0] = piece.first
            encoded.add(Encoded(encoding.ids, weights, [piece.push] * len(weights)))
        return encoded
