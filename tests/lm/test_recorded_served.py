"""Answers of served models: on disk one by one, asked for and paid once, killed at any moment."""

import sqlite3
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib import resources
from pathlib import Path
from random import Random

import pytest

from lm.calls import Attempt, CallStore, now
from lm.errors import BudgetReached, ModelFailure, UserError
from lm.ledger import Ledger
from lm.limits import Patience
from lm.metering import Use
from lm.prices import Price, PriceList, load_prices
from lm.recorded import Recorded
from lm.references import parse_reference
from lm.remote.openai import OpenAIModel
from lm.types import NextTokenRequest
from tests.lm.killing import kill_again_and_again
from tests.lm.provider import Provider
from tests.lm.test_limits import CALM, FAULTS, SHORT, requests


@pytest.fixture
def store(tmp_path) -> Iterator[CallStore]:
    opened = CallStore(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def priced(provider: Provider, usd: float = 1000.0) -> PriceList:
    """So much for a million tokens, read or written."""
    return PriceList({f"openai:small@{provider.url}": Price(input=usd, output=usd, cached=usd / 2, source="test")})


def recorded(provider: Provider, store: CallStore, patience: Patience = CALM, **more) -> Recorded:
    model = provider.keep(OpenAIModel(parse_reference(f"openai:small@{provider.url}"), patience))
    budget = more.pop("budget", None)
    return Recorded(model, store, role="author", ledger=Ledger(store, priced(provider), budget), **more)


async def test_each_answer_is_on_disk_although_others_fail(store):
    async with Provider() as provider:
        model = recorded(provider, store)
        await model.capabilities()
        provider.number = 0
        provider.misbehave = lambda number: "401" if number == 7 else None
        provider.delay = 0.02
        with pytest.raises(ModelFailure, match="401"):
            await model.complete(requests(60))
        provider.misbehave = lambda number: None
        provider.delay = 0
        await store.saved()
        kept = store.usage()[-1].calls
        before = provider.number
        assert len(await model.complete(requests(60))) == 60
        assert provider.number - before == 60 - kept


async def test_the_ledger_equals_what_was_delivered_and_lists_what_was_lost(store):
    random = Random(3)
    async with Provider() as provider:
        model = recorded(provider, store, SHORT)
        await model.capabilities()
        provider.delivered.clear()
        before = len(attempts(store))
        provider.misbehave = lambda number: random.choice(FAULTS) if random.random() < 0.2 else None
        await model.complete(requests(200))
        rows = attempts(store)[before:]
    answers = [row for row in rows if row["outcome"] == "answer"]
    assert len(answers) == len(provider.delivered) == 200
    assert all((row["tokens_in"], row["cached"], row["tokens_out"]) == (10, 4, 3) for row in answers)
    assert all(row["usd"] == pytest.approx((6 + 4 / 2 + 3) * 1e-3) for row in answers)
    lost = [row for row in rows if row["outcome"] == "lost"]
    assert lost
    # On a slow machine an answer may be sent whole and yet come too late: paid, and listed as lost.
    assert sum(provider.delivered.values()) - 200 <= len(lost)
    assert all(row["usd"] > 0.05 for row in lost)
    assert {row["usd"] for row in rows if row["outcome"] == "failed"} == {0.0}
    usage = store.usage()[-1]
    assert usage.calls == 200
    assert usage.usd == pytest.approx(sum(row["usd"] for row in attempts(store)))


async def test_what_a_provider_begins_to_keep_costs_a_quarter_more(store):
    async with Provider() as provider:
        provider.cache_written = 100
        reference = f"anthropic:small@{provider.url}"
        prices = PriceList({reference: Price(input=1000, output=2000, cached=100, source="test")})
        model = Recorded(provider.open(reference.partition("@")[0]), store, role="judge", ledger=Ledger(store, prices))
        await model.complete(requests(1))
    last = attempts(store)[-1]
    assert (last["tokens_in"], last["cached"], last["cache_written"]) == (114, 4, 100)
    assert last["usd"] == pytest.approx((10 + 100 * 1.25 + 4 / 10 + 3 * 2) * 1e-3)


def test_a_store_from_before_is_read_as_it_is_and_written_with_the_columns_of_today(tmp_path):
    file = tmp_path / "store.sqlite"
    old = sqlite3.connect(file)
    old.executescript(
        "CREATE TABLE attempts (id INTEGER PRIMARY KEY, role TEXT NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL,"
        "outcome TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cached INTEGER NOT NULL,"
        "reasoning INTEGER NOT NULL, usd REAL, price TEXT NOT NULL, at TEXT NOT NULL);"
        "INSERT INTO attempts VALUES (7, 'judge', 'test', 'm', 'answer', 10, 3, 4, 0, 0.5, 'list', '2026-01-01');"
    )
    old.close()
    store = CallStore(file)
    assert (store.last_attempt(), store.spent(), store.usage()[0].tokens_cached) == (7, 0.5, 4)
    assert "cache_written" not in attempts(store)[0]
    store.put(Attempt(8, "judge", "test", "m", "answer", 10, 3, 0, 0, 0.25, "list", now(), cache_written=6))
    store.close()
    store = CallStore(file)
    assert [(row["id"], row["cache_written"]) for row in attempts(store)] == [(7, 0), (8, 6)]
    assert store.spent() == 0.75
    store.close()


async def test_a_budget_is_never_broken_and_a_higher_one_goes_on(store):
    async with Provider() as provider:
        model = recorded(provider, store, budget=1.0)
        with pytest.raises(BudgetReached, match=r"the budget of 1.00 USD is reached"):
            await model.complete(requests(300))
        await store.saved()
        spent = store.spent()
        assert 0.5 < spent <= 1.0
        assert not [row for row in attempts(store) if row["outcome"] == "open"]
        paid = sum(provider.delivered.values())
        assert len(await recorded(provider, store, budget=20.0).complete(requests(300))) == 300
        assert set(provider.delivered.values()) <= {1, 2}  # 2: the probes of the second process
        assert sum(provider.delivered.values()) - paid < 300
    assert store.spent() > spent


async def test_an_attempt_in_flight_counts_at_its_worst_case(store):
    async with Provider() as provider:
        ledger = Ledger(store, priced(provider), 1.0)
        await ledger.meter("author", f"openai:small@{provider.url}").reserve(Use(tokens_in=500, tokens_out=100))
        assert store.spent() == pytest.approx(0.75)
        again = Ledger(store, priced(provider), 1.0)
        with pytest.raises(BudgetReached):
            await again.meter("author", f"openai:small@{provider.url}").reserve(Use(tokens_in=500, tokens_out=0))


async def test_the_modes_of_the_cache(store, tmp_path):
    async with Provider() as provider:
        answers = iter(range(1000))
        provider.say = lambda body: str(next(answers))

        async def texts(**more) -> list[str]:
            return [done.text for done in await recorded(provider, store, **more).complete(requests(2))]

        with pytest.raises(ModelFailure, match="never asked what it can do"):
            await texts(mode="replay")
        first = sorted(await texts())
        assert sorted(await texts()) == first
        refreshed = sorted(await texts(mode="refresh"))
        assert refreshed != first
        assert sorted(await texts()) == refreshed
        assert sorted(await texts(mode="off")) not in (first, refreshed)
        newest = sorted(await texts())
        number = provider.number
        assert sorted(await texts(mode="replay")) == newest
        with pytest.raises(ModelFailure, match=r"1 of 3 answers of the author .* were never recorded"):
            await recorded(provider, store, mode="replay").complete(requests(3))
        empty = CallStore(tmp_path / "empty.sqlite")
        other = recorded(provider, empty, mode="replay", older=store)
        assert sorted(done.text for done in await other.complete(requests(2))) == newest
        assert provider.number == number
        assert empty.usage() == []
        empty.close()


async def test_next_tokens_are_stored_too(store):
    async with Provider() as provider:
        model = recorded(provider, store)
        asked = [NextTokenRequest(prompt="I", top=2), NextTokenRequest(prompt="You", top=2)]
        first = await model.next_tokens(asked)
        number = provider.number
        assert await model.next_tokens(asked) == first
        assert provider.number == number


async def test_what_the_endpoint_serves_is_part_of_an_answers_identity(store):
    async with Provider() as provider:
        await recorded(provider, store).complete(requests(1))
        provider.roots = {"small": "weights-2"}
        before = sum(provider.delivered.values())
        await recorded(provider, store).complete(requests(1))
        assert max(provider.delivered.values()) == 2
        assert sum(provider.delivered.values()) > before


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
async def test_killed_again_and_again_every_answer_is_paid_once_but_those_in_flight(tmp_path: Path, kills: int):
    async with Provider() as provider:
        provider.delay = 0.05
        await kill_again_and_again(provider, f"openai:small@{provider.url}", tmp_path, kills)


def test_prices_are_dated_and_say_where_they_were_read(tmp_path):
    own = tmp_path / "prices.toml"
    own.write_text(
        'dated = "2026-01-31"\n[models."openai:small"]\ninput = 0.4\noutput = 1.6\nsource = "their page"\n'
        '[models."openai:large"]\ninput = 2.0\noutput = 8.0\n'
    )
    listed = load_prices(own)
    assert listed.of("openai:small-2025-04-14") == listed.of("openai:small")
    assert listed.of("openai:small").source == f"{own} of 2026-01-31 (their page)"
    assert listed.of("openai:large").source == f"{own} of 2026-01-31"
    assert listed.of("openai:small").cost(Use(tokens_in=1_000_000, tokens_out=0)) == pytest.approx(0.4)
    assert listed.of("openai:unheard-of") is None
    assert listed.of("openai:small@http://elsewhere/v1") is None
    assert listed.of("organism").cost(Use(tokens_in=9, tokens_out=9)) == 0
    own.write_text('dated = "2026-01-31"\n[models."openai:small"]\ninputs = 1.0\n')
    with pytest.raises(UserError, match="USD per million tokens"):
        load_prices(own)


def test_the_price_list_of_the_package_says_where_each_price_was_read():
    file = tomllib.loads(resources.files("lm").joinpath("prices.toml").read_text())
    assert date.fromisoformat(file["dated"])
    listed = load_prices()
    assert set(listed.prices) == set(file["models"])
    assert all(f"({file['source']})" in price.source for price in listed.prices.values())
    assert {parse_reference(name).provider for name in listed.prices} == {"openai", "anthropic"}
    assert all(0 <= price.cached <= price.input < price.output for price in listed.prices.values() if price.cached)


def attempts(store: CallStore) -> list[dict[str, object]]:
    cursor = store._connection.execute("SELECT * FROM attempts ORDER BY id")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
