"""Whole runs with every role on a server: what they cost, what stops them, how they go on."""

import json
from collections import Counter
from pathlib import Path

import pytest

from agent.folder import create_run
from agent.spending import Spending
from tests.agent.commands import spec_file, traitsmith
from tests.agent.runs import dataset_bytes, finish, start
from tests.agent.scripted import author_script, write_script
from tests.agent.served import running, scripted_provider, served_spec, wait_until_hung_up
from tests.lm.provider import Provider


def price_file(folder: Path, provider: Provider, usd: float = 10.0) -> Path:
    file = folder / "prices.toml"
    file.write_text(
        f'dated = "today"\n[models."openai:small@{provider.url}"]\ninput = {usd}\noutput = {usd}\ncached = {usd / 2}\n'
    )
    return file


def generated(provider: Provider) -> Counter[str]:
    """What was asked and delivered, the probes of each process left out."""
    probes = ("number 73", "Say hello", "One, two")
    return Counter({body: n for body, n in provider.delivered.items() if not any(probe in body for probe in probes)})


def test_a_run_on_a_server_costs_what_it_delivered_and_leaves_no_key(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-to-be-written")
    with running(scripted_provider()) as provider:
        folder = start(tmp_path, served_spec(tmp_path, provider))
        folder.write_info(
            folder.read_info().model_copy(update={"spending": Spending(prices=str(price_file(tmp_path, provider)))})
        )
        assert finish(folder).end == "done"
        wait_until_hung_up(provider)
        shown = traitsmith("status", str(folder.path), "--json", cwd=tmp_path)
        delivered = sum(provider.delivered.values())
    validation = json.loads(folder.validation_file.read_text())
    assert validation["passed"]
    assert validation["cost"]["attempts"] == delivered
    assert abs(validation["cost"]["usd"] - delivered * (6 * 10 + 4 * 5 + 3 * 10) / 1e6) < 1e-9
    told = json.loads(shown.stdout)
    costs, by_role = told["cost"], told["cost_by_role"]
    assert sum(row["usd"] for row in costs) == pytest.approx(validation["cost"]["usd"])
    assert sum(row["usd"] for row in by_role.values()) == pytest.approx(validation["cost"]["usd"])
    assert set(by_role) >= {"author", "judge", "subject"}
    assert {row["cached_share"] for row in costs} == {None, 0.4}  # None: the probes, whose answers are no calls
    assert {row["cached_share"] for row in [*by_role.values(), told["cost_in_all"]]} == {0.4}
    assert validation["cost"]["tokens_cached"] == told["cost_in_all"]["tokens_cached"] == 4 * delivered
    report = folder.report_file.read_text()
    assert "requests were sent to servers; 40\N{NO-BREAK SPACE}% of the tokens they read" in report
    for file in [*folder.path.rglob("*"), *tmp_path.rglob("datasets/**/*")]:
        assert not file.is_file() or b"sk-never" not in file.read_bytes(), file
    assert b"sk-never" not in shown.stdout.encode()


def test_a_budget_stops_a_run_and_a_higher_one_ends_it_with_the_same_dataset(tmp_path: Path):
    with running(scripted_provider()) as provider:
        prices = price_file(tmp_path, provider)
        whole, stopped = tmp_path / "whole", tmp_path / "stopped"
        spec = served_spec(tmp_path, provider)
        assert finish(start(whole, spec)).end == "done"
        once = generated(provider)
        provider.delivered.clear()
        folder = create_run(stopped, spec, "none", True, Spending(budget=0.02, prices=str(prices)))
        result = finish(folder)
        assert result.end == "budget"
        assert "resume RUN --budget" in result.message
        resumed = traitsmith("resume", str(folder.path), "--budget", "0.021", cwd=tmp_path)
        assert resumed.returncode == 4, resumed.stderr
        resumed = traitsmith("resume", str(folder.path), "--budget", "100", cwd=tmp_path)
        assert resumed.returncode == 0, resumed.stderr
        assert generated(provider) == once
    ours, theirs = dataset_bytes(whole), dataset_bytes(stopped)
    cards = [json.loads(files.pop("traits/test/holding_back/card.json")) for files in (ours, theirs)]
    costs = [card.pop("cost") for card in cards]
    assert (ours, cards[0]) == (theirs, cards[1])
    assert costs[0]["usd"] is None, "the first had no prices"
    assert costs[1]["usd"] > 0.021 and costs[0]["calls"] == costs[1]["calls"]
    assert folder.read_info().spending.budget == 100


def test_a_budget_without_a_price_is_refused_before_anything_is_asked(tmp_path: Path):
    with running(scripted_provider()) as provider:
        reference = f"openai:small@{provider.url}"
        roles = [word for role in ("author", "judge", "subject") for word in (f"--{role}", reference)]
        done = traitsmith("create", "test/holding_back", *roles, "--budget", "5", cwd=tmp_path)
        assert done.returncode == 2
        assert "the price of the author" in done.stderr
        assert "--prices" in done.stderr
        assert provider.number == 0
    assert not list((tmp_path / "runs").glob("*/*"))


def test_a_run_is_replayed_from_anothers_answers_without_a_server(tmp_path: Path):
    with running(scripted_provider()) as provider:
        spec = served_spec(tmp_path, provider)
        first = start(tmp_path / "first", spec)
        assert finish(first).end == "done"
    again = Spending(cache="replay", answers=str(first.store_file))
    folder = create_run(tmp_path / "again", spec, "none", True, again)
    assert finish(folder).end == "done"
    ours, theirs = dataset_bytes(tmp_path / "first"), dataset_bytes(tmp_path / "again")
    assert {name for name in ours if ours[name] != theirs[name]} <= {"traits/test/holding_back/card.json"}
    assert json.loads(folder.validation_file.read_text())["cost"]["calls"] == 0


def test_a_server_that_is_down_at_the_start_leaves_no_run_to_go_on_with(tmp_path: Path):
    done = traitsmith(
        "create", "alignment/strategic_omission", "--subject", "vllm:x@http://127.0.0.1:1/v1", cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be asked" in done.stderr and "did not answer in" in done.stderr
    assert "resume" not in done.stderr and "give the same command again" in done.stderr
    assert not list(tmp_path.glob("runs/*/*"))


def test_a_model_that_fails_on_the_way_leaves_a_run_that_is_named(tmp_path: Path):
    author = write_script(tmp_path / "few.jsonl", author_script()[:1])
    spec = spec_file(tmp_path, author=author)
    done = traitsmith("create", "test/holding_back", "--spec", str(spec), "--review", "none", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    [run] = tmp_path.glob("runs/*/*")
    assert f"`traitsmith resume {run}` goes on" in done.stderr
