"""What a run would ask and cost, said beforehand: held against a run in which everything passes at once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from agent import decisions
from agent.cli.main import app
from agent.errors import RunError, SpecError
from agent.estimate import estimate_run, plan_rounds
from agent.rehearsal import EXAMPLES
from agent.settings import Settings
from agent.spec import Spec
from agent.spending import Spending
from lm.calls import CallStore
from tests.agent.commands import spec_file
from tests.agent.runs import finish, start
from tests.agent.served import running, scripted_provider, served_spec
from tests.agent.test_served_runs import price_file
from tests.lm.provider import Provider


def test_there_is_an_example_of_every_answer_of_the_author():
    schemas = {kind.__name__: kind for kind in decisions.Decision.__subclasses__()}
    assert set(schemas) == set(EXAMPLES)
    for title, answer in EXAMPLES.items():
        schemas[title].model_validate(answer)


def varied_provider() -> Provider:
    """The small world, in which no two texts of subject, assistant or prefixes are the same."""
    provider = scripted_provider([{"score": 5, "repeat": True}])
    scripted = provider.say

    def say(body: dict[str, Any]) -> str:
        text, seed = scripted(body), body.get("seed", 0) % 10**6
        if "Write one instruction, under ten words" in str(body):
            return json.dumps({"prefix": f"Say everything you know {seed}"})
        return text if "response_format" in body or text == "73" else f"{text} and so on {seed}"

    provider.say = say
    return provider


def test_the_least_is_what_a_run_asks_in_which_all_goes_well(tmp_path: Path):
    with running(varied_provider()) as provider:
        spec = served_spec(tmp_path, provider)
        expected = asyncio.run(estimate_run(spec, Spending()))
        folder = start(tmp_path, spec)
        assert finish(folder).end == "done"
    store = CallStore(folder.store_file)
    asked = {(row.step, row.role): row.calls for row in store.usage() if row.calls}
    store.close()
    assert {(line.step, line.role): line.low.calls for line in expected.lines if line.low.calls} == asked
    assert all(line.low.calls <= line.high.calls for line in expected.lines)


def test_nothing_but_probes_is_sent_and_nothing_is_written(tmp_path: Path):
    with running(varied_provider()) as provider:
        reference = f"openai:small@{provider.url}"
        spec = spec_file(tmp_path, author=reference, judge=reference, subject=reference)
        options = ["create", "test/holding_back", "--spec", str(spec), "--out", str(tmp_path), "--dry-run"]
        prices = price_file(tmp_path, provider)
        before = sorted(tmp_path.rglob("*"))
        unpriced = CliRunner().invoke(app, options, catch_exceptions=False)
        priced = CliRunner().invoke(app, [*options, "--json", "--prices", str(prices), "--budget", "0.2"])
        with pytest.raises(SpecError, match=r"price of the author .* is unknown"):
            CliRunner().invoke(app, [*options, "--budget", "0.2"], catch_exceptions=False)
        sent = [str(body) for body in provider.requests]
    assert sorted(tmp_path.rglob("*")) == before
    assert all(any(words in body for words in ("number 73", "Say hello", "One, two")) for body in sent)
    assert unpriced.exit_code == 0
    assert f"the price of '{reference}' is unknown" in unpriced.stdout
    assert priced.exit_code == 0, priced.output
    told = json.loads(priced.stdout)
    low, high = told["low"], told["high"]
    assert 0 < low["usd"] < high["usd"]
    assert abs(low["usd"] - (low["tokens_in"] + low["tokens_out"]) * 10 / 1e6) < 1e-9
    assert {step["role"] for step in told["steps"]} == {"author", "judge", "subject", "assistant"}
    assert sum(step["low"]["calls"] for step in told["steps"]) == low["calls"]


def test_an_existing_dataset_is_in_the_way_of_a_dry_run_too(tmp_path: Path):
    (tmp_path / "datasets/traits/test/holding_back").mkdir(parents=True)
    options = ["create", "test/holding_back", "--spec", str(spec_file(tmp_path)), "--out", str(tmp_path), "--dry-run"]
    with pytest.raises(RunError, match="--replace"):
        CliRunner().invoke(app, options, catch_exceptions=False)


def test_what_is_paid_by_the_hour_is_said_and_not_taken_as_nothing(tmp_path: Path):
    prices = tmp_path / "prices.toml"
    with running(varied_provider()) as provider:
        reference = f"vllm:small@{provider.url}"
        prices.write_text(f'dated = "today"\n[models."{reference}"]\ngpu_hour = 2.0\n')
        spec = served_spec(tmp_path, provider, subject=reference)
        found = asyncio.run(estimate_run(spec, Spending(prices=str(prices))))
    assert (found.low.usd, found.high.usd) == (None, None)
    assert any("2.0 USD an hour" in note for note in found.notes)
    assert {line.role for line in found.lines if line.low.usd is None} == {"author", "judge", "subject", "assistant"}


@given(pairs=st.integers(1, 400), rounds=st.integers(1, 40), first=st.integers(1, 50), chunk=st.integers(1, 80))
def test_a_plan_drafts_enough_and_its_most_is_no_less_than_its_fewest(pairs: int, rounds: int, first: int, chunk: int):
    settings = Settings(first_batch=first, chunk=chunk, scale_chunk=chunk)
    spec = Spec(category="a", trait="b", pairs=pairs, rounds=rounds, settings=settings)
    plan = plan_rounds(spec)
    for times in (plan.rounds, plan.drafted, plan.tests):
        assert 0 <= times.fewest <= times.most
    assert plan.rounds.most == rounds
    assert (plan.drafted.fewest >= pairs) == (plan.tests.fewest == pairs > 0)
