"""A model on vLLM's engine in this process, whose residual stream is read there: the weights are loaded once.

    subject = open_subject("vllm:meta-llama/Llama-3.1-8B")
    [directions] = extract_directions(subject, pairs)

The engine starts when it is first needed, with the layers it is to keep; nothing here imports vLLM before.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerBase
from transformers.utils import logging

from extract.models import LoadedModel, load_model, wrap_model
from extract.passes import read_into_tables
from extract.positions import Position
from extract.rows import TokenRow
from extract.stores import Progress, Slot, Table, Wanted, new_table
from extract.trait import Sample
from lm.engine.model import EngineModel
from lm.engine.running import check_installed
from lm.errors import ModelFailure, ModelReferenceError, UserError
from lm.limits import together
from lm.local.checkpoint import find_checkpoint, load_tokenizer
from lm.local.text import Spelling
from lm.references import ModelReference, parse_reference
from lm.types import Prompt, Request, Sampling

AT_ONCE = 256
"""Rows that the engine is given at one time; their means wait in files."""
PATIENCE = 60.0
"""Seconds that a file may come after the answer that names it; the engine writes it with its next step."""

AGREEMENT = 0.999
"""Least cosine with transformers' activations of the probes."""
PROBES = ("The meeting was moved to Friday because the room was taken.", "She counted the boxes twice, and then")
PROBED = (Position.parse("all[:]"), Position.parse("all[-1]"))

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Pooled:
    """Means of one row at each position."""

    mean: Float[Tensor, "position layer width"]
    norm: Float[Tensor, "position layer"]


class EngineSubject:
    """What extraction needs of a model, on an engine. `layers` are the ones it keeps while it runs."""

    def __init__(self, reference: str, layers: Sequence[int] | None = None) -> None:
        """Read configuration and tokenizer; UserError where there is no vLLM, checkpoint or layer of that kind."""
        parsed = parse_reference(reference)
        if parsed.provider != "vllm" or parsed.url is not None:
            raise UserError(f"'{parsed}' shows no activations. Name what runs in this process: vllm:NAME or hf:NAME.")
        check_installed(parsed)
        self.reference = str(parsed)
        self._parsed = parsed
        self._name = find_checkpoint(parsed)
        config = _read_config(self.reference, self._name, parsed.revision)
        self.revision = str(getattr(config, "_commit_hash", None) or parsed.revision or "")
        text = config.get_text_config(decoder=True)
        self.n_layers, self.d_model = int(text.num_hidden_layers), int(text.hidden_size)
        self.layers = tuple(range(self.n_layers)) if layers is None else tuple(sorted(set(layers)))
        outside = [layer for layer in self.layers if not 0 <= layer < self.n_layers]
        if outside or not self.layers:
            raise UserError(f"There is no layer {outside or 'given'}; this model has layers 0 to {self.n_layers - 1}.")
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(parsed, self._name)
        self._model: EngineModel | None = None
        self._folder: TemporaryDirectory[str] | None = None

    def at(self, layers: Sequence[int]) -> "EngineSubject":
        """The same model, keeping these layers only: each costs d_model numbers a token beside keys and values."""
        return EngineSubject(self.reference, layers)

    def __enter__(self) -> "EngineSubject":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def spelling(self) -> Spelling:
        """Between text and token ids, as everywhere in `lm.local`."""
        return Spelling(self.tokenizer)

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a text to continue, or of a chat up to the assistant's turn."""
        return self.spelling.encode([prompt])[0]

    def leading(self, ids: Sequence[int]) -> int:
        """How many of a prompt's first tokens are special ones that no position counts (0 or 1)."""
        return int(bool(ids) and ids[0] == self.tokenizer.bos_token_id)

    def close(self) -> None:
        """Give memory and processes back; a later request starts the engine again."""
        model, self._model = self._model, None
        if model is not None:
            wait_for(model.close())
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def continue_greedily(self, prompts: Sequence[str], max_tokens: int) -> list[Sample]:
        """Up to `max_tokens` most likely tokens after each prompt, without the token that ends a text."""
        requests = [Request(prompt=text, sampling=Sampling(max_tokens=max_tokens, temperature=0)) for text in prompts]
        done = wait_for(self._started().complete(requests))
        return [Sample(text=one.text, token_ids=one.token_ids) for one in done]

    def read_into_tables(
        self,
        rows: Sequence[TokenRow],
        slots: Sequence[Slot],
        wanted: Wanted,
        *,
        scratch: Path | None = None,
        progress: Progress | None = None,
    ) -> dict[Any, Table]:
        """As `extract.passes.read_into_tables` does. Raises UserError for what this engine does not keep."""
        self._check_kept(wanted)
        size = (len(wanted.positions), len(wanted.layers), 1 + max((slot.number for slot in slots), default=-1))
        table = new_table(size, self.d_model, "residual", scratch)
        kept = [self.layers.index(layer) for layer in wanted.layers]
        for start in range(0, len(rows), AT_ONCE):
            chunk = rows[start : start + AT_ONCE]
            for slot, found in zip(slots[start : start + AT_ONCE], self.pool(chunk, wanted), strict=True):
                if found is not None:
                    shares = torch.tensor(slot.shares)
                    table.mean[:, :, slot.number] += shares[:, None, None] * found.mean[:, kept]
                    table.norm[:, :, slot.number] += shares[:, None] * found.norm[:, kept]
            if progress is not None:
                progress(start + len(chunk), len(rows))
        return {"residual": table}

    def pool(self, rows: Sequence[TokenRow], wanted: Wanted) -> list[Pooled | None]:
        """Means of each row, at all layers kept; None where no position selects a token."""
        model = self._started()
        return wait_for(together(_pool(model, row, [row.places(place) for place in wanted.positions]) for row in rows))

    def _check_agreement(self) -> None:
        """Compare the lowest layer kept with the same blocks in transformers. ModelFailure where they differ."""
        lowest = self.layers[0]
        truth = load_first_blocks(self._parsed, self._name, lowest + 1)
        ids = [self.encode(text) for text in PROBES]
        rows = [TokenRow(tuple(row), len(row), self.leading(row)) for row in ids]
        wanted = Wanted(PROBED, ("residual",), (lowest,))
        slots = [Slot(number, (1.0,) * len(PROBED)) for number in range(len(rows))]
        expected = read_into_tables(truth, rows, slots, [[n] for n in range(len(rows))], wanted)["residual"].mean
        for number, found in enumerate(self.pool(rows, wanted)):
            assert found is not None
            cosine = float(torch.cosine_similarity(found.mean[:, 0], expected[:, 0, number], dim=-1).min())
            if not cosine > AGREEMENT:
                raise ModelFailure(
                    f"vLLM and transformers do not agree on {self.reference!r}: at layer {lowest} their activations "
                    f"have cosine {cosine:.4f} (at least {AGREEMENT} is expected). Read it with hf:{self._name}."
                )

    def _check_kept(self, wanted: Wanted) -> None:
        if wanted.components != ("residual",):
            raise UserError(
                f"vLLM shows the residual stream only, not {', '.join(wanted.components)}. "
                f"Read other components through transformers: hf:{self._name}."
            )
        missing = [layer for layer in wanted.layers if layer not in self.layers]
        if missing:
            raise UserError(
                f"The engine of {self.reference!r} keeps layers {list(self.layers)}, not {missing}. "
                "Open it with the layers that are to be read."
            )

    def _started(self) -> EngineModel:
        """The engine, started and compared with transformers once."""
        if self._model is None:
            from extract.vllm import check_readable, engine_arguments

            check_readable(self.reference, self._name, self._parsed.revision)
            self._folder = TemporaryDirectory(prefix="traitsmith-")
            self._model = EngineModel(self._parsed, engine_arguments(self.layers, Path(self._folder.name)))
            try:
                self._check_agreement()
            except BaseException:
                self.close()
                raise
        return self._model


def open_subject(reference: str, layers: Sequence[int] | None = None) -> LoadedModel | EngineSubject:
    """What activations are read from: weights loaded here, or for `vllm:NAME` an engine that keeps these layers.

    Raises UserError as `load_model` does, and for a vLLM server, which shows no activations.
    """
    parsed = parse_reference(reference)
    return EngineSubject(reference, layers) if parsed.provider == "vllm" else load_model(reference)


async def _pool(model: EngineModel, row: TokenRow, places: Sequence[Sequence[int]]) -> Pooled | None:
    from extract.vllm import reading_params

    end = max((span[-1] + 1 for span in places if span), default=0)
    if not end:
        return None
    done = await model.run(row.ids[:end], reading_params(places))
    file = Path((done.kv_transfer_params or {})["file"])
    loop = asyncio.get_running_loop()
    patience = loop.time() + PATIENCE
    while not file.exists():
        if loop.time() > patience:
            raise ModelFailure(f"vLLM's engine wrote no hidden states within {PATIENCE:.0f} s of its answer.")
        await asyncio.sleep(0.001)
    found = load_file(file)
    file.unlink()
    return Pooled(found["mean"], found["norm"])


def wait_for(work: Coroutine[Any, Any, Found]) -> Found:
    """The result of work on an event loop of its own, whether or not one runs in this thread."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def load_first_blocks(reference: ModelReference, name: str, blocks: int) -> LoadedModel:
    """The first blocks of a checkpoint, in float32 on the processor; the others are not read from its files."""
    config = _read_config(str(reference), name, reference.revision)
    text = config.get_text_config(decoder=True)
    text.num_hidden_layers = blocks
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:blocks]
    told = logging.get_verbosity()
    logging.set_verbosity_error()  # It would list the blocks that were left out.
    try:
        model = AutoModelForCausalLM.from_pretrained(
            name, config=config, revision=reference.revision, dtype=torch.float32
        )
    finally:
        logging.set_verbosity(told)
    return wrap_model(model, load_tokenizer(reference, name), str(reference))


def _read_config(reference: str, name: str, revision: str | None) -> Any:
    try:
        return AutoConfig.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise ModelReferenceError(f"the configuration of {reference!r} cannot be read: {error}") from error
