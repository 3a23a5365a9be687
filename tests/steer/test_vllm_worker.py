"""What the hooks inside vLLM do to one flat pass of many requests, and what a bias is (tests/vllm: the real engine)."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from extract import load_model
from extract.models import LoadedModel
from extract.vectors import Direction
from lm.errors import ModelFailure, UserError
from lm.local.checkpoint import organism_folder
from lm.types import Completion
from steer.intervention import steered
from steer.operators import ALL, PROMPT, Operator, Push, ablate
from steer.vllm.bias import add_biases
from steer.vllm.engine import check_ran
from steer.vllm.worker import KEY, SteeringWorker
from steer.wire import to_wire
from tests.steer.made_up_directions import LAYERS, WIDTH, make_direction


class Block(nn.Module):
    """Returns, as vLLM's blocks do, what is still to be added to the residual stream, and the stream."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Linear(WIDTH, WIDTH)

    def forward(self, hidden: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        stream = hidden + residual
        return self.inside(stream), stream


class Flat(nn.Module):
    """All tokens of all requests in one row of rows; tokens do not see each other, which is not tested here."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(get_text_config=lambda **_: SimpleNamespace(num_hidden_layers=LAYERS))
        self.layers = nn.ModuleList(Block() for _ in range(LAYERS))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden, residual = tokens, torch.zeros_like(tokens)
        for layer in self.layers:
            hidden, residual = layer(hidden, residual)
        return hidden + residual


PUSH = Push(make_direction(1), absolute=1.5)
REQUESTS: dict[str, tuple[Operator | None, int, int, int, set[int]]] = {
    "a prompt": (PUSH, 0, 5, 5, {4}),
    "without": (None, 3, 9, 2, set()),
    "an answer": (Push(make_direction(2), absolute=2.0, keep_norm=True), 7, 6, 1, {0}),
    "no more prompt": (Push(make_direction(0), absolute=2.0, tokens=PROMPT), 6, 6, 1, set()),
    "part of a prompt": (Push(make_direction(0), absolute=2.0, tokens=PROMPT), 2, 8, 4, {0, 1, 2, 3}),
    "everything": (ablate(make_direction(1, seed=3), tokens=ALL), 2, 3, 3, {0, 1, 2}),
    "as the first": (PUSH, 2, 4, 3, {1, 2}),
}
"""By request: its operator, tokens computed before, tokens of its prompt, tokens now, and which of them are touched."""


def runner_of(model: Flat) -> SimpleNamespace:
    """What a worker's model runner tells of a pass."""
    lengths = [now for _, _, _, now, _ in REQUESTS.values()]
    batch = SimpleNamespace(
        num_reqs=len(REQUESTS),
        req_ids=list(REQUESTS),
        num_computed_tokens_cpu=np.array([before for _, before, _, _, _ in REQUESTS.values()]),
        num_prompt_tokens=np.array([prompt for _, _, prompt, _, _ in REQUESTS.values()]),
    )
    requests = {
        name: SimpleNamespace(sampling_params=SimpleNamespace(extra_args={KEY: str(to_wire(one))} if one else None))
        for name, (one, *_) in REQUESTS.items()
    }
    starts = SimpleNamespace(np=np.concatenate([[0], np.cumsum(lengths), [99]]))
    return SimpleNamespace(
        get_model=lambda: model,
        device=torch.device("cpu"),
        input_batch=batch,
        requests=requests,
        query_start_loc=starts,
    )


def by_hand(model: Flat, tokens: torch.Tensor, operator: Operator | None, touched: set[int]) -> torch.Tensor:
    """The tokens of one request, layer by layer."""
    stream = tokens
    for layer, block in enumerate(model.layers):
        stream = stream + block.inside(stream)
        if operator is None or operator.layer != layer:
            continue
        vector = operator.direction.vector
        for place in touched:
            before = stream[place]
            if not isinstance(operator, Push):
                stream[place] = before - (before @ vector) * vector
                continue
            pushed = before + operator.strength * vector
            stream[place] = pushed * before.norm() / pushed.norm() if operator.keep_norm else pushed
    return stream


@torch.inference_mode()
def test_each_token_of_a_pass_is_its_requests() -> None:
    torch.manual_seed(2)
    model = Flat()
    total = sum(now for _, _, _, now, _ in REQUESTS.values())
    tokens = torch.randn(total + 3, WIDTH)  # three of padding
    plain = model(tokens)
    worker = SteeringWorker()
    worker.model_runner = runner_of(model)
    assert worker.steering_counts() == {}
    worker.steering_set({str(to_wire(one)): [to_wire(one)] for one, *_ in REQUESTS.values() if one is not None})
    found = model(tokens)
    start = 0
    for name, (operator, _, _, now, touched) in REQUESTS.items():
        mine = slice(start, start + now)
        expected = by_hand(model, tokens[mine], operator, touched)
        torch.testing.assert_close(found[mine], expected, rtol=1e-5, atol=1e-5, msg=name)
        start += now
    assert torch.equal(found[start:], plain[start:])
    assert torch.equal(found[5:7], plain[5:7])
    assert worker.steering_counts()[str(to_wire(PUSH))] == 5 + 3
    model(tokens)
    assert worker.steering_counts()[str(to_wire(PUSH))] == 2 * (5 + 3)


def test_hooks_that_saw_the_prompt_alone_are_an_error() -> None:
    """As where a prompt is run eagerly, and the answer by a captured graph."""
    row = Completion(text="", finish="length", tokens_in=30, tokens_cached=16, tokens_out=10)
    keys, done = ["push", "", "push"], [row] * 3
    with pytest.raises(ModelFailure, match="Of 46 tokens that ran under operators, vLLM put 28 through"):
        check_ran({"push": 2 * 14}, keys, done)
    check_ran({"push": 2 * 23}, keys, done)


def test_a_bias_is_a_push_on_all_tokens(tmp_path: Path) -> None:
    plain = load_model("organism")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/tokenizer.json").symlink_to(tmp_path / "of another checkpoint")
    add_biases(organism_folder(), tmp_path / "copy")
    biased = load_model(f"hf:{tmp_path / 'copy'}")
    ids = torch.tensor([plain.encode("I knew the roof leaked, so I said")])
    worker = SteeringWorker()
    worker.model_runner = SimpleNamespace(get_model=lambda: biased.model)
    vector = torch.nn.functional.normalize(
        torch.randn(plain.d_model, generator=torch.Generator().manual_seed(0)), dim=0
    )

    def logits(model: LoadedModel) -> torch.Tensor:
        with torch.no_grad():
            return model.model(input_ids=ids).logits

    assert torch.equal(logits(biased), logits(plain))
    push = Push(Direction(vector, 2, 1.0, 0.0, 1.0), absolute=3.0, tokens=ALL)
    worker.steering_bias([to_wire(push)])
    with steered(plain, push):
        torch.testing.assert_close(logits(biased), logits(plain), rtol=1e-4, atol=1e-4)
    worker.steering_bias([])
    assert torch.equal(logits(biased), logits(plain))
    with pytest.raises(UserError, match="with biases of its own"):
        add_biases(tmp_path / "copy", tmp_path / "again")
    with pytest.raises(UserError, match=r"has no .safetensors"):
        (tmp_path / "bare").mkdir()
        (tmp_path / "bare/config.json").write_text((organism_folder() / "config.json").read_text())
        add_biases(tmp_path / "bare", tmp_path / "again")
    with pytest.raises(UserError, match="is no folder"):
        add_biases(tmp_path / "none", tmp_path / "again")
