"""Models whose machine is priced by the hour: what the ledger says of a batch, and what a budget can hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lm.calls import CallStore, Usage
from lm.errors import BudgetReached, ModelFailure, UserError
from lm.ledger import Ledger
from lm.prices import load_prices
from lm.recorded import Recorded
from lm.scripted import ScriptedModel
from lm.types import Request, Sampling
from tests.lm.provider import Provider
from tests.lm.test_limits import requests as chats
from tests.lm.test_recorded_served import attempts


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    opened = CallStore(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def price_file(folder: Path, reference: str, usd: float = 3600.0) -> Path:
    """So many USD for an hour; by default one for a second."""
    file = folder / "prices.toml"
    file.write_text(f'dated = "2026-01-31"\n[models."{reference}"]\ngpu_hour = {usd}\n')
    return file


def texts(count: int) -> list[Request]:
    return [Request(prompt=f"text {n}", sampling=Sampling(max_tokens=4)) for n in range(count)]


def ledger_of(store: CallStore, prices: Path, budget: float | None = None) -> Ledger:
    return Ledger(store, load_prices(prices), budget)


def totals(store: CallStore) -> Usage:
    (row,) = store.usage()
    return row


async def test_each_chunk_of_a_local_model_is_booked_at_its_time(store: CallStore, tmp_path: Path):
    prices = price_file(tmp_path, "hf:tiny?dtype=bf16&device=cuda")
    model = ScriptedModel(lambda _: "so", lambda _: {}, "hf:tiny?device=cuda&dtype=bf16")
    recorded = Recorded(model, store, role="subject", chunk=2, ledger=ledger_of(store, prices))
    for _ in range(2):
        await recorded.complete(texts(6))
    rows = attempts(store)
    assert [row["outcome"] for row in rows] == ["time"] * 3
    assert all(" s at 3600.0 USD an hour: " in row["price"] and "of 2026-01-31" in row["price"] for row in rows)
    used = totals(store)
    assert (used.calls, used.attempts) == (6, 0)
    assert 0 < used.usd <= used.seconds * (1 + 1e-9)  # The clock of the calls runs round that of the ledger.
    assert store.spent() == pytest.approx(used.usd)


async def test_a_server_of_ones_own_is_booked_by_batch_and_its_attempts_are_free(store: CallStore, tmp_path: Path):
    async with Provider() as provider:
        model = provider.open("vllm:small")
        await model.capabilities()
        ledger = ledger_of(store, price_file(tmp_path, model.reference))
        await Recorded(model, store, role="subject", ledger=ledger).complete(chats(20))
    by_outcome = {outcome: [r for r in attempts(store) if r["outcome"] == outcome] for outcome in ("answer", "time")}
    assert [len(rows) for rows in by_outcome.values()] == [20, 1]
    assert sum(row["usd"] for row in by_outcome["answer"]) == 0
    assert by_outcome["time"][0]["usd"] == totals(store).usd > 0
    assert totals(store).attempts == 20


async def test_a_batch_that_fails_is_booked_too(store: CallStore, tmp_path: Path):
    def fail(_: Request) -> str:
        raise ModelFailure("gone")

    model = ScriptedModel(fail, lambda _: {}, "organism")
    recorded = Recorded(model, store, role="author", ledger=ledger_of(store, price_file(tmp_path, "organism")))
    with pytest.raises(ModelFailure):
        await recorded.complete(texts(1))
    await store.saved()
    assert [row["outcome"] for row in attempts(store)] == ["time"]
    assert totals(store).calls == 0


async def test_a_budget_lets_no_batch_begin_once_it_is_spent(store: CallStore, tmp_path: Path):
    prices = price_file(tmp_path, "organism", 3.6e9)
    model = ScriptedModel(lambda _: "so", lambda _: {}, "organism")
    recorded = Recorded(model, store, role="author", chunk=2, ledger=ledger_of(store, prices, budget=1e-6))
    with pytest.raises(BudgetReached, match="budget of"):
        await recorded.complete(texts(6))
    assert totals(store).calls == 2
    higher = ledger_of(store, prices, budget=1e9)
    assert len(await Recorded(model, store, role="author", chunk=2, ledger=higher).complete(texts(6))) == 6
    assert totals(store).calls == 6


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('[models."openai:gpt-4.1"]\ngpu_hour = 2.0', "not run on a machine of one's own"),
        ('[models."organism"]\ngpu_hour = 2.0\ninput = 1.0\noutput = 1.0', "not both"),
        ('[models."organism"]\ninput = 1.0', "give input and output, or gpu_hour"),
        ('[models."organism"]\ngpu_hour = inf', "gpu_hour"),
        ('[models."organism"]\ngpu_hour = -1.0', "gpu_hour"),
        ('[models."opnai:gpt"]\ninput = 1.0\noutput = 1.0', "Did you mean 'openai'"),
    ],
)
def test_a_price_that_makes_no_sense_is_one_clear_error(tmp_path: Path, entry: str, fault: str):
    file = tmp_path / "prices.toml"
    file.write_text(f'dated = "2026-01-31"\n{entry}\n')
    with pytest.raises(UserError, match=fault) as caught:
        load_prices(file)
    assert "prices.toml" in str(caught.value)


WRONG_PRICES = {
    'dated = "today"\n[models.organism]\ngpu_hour = [2]\n': (
        "models.organism.gpu_hour: Input should be a valid number, got [2]."
    ),
    'dated = "today"\n[models.organism]\nhourly = 1\n': "models.organism.hourly: unknown field, got 1.",
    'dated = "today"\n[models.organism]\ninput = 1\n': "models.organism: give input and output, or gpu_hour.",
    "[models]\n": "dated: Field required.",
}


@pytest.mark.parametrize("text", WRONG_PRICES)
def test_what_is_wrong_with_a_price_file_is_said_in_a_line(tmp_path: Path, text: str):
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(UserError) as wrong:
        load_prices(file)
    first, *_ = str(wrong.value).splitlines()
    assert first == f"the price file {str(file)!r} cannot be used: {WRONG_PRICES[text]}"
    assert "pydantic" not in str(wrong.value)
