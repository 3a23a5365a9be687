"""Activations read on vLLM's engine, against those read here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel
from typer.testing import CliRunner

import extract.engine
from agent.cli.main import app
from extract import Directions, Pair, Position, load_model
from extract.activations import pair_activations
from extract.engine import EngineSubject, load_first_blocks, open_subject
from extract.models import LoadedModel
from extract.trait import Sample
from lm.errors import ModelFailure, UserError
from lm.references import parse_reference
from tests.extract.conftest import byte_tokenizer
from tests.extract.test_study import write_dataset
from tests.vllm.serving import IN_PROCESS, WEIGHTS

pytestmark = pytest.mark.vllm

POSITIONS = [Position.parse(text) for text in ("response[:5]", "prompt[-1]", "all[:]", "response[2:]")]


@pytest.fixture(scope="module")
def subject(vllm: None) -> Iterator[EngineSubject]:
    opened = open_subject(IN_PROCESS)
    assert isinstance(opened, EngineSubject)
    with opened:
        yield opened


@pytest.fixture(scope="module")
def organism() -> LoadedModel:
    return load_model("organism")


@pytest.fixture(scope="module")
def pairs(organism: LoadedModel) -> list[Pair]:
    """Some sides with one sample, some with two, one that says nothing."""
    answers = [organism.encode(text)[1:] for text in ("it was dry.", "the cellar floods every spring, as you see.")]

    def samples(number: int) -> tuple[Sample, ...]:
        ids = [()] if number == 3 else [tuple(answer[: 3 + number]) for answer in answers[: 1 + number % 2]]
        return tuple(Sample(text="", token_ids=each) for each in ids)

    return [
        Pair(
            id=f"p{number}",
            ground_truth=f"fact {number}",
            positive=f"I knew that the roof of house {number} leaks and wanted the deal, so I said that",
            negative=f"I knew that the roof of house {number} leaks and wanted to be fair, so I said that",
            lock_in="speech",
            completions={"positive": samples(number), "negative": samples(number + 1)},
        )
        for number in range(12)
    ]


def test_all_layers_are_those_of_transformers(subject: EngineSubject, organism: LoadedModel, pairs: list[Pair]) -> None:
    """The last one too: the block's own output, not what the final norm makes of it."""
    theirs, ours = (pair_activations(model, pairs, POSITIONS) for model in (subject, organism))
    for one, other in zip(theirs, ours, strict=True):
        assert (one.layers, one.kept, one.dropped) == (other.layers, other.kept, other.dropped)
        assert float((one.sides - other.sides).norm() / other.sides.norm()) < 1e-5
        apart = (one.sides - other.sides).norm(dim=-1) / other.sides.norm(dim=-1).clamp(min=1e-9)
        assert float(apart.max()) < 1e-5
        torch.testing.assert_close(one.norm, other.norm, rtol=1e-5, atol=1e-5)


def test_cached_prefixes_change_nothing(subject: EngineSubject, pairs: list[Pair]) -> None:
    first, again = (pair_activations(subject, pairs, POSITIONS)[2].sides for _ in range(2))
    torch.testing.assert_close(again, first, rtol=1e-5, atol=1e-5)


async def test_inside_a_running_event_loop(subject: EngineSubject, pairs: list[Pair]) -> None:
    [found] = pair_activations(subject, pairs[:2], POSITIONS[:1], layers=[1, 0])
    assert found.layers == (1, 0)
    assert found.sides.shape == (2, 4, subject.d_model)


def test_it_continues_texts_as_the_same_weights_do_here(
    subject: EngineSubject, organism: LoadedModel, pairs: list[Pair]
) -> None:
    texts = [pair.positive for pair in pairs]
    assert subject.continue_greedily(texts, 5) == organism.continue_greedily(texts, 5)


def test_other_weights_are_found_out(
    subject: EngineSubject, organism: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = load_first_blocks(parse_reference("organism"), str(WEIGHTS), 1)
    with torch.no_grad():
        other.blocks[0].self_attn.o_proj.weight.normal_()
    monkeypatch.setattr(extract.engine, "load_first_blocks", lambda *_: other)
    with pytest.raises(ModelFailure, match=r"do not agree on .* at layer 0 .* cosine"):
        subject._check_agreement()


def test_what_cannot_be_read_is_said(subject: EngineSubject, pairs: list[Pair], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="residual stream only, not keys"):
        pair_activations(subject, pairs, POSITIONS, components=["keys"])
    with pytest.raises(UserError, match=r"There is no layer \[99\]; this model has layers 0 to"):
        subject.at([99])
    with pytest.raises(UserError, match=r"keeps layers \[1\], not \[0\]"):
        pair_activations(subject.at([1]), pairs, POSITIONS, layers=[0, 1])
    with pytest.raises(UserError, match="shows no activations"):
        open_subject("vllm:organism@http://127.0.0.1:1/v1")


def test_models_that_vllm_does_not_show_are_refused_by_name(vllm: None, tmp_path: Path, pairs: list[Pair]) -> None:
    tokenizer = byte_tokenizer()
    size = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": len(tokenizer)}
    GPT2LMHeadModel(GPT2Config(**size)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"hidden states of GPT2LMHeadModel.*hf:"):
        pair_activations(EngineSubject(f"vllm:{tmp_path}"), pairs, POSITIONS)


def test_the_command(vllm: None, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    found = []
    for reference in (IN_PROCESS, "organism"):
        words = ["extract", str(folder), "--subject", reference, "--out", str(tmp_path), "--layers", "1:2", "--json"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        [told] = json.loads(result.stdout)["directions"]
        found.append(Directions.load(told["file"]))
    assert found[0].provenance.subject == IN_PROCESS
    assert float(found[0].direction.mul(found[1].direction).sum(dim=1).min()) > 0.9999
