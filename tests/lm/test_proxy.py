"""The proxy that stands before a real server in tests/vllm, tried here before the provider on loopback."""

from pathlib import Path

import pytest

from lm.calls import CallStore
from lm.ledger import Ledger
from lm.limits import Patience
from lm.prices import load_prices
from lm.recorded import Recorded
from lm.references import parse_reference
from lm.remote.anthropic import AnthropicModel
from lm.remote.openai import OpenAIModel
from tests.lm.provider import Provider
from tests.lm.test_limits import requests
from tests.lm.test_recorded_served import attempts
from tests.vllm.proxy import FAULTS, Proxy, canonical

PATIENT = Patience(total=600, attempts=20, attempt_timeout=60, first_wait=0.01, longest_wait=0.05)
"""The proxy itself cuts what stalls: nobody has to wait for a time-out here."""


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_nothing_is_lost_or_doubled_behind_it_and_the_log_says_what_came(tmp_path: Path, kind: str):
    store = CallStore(tmp_path / "store.sqlite")
    async with Provider() as provider, Proxy(provider.root, seed=3, nonsense=0.05, stall=0.1) as proxy:
        reference = parse_reference(f"{kind}:small@{proxy.url}")
        model = (OpenAIModel if kind == "openai" else AnthropicModel)(reference, PATIENT)
        await model.capabilities()
        proxy.log.clear()
        provider.delivered.clear()
        ledger = Ledger(store, load_prices(), None)
        answers = await Recorded(model, store, role="author", ledger=ledger).complete(requests(300))
        await model.close()
    assert [(answer.text, answer.finish) for answer in answers] == [("73", "stop")] * 300
    assert sorted(proxy.delivered.values()) == [1] * 300
    assert set(proxy.faults()) == {*FAULTS, "nonsense"}
    lost = [call for call in proxy.log if call.fault in ("reset", "stall", "cut")]
    assert sum(provider.delivered.values()) == 300 + len(lost)
    assert {canonical(call.request) for call in lost} <= set(proxy.delivered)
    booked = [row["outcome"] for row in attempts(store)]
    assert booked.count("answer") == 300
    assert len(booked) == len(proxy.log)
    store.close()


async def test_what_does_not_generate_passes_as_it_is():
    async with Provider() as provider, Proxy(provider.root, spoilt=1.0) as proxy:
        model = OpenAIModel(parse_reference(f"openai:small@{proxy.url}"), PATIENT)
        listed = await model._client().models.list()
        await model.close()
    assert [entry.id for entry in listed.data] == ["small"]
    assert proxy.log == []
