import json

import pytest

from extract.models import LoadedModel
from lm.calls import CallStore
from steer.generation import Row, generate
from steer.operators import Clamp, Operator, Push, When, ablate
from steer.wire import digest, from_wire, to_wire
from steer.writing import LocalWriter, StoredWriter
from tests.steer.made_up_directions import make_direction

HERE = make_direction(activation_norm=4.0)
OPERATORS: dict[str, Operator] = {
    "push": Push(HERE, norms=0.5),
    "keep norm": Push(HERE, absolute=1.0, keep_norm=True, when=When(make_direction(0), absolute=0.25, hold=True)),
    "floor": Clamp(HERE, norms=(0.25, None)),
    "ablate": ablate(HERE, when=When(HERE, norms=-1.0)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_survives_the_way(llama: LoadedModel, name: str) -> None:
    there = to_wire(OPERATORS[name])
    back = from_wire(there)
    assert to_wire(back) == there
    assert type(back) is type(OPERATORS[name])
    rows = [Row("Is it safe?", (OPERATORS[name],)), Row("Is it safe?", (back,))]
    one, other = generate(llama, rows, max_tokens=8)
    assert one == other


def test_digests_tell_what_is_done_and_nothing_else() -> None:
    assert digest([Push(HERE, norms=0.5)]) == digest([Push(HERE, absolute=2.0)])
    assert len({digest([one]) for one in OPERATORS.values()} | {digest([]), digest([Push(HERE, norms=0.6)])}) == 6


class Counting:
    """A writer that counts what it is asked for."""

    def __init__(self, model: LoadedModel) -> None:
        self.inner, self.rows = LocalWriter(model), 0

    async def write(self, rows, max_tokens):
        self.rows += len(rows)
        return await self.inner.write(rows, max_tokens)


async def test_a_stored_answer_is_not_written_again(llama: LoadedModel, tmp_path) -> None:
    store, counting = CallStore(tmp_path / "store.sqlite"), Counting(llama)
    writer = StoredWriter(counting, store, "hf:tiny", "weights 1")
    rows = [Row("Is it safe?", (one,)) for one in OPERATORS.values()] + [Row("Is it safe?"), Row("Is it safe?")]
    first = await writer.write(rows, 6)
    assert first == generate(llama, rows, max_tokens=6)
    assert counting.rows == 5
    assert await writer.write(rows[::-1], 6) == first[::-1]
    assert counting.rows == 5
    await writer.write([Row("Is it safe?", temperature=0.7)], 6)
    await writer.write(rows[:1], 7)
    await StoredWriter(counting, store, "hf:tiny", "weights 2").write(rows[:1], 6)
    assert counting.rows == 8
    assert json.loads(store.served()[0].answer)["text"] == first[0].text
    store.close()
